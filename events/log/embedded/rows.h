#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/log/event_log.h"

namespace keyledger::log {

// The keys and values of the embedded log's families. Numbers are big-endian, so that they sort.

/// The key of an event: its position in eight bytes.
std::string event_key(Position position);

/// The position that event_key() wrote; nothing if `key` is none of those.
std::optional<Position> read_event_key(std::string_view key);

/// The value under a key id: one byte of format, the instant of erasure (eight bytes of
/// microseconds, all ones: never) and what is sealed.
std::string envelope_row(const Envelope& envelope);

/// What envelope_row() wrote; nothing if `row` is none of those.
std::optional<Envelope> read_envelope_row(std::string_view key, std::string_view row);

/// Under such keys, sorted by instant, are listed the envelopes that are to be erased one day.
std::string due_key(Instant erase_after, const KeyId& key);

struct DueEnvelope {
  Instant erase_after;
  KeyId key;
};

/// What due_key() wrote; nothing if `key` is none of those.
std::optional<DueEnvelope> read_due_key(std::string_view key);

/// What every due_key() begins with, and nothing else in its family.
inline constexpr std::string_view kDuePrefix = "due/";

}  // namespace keyledger::log
