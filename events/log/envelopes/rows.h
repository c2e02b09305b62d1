#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "events/log/event_log.h"

namespace keyledger::log {

// The keys and values of an EnvelopeTable. Numbers are big-endian, so that they sort.

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

/// Such numbers, for others' rows.
inline constexpr std::size_t kNumberBytes = 8;
void append_number(std::string& out, std::uint64_t number);

/// `bytes` must be kNumberBytes long.
std::uint64_t read_number(std::string_view bytes);

}  // namespace keyledger::log
