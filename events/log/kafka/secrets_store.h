#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "events/log/envelopes/envelope_table.h"
#include "events/log/event_log.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// How far the topic of the secrets was copied.
struct Bookmark {
  std::int64_t next = 0;  ///< The offset to read on from.
  Instant at_end = {};    ///< When that was last known to be the topic's end.
};

/// A copy of the envelopes in a RocksDB of this node. It is only ever a copy: what can't be opened
/// any more is begun anew. Thread safety: const members, find, due and purge of envelopes(), from
/// any thread; the rest from one.
class SecretsStore {
 public:
  /// Errors: locked, io.
  static Result<std::unique_ptr<SecretsStore>> open(const std::filesystem::path& directory);

  ~SecretsStore();
  SecretsStore(const SecretsStore&) = delete;
  SecretsStore& operator=(const SecretsStore&) = delete;

  EnvelopeTable& envelopes();

  /// As it was last written; of a new store the default.
  const Bookmark& bookmark() const { return bookmark_; }

  /// Puts what `append` does to envelopes into the copy, together with the bookmark, or neither.
  /// Nothing is synced: what a crash takes is read again. Errors: io.
  Result<void> write(const Append& append, const Bookmark& bookmark);

  /// Empties the copy, together with the bookmark. Errors: io.
  Result<void> clear(const Bookmark& bookmark);

 private:
  struct Database;
  SecretsStore(std::unique_ptr<Database> database, const Bookmark& bookmark);

  std::unique_ptr<Database> database_;
  Bookmark bookmark_;
};

}  // namespace keyledger::log::kafka
