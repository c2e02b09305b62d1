#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "events/log/event_log.h"
#include "events/log/kafka/client.h"
#include "events/result.h"

namespace keyledger::log::kafka {

class Cursor;

/// Reads what lies before the events that the tail keeps. Whoever reads on from where a page ended
/// finds the next one on its way already. Thread safety: all members, from any thread.
class Cursors {
 public:
  /// Both outlive it. `asking` tells where the log begins and ends.
  Cursors(const Clients& clients, const Client& asking);
  ~Cursors();
  Cursors(const Cursors&) = delete;
  Cursors& operator=(const Cursors&) = delete;

  /// As LogReader::read_after(), where there is an event after `position`: a page is never empty.
  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max);

  /// Closes those that nobody read on with for a while: they hold connections and memory.
  void close_idle();

 private:
  std::unique_ptr<Cursor> take(Position position);
  void put_back(std::unique_ptr<Cursor> cursor);

  const Clients& clients_;
  const Client& asking_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Cursor>> idle_;  ///< Guarded by mutex_. The last used comes last.
};

}  // namespace keyledger::log::kafka
