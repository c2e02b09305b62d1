#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace keyledger::projections {

/// Keeps rows of a family whose keys are digests, so that the hot path needs no look-up in RocksDB.
///
/// It can't give an old row for one that was changed: a writer calls invalidate() after the change
/// can be read and before anybody is told of it, which moves the stamp of all keys that share the
/// digest's stamp; rows that were put in under an older stamp are no longer found. A reader takes
/// the stamp before it reads the row elsewhere.
///
/// Thread safety: all members, from any thread. Readers share nothing with the writer but the
/// stamps, which are atomic counters; two readers of one bucket don't wait for each other, one of
/// them just doesn't find its row.
class RowCache {
 public:
  using Stamp = std::uint32_t;

  /// Uses about `bytes`, at least one bucket's.
  explicit RowCache(std::size_t bytes);

  /// Copies the row under `key` to `row`. False where it isn't here.
  bool find(std::string_view key, std::string& row) const;

  Stamp stamp(std::string_view key) const;

  /// Keeps a row that was read after stamp() gave `stamp`. Drops it when it is too long.
  void insert(std::string_view key, std::string_view row, Stamp stamp) const;

  void invalidate(std::string_view key);

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kRowBytes = 224;
  static constexpr std::size_t kStamps = 65'536;

  /// One cache line that tells what the bucket holds.
  struct alignas(64) Bucket {
    std::atomic<bool> busy{false};
    std::uint8_t next_victim = 0;
    std::array<std::uint8_t, kWays> row_bytes{};  ///< 0: the way is empty.
    std::array<std::uint16_t, kWays> tags{};      ///< A part of the key.
    std::array<Stamp, kWays> stamps{};
  };
  static_assert(sizeof(Bucket) == 64);
  struct Entry {
    std::array<char, kKeyBytes> key;
    std::array<char, kRowBytes> row;
  };
  class Lock;

  Entry& entry(std::size_t bucket, std::size_t way) const { return entries_[bucket * kWays + way]; }

  /// Memory that the kernel is asked to map in large pages: a look-up at a random place then
  /// doesn't wait for the page tables too.
  struct Free {
    void operator()(void* memory) const;
  };
  template <typename T>
  using Table = std::unique_ptr<T[], Free>;
  template <typename T>
  static Table<T> make_table(std::size_t count);

  const std::size_t buckets_;
  const Table<Bucket> directory_;
  const Table<Entry> entries_;
  const std::unique_ptr<std::atomic<Stamp>[]> stamps_;
};

}  // namespace keyledger::projections
