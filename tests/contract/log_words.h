#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "events/log/event_log.h"

namespace keyledger::log {

// The words in which the tests of the log are told. Each throws, and so fails its test, on an
// error.

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

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
