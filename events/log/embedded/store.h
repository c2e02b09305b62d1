#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"

namespace rocksdb {
class Env;
}

namespace keyledger::log {

/// The embedded log's RocksDB: what is in it, and how it is opened safely. Families: `default` (the
/// format, and which envelopes are due when), `events` (position to bytes) and `envelopes` (key id
/// to envelope). No RocksDB type leaves store.cc. Thread safety: const members, from any thread.
class Store {
 public:
  /// For the one writer; makes what isn't there. Errors as open_embedded_log(). `env` is for tests,
  /// whose files fail; it is used until the Store is gone. Without one: the machine's files.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& directory,
                                             rocksdb::Env* env = nullptr);

  /// For a reader; modifies nothing. Errors as open_embedded_log_for_reading().
  static Result<std::unique_ptr<Store>> open_for_reading(const std::filesystem::path& directory);

  ~Store();

  /// The position of the last event when the store was opened.
  Position end_at_opening() const { return end_at_opening_; }

  /// The events after `position` up to `end`, as LogReader::read_after().
  Result<std::vector<StoredEvent>> read(Position position, Position end, std::size_t max) const;

  Result<std::optional<Envelope>> envelope(const KeyId& key) const;
  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const;

  /// Copies what is there now to `directory`, which must not be there: files are linked where that
  /// goes, else copied. Any thread, beside write(). Not of a store that was opened to be read.
  Result<void> back_up(const std::filesystem::path& directory) const;

  /// Writes `append` with its first event at `first`, in one synced batch. One call at a time.
  ///
  /// Errors: unavailable (nothing was written), outcome_unknown.
  Result<void> write(const Append& append, Position first);

  /// As EventLog::purge().
  Result<bool> purge();

 private:
  struct Database;
  explicit Store(std::unique_ptr<Database> database, Position end);

  std::unique_ptr<Database> database_;
  Position end_at_opening_;
};

}  // namespace keyledger::log
