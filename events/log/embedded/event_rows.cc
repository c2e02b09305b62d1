#include "events/log/embedded/event_rows.h"

#include "events/log/envelopes/rows.h"

namespace keyledger::log {

std::string event_key(Position position) {
  std::string key;
  append_number(key, position.value);
  return key;
}

std::optional<Position> read_event_key(std::string_view key) {
  if (key.size() != kNumberBytes) return std::nullopt;
  return Position{read_number(key)};
}

}  // namespace keyledger::log
