#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// The log's newest events, without a gap. Bounded: the oldest make room. Not thread-safe.
class RecentEvents {
 public:
  /// Events from the offset `from` on will be added. More than one is kept up to `max_events` and
  /// `max_bytes`.
  RecentEvents(std::int64_t from, std::size_t max_events, std::size_t max_bytes)
      : from_(from), max_events_(max_events), max_bytes_(max_bytes) {}

  /// `bytes` is nothing where the record can't be an event.
  void add(Position position, std::optional<std::string> bytes);

  /// Whether all events after `position` are here, of those that were added.
  bool covers(Position position) const;

  /// As LogReader::read_after(), of a position that is covered. `topic` is for the error's text.
  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max,
                                              const std::string& topic) const;

  /// Calls `visit(event)` for each event after `position`, in order. What can't be one is empty.
  void visit_after(Position position, auto visit) const {
    for (auto entry = after(position); entry != entries_.end(); ++entry) visit(entry->event);
  }

  /// Keeps all events after `position` from now on; nothing: makes room again.
  void hold(std::optional<Position> position) { held_ = position; }

 private:
  struct Entry {
    StoredEvent event;
    bool is_damaged = false;
  };

  std::deque<Entry>::const_iterator after(Position position) const;
  void make_room();

  std::deque<Entry> entries_;
  std::int64_t from_;
  std::size_t bytes_ = 0;
  const std::size_t max_events_;
  const std::size_t max_bytes_;
  std::optional<Position> held_;
};

}  // namespace keyledger::log::kafka
