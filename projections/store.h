#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/slice.h>

#include "events/result.h"
#include "projections/row_cache.h"

namespace keyledger::projections {

/// The read model's column families. What each holds stands in rows.h.
enum class Family : std::uint8_t {
  meta,
  keys,
  grants,
  accounts,
  history,
  history_by_account,
  history_by_subject,
  history_by_digest,
  idempotency,
  idempotency_by_time,
  commands,
  tiles,
  tile_positions,
};
inline constexpr std::size_t kFamilies = 13;

std::string_view family_name(Family family);

/// Whether the fold never reads the family's rows. In Mode::bulk nobody can before flush().
bool only_written(Family family);

/// What becomes of one row.
struct Change {
  enum class Kind : std::uint8_t { put, erase, append };

  Family family;
  Kind kind;
  std::string key;
  std::string value;  ///< Nothing with Kind::erase; what comes behind the row's with Kind::append.
};

/// The read model's RocksDB: bytes in families, written in atomic batches. Statuses are translated
/// here, once. Thread safety: reading members from any thread, write() by one at a time beside
/// them. Errors of all: io, damaged.
class Store {
 public:
  enum class Mode {
    serve,  ///< Reads and writes; a write survives the process, not always the machine.
    bulk,   ///< Writes into what was empty, as fast as possible; safe only after flush().
    read,   ///< What is there now, beside a writer or without one.
  };

  /// `cache_bytes` bounds the memory of the caches. Errors also: locked (another process writes
  /// it), not_found (Mode::read and nothing there).
  /// `env`, which is RocksDB's own where there is none, is used until the Store is gone.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory, Mode mode,
                                             std::size_t cache_bytes, rocksdb::Env* env = nullptr);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// A point look-up. False where there is no such row; `row` pins its bytes until it is gone. Rows
  /// of Family::grants come from a cache of whole rows where they are in it.
  Result<bool> get(Family family, std::string_view key, rocksdb::PinnableSlice& row) const;
  Result<std::optional<std::string>> get(Family family, std::string_view key) const;

  /// Calls `visit(key, value)` for the rows whose key is in [from, to), in order or the reverse,
  /// until it returns false. Sees one moment of the store.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  Result<void> scan(Family family, std::string_view from, std::string_view to, bool reverse,
                    const Visit& visit) const;

  /// Calls `visit` for every row of every family, as of one moment, in the families' order.
  Result<void> scan_all(
      const std::function<void(Family, std::string_view key, std::string_view value)>& visit) const;

  /// Writes all of `changes` or none; with Mode::bulk perhaps a part, and an error may be one of
  /// changes that were written before.
  Result<void> write(std::vector<Change> changes);

  /// Copies what is there now to `directory`, which must not be there: files are linked where that
  /// goes, else copied. Any thread, beside write(). Not with Mode::read.
  Result<void> checkpoint(const std::filesystem::path& directory) const;

  /// Puts everything on stable storage.
  Result<void> flush();

 private:
  struct Database;
  Store(std::unique_ptr<Database> database, std::unique_ptr<RowCache> grants);

  std::unique_ptr<Database> database_;
  std::unique_ptr<RowCache> grants_;  ///< With Mode::serve alone.
};

/// The first key after all that begin with `prefix`, for scan(). Empty, which is no bound at all,
/// where there is none.
std::string after_prefix(std::string_view prefix);

}  // namespace keyledger::projections
