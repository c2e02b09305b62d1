#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/log/event_log.h"

namespace keyledger::log {

/// The key of an event's row: its position in eight bytes, big-endian, so that they sort.
std::string event_key(Position position);

/// The position that event_key() wrote; nothing if `key` is none of those.
std::optional<Position> read_event_key(std::string_view key);

}  // namespace keyledger::log
