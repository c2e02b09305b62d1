#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::audit {

/// Calls `take` for every event after `position`, in order, until it returns false or the log ends.
/// Errors: those of LogReader::read_after().
Result<void> for_each_event(const log::LogReader& log, Position position,
                            const std::function<bool(const log::StoredEvent&)>& take);

/// Puts `event` behind the entry bundle `bundle` (https://c2sp.org/tlog-tiles): its length in two
/// bytes, and itself.
void append_entry(std::string& bundle, std::string_view event);

/// The entry bundle of the events at `positions`, which go up and leave none of the log's out, as
/// they lie in the log now. Errors: damaged (there is no longer an event at one of them), io,
/// unavailable.
Result<std::string> entry_bundle(const log::LogReader& log, const std::vector<Position>& positions);

/// The event at `position`. Errors: the same.
Result<std::string> event_at(const log::LogReader& log, Position position);

}  // namespace keyledger::audit
