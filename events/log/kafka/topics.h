#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "events/log/kafka/kafka_log.h"
#include "events/result.h"

namespace keyledger::log {

/// How the topics are made.
struct TopicSettings {
  /// Copies of each. None: three where there are three brokers or more, else one.
  std::optional<int> replication = std::nullopt;
  /// How soon after it was written a segment of erased key values may be compacted away. At most
  /// the default, which erasing counts on.
  std::chrono::milliseconds erasure_delay = std::chrono::minutes{1};
};

/// What somebody does with the log, and so which topics it needs.
enum class TopicUse {
  all,
  following,  ///< Reads events and takes a lease: neither writes nor keeps envelopes.
};

/// Makes those of the log's topics that aren't there, and checks all as check_topics(). Returns the
/// names of those that it made. Any thread; blocks for about twenty seconds at most.
///
/// Errors: as check_topics(), and forbidden where these credentials may not make topics.
Result<std::vector<std::string>> create_topics(const KafkaOptions& options,
                                               const TopicSettings& settings, KafkaLogger logger);

/// Checks that the log's topics which `use` needs are there, and that none of their settings would
/// lose facts. Any thread; blocks for about ten seconds at most.
///
/// Errors: incompatible (names topic, setting, value and what it must be), not_found (there is no
/// such topic, or these credentials may not know of it), forbidden (they may not see the settings),
/// unavailable, invalid (a property of the options).
Result<void> check_topics(const KafkaOptions& options, KafkaLogger logger,
                          TopicUse use = TopicUse::all);

}  // namespace keyledger::log
