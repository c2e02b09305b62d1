#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>

namespace keyledger::projections {

/// Fills column families by the bulk: collects rows, and gives them to RocksDB as whole tables,
/// sorted beforehand (rocksdb::SstFileWriter, DB::IngestExternalFile). That costs a fraction of
/// what memtables, flushes and compactions do. Tables are sorted and written by a thread beside the
/// caller's.
///
/// Rows can't be read before flush(). The families must get no other writes. Not thread-safe.
class SortedRuns {
 public:
  /// `db` is used until the SortedRuns are gone; tables are made in `directory`, on the same disk.
  SortedRuns(rocksdb::DB& db, std::filesystem::path directory);
  ~SortedRuns();
  SortedRuns(const SortedRuns&) = delete;
  SortedRuns& operator=(const SortedRuns&) = delete;

  /// Adds a row, or without a value removes it; what comes later counts. An error may be one of
  /// rows that were added before.
  rocksdb::Status add(rocksdb::ColumnFamilyHandle& family, std::string_view key,
                      const std::optional<std::string>& value);

  /// Gives RocksDB all that was added, on stable storage.
  rocksdb::Status flush();

 private:
  /// A row's place among the bytes of its run: the key and, behind it, the value.
  struct Row {
    std::uint64_t prefix;  ///< The key's first bytes, big-endian: most comparisons need no more.
    std::uint32_t offset;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;  ///< kRemoved where there is none.
  };
  static constexpr std::uint32_t kRemoved = UINT32_MAX;

  struct Run {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    std::string bytes;
    std::vector<Row> rows;

    std::string_view key(const Row& row) const {
      return std::string_view(bytes).substr(row.offset, row.key_bytes);
    }
    std::string_view value(const Row& row) const {
      return std::string_view(bytes).substr(row.offset + row.key_bytes, row.value_bytes);
    }
    bool precedes(const Row& left, const Row& right) const;
  };

  Run& run_of(rocksdb::ColumnFamilyHandle& family);
  rocksdb::Status hand_over(Run& run);
  rocksdb::Status write_table(Run& run, const std::string& file) const;

  rocksdb::DB& db_;
  const std::filesystem::path directory_;
  std::vector<Run> runs_;  ///< One for each family that there were rows of.
  std::uint64_t tables_ = 0;
  std::future<rocksdb::Status> writing_;  ///< The table that is being written, if one is.
};

}  // namespace keyledger::projections
