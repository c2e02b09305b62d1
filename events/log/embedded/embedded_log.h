#pragma once

#include <filesystem>
#include <memory>

#include "events/log/event_log.h"
#include "events/result.h"

namespace keyledger::log {

class Store;

/// The log as a RocksDB, open for its one writer.
class EmbeddedLog : public EventLog {
 public:
  /// Copies the log as it is now to `directory`, which must not be there, while it is appended to:
  /// whole appends, and all that were acknowledged before the call. Any thread. Errors: io.
  virtual Result<void> back_up(const std::filesystem::path& directory) const = 0;
};

/// Opens, or makes, the log in `directory` for its one writer, in this process: a RocksDB with
/// dense positions from 1 on. A torn last record is dropped: nobody was told of it.
///
/// Errors: locked (another process has it open for writing), damaged (names the last position that
/// is whole, and what to do), io.
Result<std::unique_ptr<EmbeddedLog>> open_embedded_log(const std::filesystem::path& directory);

/// The log for the writer of an open store: what open_embedded_log() gives.
std::unique_ptr<EmbeddedLog> make_embedded_log(std::unique_ptr<Store> store);

/// Opens the log in `directory` to read what it holds now, beside a writer or without one. What is
/// appended later is not seen: open it again for that.
///
/// Errors: not_found (there is no log), damaged, io.
Result<std::unique_ptr<LogReader>> open_embedded_log_for_reading(
    const std::filesystem::path& directory);

}  // namespace keyledger::log
