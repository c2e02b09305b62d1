#include "events/log/envelopes/rows.h"

#include <cstdint>
#include <limits>

namespace keyledger::log {
namespace {

constexpr char kEnvelopeFormat = '\x01';
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63U;

/// With the sign bit turned over, instants before 1970 sort before those after.
std::uint64_t to_sortable(Instant at) {
  return static_cast<std::uint64_t>(at.time_since_epoch().count()) ^ kSignBit;
}

Instant from_sortable(std::uint64_t number) {
  return Instant{std::chrono::microseconds{static_cast<std::int64_t>(number ^ kSignBit)}};
}

}  // namespace

void append_number(std::string& out, std::uint64_t number) {
  for (unsigned shift = 64; shift > 0;) {
    shift -= 8;
    out += static_cast<char>((number >> shift) & 0xFFU);
  }
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8U | static_cast<unsigned char>(byte);
  return number;
}

std::string envelope_row(const Envelope& envelope) {
  std::string row;
  row.reserve(1 + kNumberBytes + envelope.sealed.size());
  row += kEnvelopeFormat;
  append_number(row, envelope.erase_after ? to_sortable(*envelope.erase_after) : kNever);
  row += envelope.sealed;
  return row;
}

std::optional<Envelope> read_envelope_row(std::string_view key, std::string_view row) {
  if (row.size() < 1 + kNumberBytes || row.front() != kEnvelopeFormat) return std::nullopt;
  Envelope envelope{KeyId{std::string(key)}, std::string(row.substr(1 + kNumberBytes)), {}};
  const std::uint64_t erase_after = read_number(row.substr(1, kNumberBytes));
  if (erase_after != kNever) envelope.erase_after = from_sortable(erase_after);
  return envelope;
}

std::string due_key(Instant erase_after, const KeyId& key) {
  std::string row(kDuePrefix);
  append_number(row, to_sortable(erase_after));
  row += key.value;
  return row;
}

std::optional<DueEnvelope> read_due_key(std::string_view key) {
  if (!key.starts_with(kDuePrefix)) return std::nullopt;
  key.remove_prefix(kDuePrefix.size());
  if (key.size() <= kNumberBytes) return std::nullopt;
  return DueEnvelope{from_sortable(read_number(key.substr(0, kNumberBytes))),
                     KeyId{std::string(key.substr(kNumberBytes))}};
}

}  // namespace keyledger::log
