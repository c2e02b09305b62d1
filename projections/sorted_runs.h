#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <rocksdb/db.h>

#include "projections/key_hash.h"

namespace keyledger::projections {

/// Fills column families by the bulk: collects rows, and gives them to RocksDB as whole tables,
/// sorted beforehand (rocksdb::SstFileWriter, DB::IngestExternalFile). That costs a fraction of
/// what memtables, flushes and compactions do. Tables are sorted and written by a thread beside the
/// caller's.
///
/// What was added can be read here, and what is no longer here in RocksDB. The families must be
/// empty at first, and get no other writes. Not thread-safe.
class SortedRuns {
 public:
  /// Whether rows of a family are found one by one before flush(): that costs memory and time.
  enum class Use { write_only, find };

  struct Limits {
    std::size_t run_bytes = std::size_t{32} << 20U;  ///< Of a family, before they become a table.
    /// More of what is read again and again: here that costs a tenth of what it does in RocksDB.
    std::size_t findable_run_bytes = std::size_t{128} << 20U;
    std::size_t min_table_rows = 4096;  ///< Fewer rows are no table of their own.
  };

  /// `db` is used until the SortedRuns are gone; tables are made in `directory`, on the same disk.
  /// Their names begin with `name`.
  SortedRuns(rocksdb::DB& db, std::filesystem::path directory, std::string name, Limits limits);
  ~SortedRuns();
  SortedRuns(const SortedRuns&) = delete;
  SortedRuns& operator=(const SortedRuns&) = delete;

  /// Adds a row, or without a value removes it; what comes later counts. An error may be one of
  /// rows that were added before.
  rocksdb::Status add(rocksdb::ColumnFamilyHandle& family, Use use, std::string_view key,
                      std::optional<std::string_view> value);

  /// What was added of `key` last, in a family of Use::find.
  struct Found {
    bool is_known = false;                  ///< Else RocksDB has the last word.
    std::optional<std::string_view> value;  ///< Nothing: there is none. Valid until add().
  };
  Found find(const rocksdb::ColumnFamilyHandle& family, std::string_view key) const;

  /// Gives RocksDB what was added to one family, for who scans it.
  rocksdb::Status settle(rocksdb::ColumnFamilyHandle& family);

  /// Gives RocksDB all that was added, on stable storage.
  rocksdb::Status flush();

 private:
  /// A row's place among the bytes of its run: the key and, behind it, the value.
  struct Row {
    std::uint32_t offset;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;  ///< kRemoved where there is none.
  };
  static constexpr std::uint32_t kRemoved = UINT32_MAX;

  struct Run {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    Use use = Use::write_only;
    bool has_all = true;  ///< Nothing of the family is in RocksDB yet.
    std::string bytes;
    std::vector<Row> rows;
    /// The last row of each key, with Use::find. The keys are those in `bytes`, which never moves.
    boost::unordered_flat_map<std::string_view, Row, KeyHash> last_rows;

    std::string_view key(const Row& row) const {
      return std::string_view(bytes).substr(row.offset, row.key_bytes);
    }
    std::string_view value(const Row& row) const {
      return std::string_view(bytes).substr(row.offset + row.key_bytes, row.value_bytes);
    }
  };

  std::size_t max_bytes(Use use) const;
  /// Makes room for rows that come, in place of those that were there.
  void begin(Run& run) const;
  Run& run_of(rocksdb::ColumnFamilyHandle& family, Use use);
  rocksdb::Status hand_over(Run& run);
  std::string next_file();
  rocksdb::Status wait_for_table();
  rocksdb::Status write_rows(const Run& run) const;
  rocksdb::Status write_table(const Run& run, const std::string& file) const;

  rocksdb::DB& db_;
  const std::filesystem::path directory_;
  const std::string name_;
  const Limits limits_;
  std::vector<Run> runs_;  ///< One for each family that there were rows of.
  std::uint64_t tables_ = 0;
  rocksdb::Status failure_;          ///< Of a table: rows are lost, and nothing more goes well.
  std::shared_ptr<const Run> full_;  ///< What is being written as a table, if anything is.
  std::future<rocksdb::Status> writing_;  ///< By whom.
};

}  // namespace keyledger::projections
