#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace keyledger::log {

/// Sealed key values in a RocksDB that an adapter of the log has opened, and which are to be erased
/// when. Thread safety: const members and purge(), from any thread.
class EnvelopeTable {
 public:
  struct Families {
    rocksdb::ColumnFamilyHandle* settings;   ///< What is due when, and what is not purged yet.
    rocksdb::ColumnFamilyHandle* envelopes;  ///< Key id to envelope.
    std::vector<rocksdb::ColumnFamilyHandle*> all;  ///< All that share the write-ahead log.
  };

  /// Uses `db` and the families until it is gone.
  EnvelopeTable(rocksdb::DB& db, Families families);

  /// Errors: damaged, io.
  Result<std::optional<Envelope>> find(const KeyId& key) const;

  /// As LogReader::envelopes_due().
  Result<std::vector<KeyId>> due(Instant now, std::size_t max) const;

  /// Adds to `batch` what `append` does to envelopes, and writes it. One call at a time.
  ///
  /// Errors: unavailable (nothing was written), outcome_unknown.
  Result<void> write(rocksdb::WriteBatch& batch, const Append& append, bool synced);

  /// Adds to `batch` what takes all away, and writes it. As write().
  Result<void> clear(rocksdb::WriteBatch& batch);

  /// As EventLog::purge().
  Result<bool> purge();

 private:
  /// Key ids from the first to the last.
  struct KeyRange {
    std::string first;
    std::string last;
  };

  static void widen(std::optional<KeyRange>& range, const std::string& key);

  Result<void> put(rocksdb::WriteBatch& batch, const Append& append) const;
  Result<void> erase(rocksdb::WriteBatch& batch, const KeyId& key) const;
  Result<void> rewrite(const KeyRange& keys);

  rocksdb::DB& db_;
  const Families families_;
  std::mutex mutex_;
  std::optional<KeyRange> unpurged_;  ///< Where envelopes were erased since. Guarded by mutex_.
};

}  // namespace keyledger::log
