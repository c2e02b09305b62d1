#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "events/log/event_log.h"

namespace keyledger::log {

// The words in which the tests of the log are told. Each throws, and so fails its test, on an
// error.

inline void must(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message);
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

/// Appends, and keeps what read_after() must give for it by what append() returned.
class Written {
 public:
  /// `log` is empty so far, and outlives this.
  explicit Written(EventLog& log) : log_(log) {}

  void append(const std::vector<std::string>& texts) {
    const Position last = must(log_.append({.events = texts, .envelopes = {}, .erased = {}}));
    Position position{last.value - texts.size()};
    if (position < end()) throw std::runtime_error("a position was given twice");
    for (const std::string& text : texts) events_.push_back({Position{++position.value}, text});
  }

  const std::vector<StoredEvent>& events() const { return events_; }
  Position at(std::size_t index) const { return events_.at(index).position; }
  Position end() const { return events_.empty() ? Position{} : events_.back().position; }

  /// Those after the one with `index`.
  std::vector<StoredEvent> after(std::size_t index) const {
    return {events_.begin() + static_cast<std::ptrdiff_t>(index) + 1, events_.end()};
  }

 private:
  EventLog& log_;
  std::vector<StoredEvent> events_;
};

inline Position append(EventLog& log, const Append& append) { return must(log.append(append)); }

inline Position append_texts(EventLog& log, std::vector<std::string> events) {
  return append(log, {.events = std::move(events), .envelopes = {}, .erased = {}});
}

inline void keep(EventLog& log, std::vector<Envelope> envelopes) {
  append(log, {.events = {}, .envelopes = std::move(envelopes), .erased = {}});
}

inline Position end_of(const LogReader& log) { return must(log.end()); }

inline std::vector<StoredEvent> read(const LogReader& log, std::uint64_t after,
                                     std::size_t max = 100'000) {
  return must(log.read_after(Position{after}, max));
}

inline std::optional<Envelope> envelope_of(const LogReader& log, const KeyId& key) {
  return must(log.envelope(key));
}

inline std::vector<KeyId> due(const LogReader& log, Instant now, std::size_t max = 100) {
  return must(log.envelopes_due(now, max));
}

}  // namespace keyledger::log
