#pragma once

#include <cstdint>
#include <functional>

#include "events/log/event_log.h"
#include "events/log/kafka/kafka_log.h"
#include "events/result.h"

namespace keyledger::log {

struct LogCopy {
  Position end;                 ///< The source's and now the copy's.
  std::uint64_t there = 0;      ///< Events that were in the copy before,
  std::uint64_t copied = 0;     ///< and those that were added.
  std::uint64_t envelopes = 0;  ///< Written, again where they were there.
};

/// Copies `source` into topics that hold nothing, or the beginning of the same log: the same bytes
/// at the same positions, and the envelopes of the keys that it has. Without transactions, whose
/// marks would take positions. What was broken off is gone on with by calling it again. Nobody may
/// write to either log meanwhile. Blocks as long as it takes; `on_progress` is told now and then.
///
/// Errors: invalid (`source` has gaps between its positions; the topic holds something else),
/// unavailable (call it again), and those of reading.
Result<LogCopy> copy_into_kafka(
    const LogReader& source, const KafkaOptions& options, KafkaLogger logger,
    const std::function<void(Position done, Position end)>& on_progress);

}  // namespace keyledger::log
