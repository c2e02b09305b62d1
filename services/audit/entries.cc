#include "services/audit/entries.h"

#include <utility>

namespace keyledger::audit {
namespace {

constexpr std::size_t kPageEvents = 1024;

/// Calls `take` for the events at `positions`.
Result<void> for_events_at(const log::LogReader& log, const std::vector<Position>& positions,
                           const std::function<void(const log::StoredEvent&)>& take) {
  std::size_t next = 0;
  while (next < positions.size()) {
    const auto events =
        log.read_after(Position{positions[next].value - 1}, positions.size() - next);
    if (!events) return fail(events.error());
    const std::size_t before = next;
    for (const auto& event : *events) {
      if (event.position != positions[next]) break;
      take(event);
      ++next;
    }
    if (next == before) {
      return fail(Errc::damaged, "the log has no event at position " +
                                     std::to_string(positions[next].value) +
                                     ", where there was one: run keyledger audit verify");
    }
  }
  return {};
}

}  // namespace

Result<void> for_each_event(const log::LogReader& log, Position position,
                            const std::function<bool(const log::StoredEvent&)>& take) {
  for (;;) {
    const auto events = log.read_after(position, kPageEvents);
    if (!events) return fail(events.error());
    if (events->empty()) return {};
    for (const auto& event : *events) {
      if (!take(event)) return {};
    }
    position = events->back().position;
  }
}

void append_entry(std::string& bundle, std::string_view event) {
  static_assert(log::kMaxEventBytes == 0xFFFF);
  bundle += static_cast<char>((event.size() >> 8U) & 0xFFU);
  bundle += static_cast<char>(event.size() & 0xFFU);
  bundle += event;
}

Result<std::string> entry_bundle(const log::LogReader& log,
                                 const std::vector<Position>& positions) {
  std::string bundle;
  auto read = for_events_at(log, positions, [&bundle](const log::StoredEvent& event) {
    append_entry(bundle, event.bytes);
  });
  if (!read) return fail(std::move(read.error()));
  return bundle;
}

Result<std::string> event_at(const log::LogReader& log, Position position) {
  std::string bytes;
  auto read = for_events_at(log, {position},
                            [&bytes](const log::StoredEvent& event) { bytes = event.bytes; });
  if (!read) return fail(std::move(read.error()));
  return bytes;
}

}  // namespace keyledger::audit
