#pragma once

#include <map>
#include <string>

#include "events/events.h"
#include "events/log/event_log.h"

namespace keyledger::projections {

/// An EventQuarantined as it lies in the log.
struct Quarantine {
  EventQuarantined fact;
  Instant time;
  std::string bytes;
};

/// What the log says further on of events that can't be read or applied. A fold that knows it
/// beforehand passes over the same events as every other, whatever this program could make of them.
///
/// Not thread-safe.
class Quarantines {
 public:
  /// Looks through what `log` holds after `position`, or after where it looked last if that is
  /// further, up to `end`. Ends before an event that the log can't give: whoever applies the events
  /// meets it too.
  void look_on(const log::LogReader& log, Position position, Position end);

  /// The one that names the event at `position`, be it in the middle of what is passed over; the
  /// earliest of several. nullptr: there is none. One that names itself or what comes after it says
  /// nothing.
  const Quarantine* of(Position position) const;

 private:
  using ByFirst = std::map<Position, Quarantine>;
  struct Part {
    Position looked_to;
    ByFirst by_first;
  };
  /// Looks through what lies after `position`, up to `end`.
  static Part look_through(const log::LogReader& log, Position position, Position end);

  void take(Part part);

  Position looked_to_;
  ByFirst by_first_;
};

}  // namespace keyledger::projections
