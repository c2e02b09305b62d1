#pragma once

#include <string>
#include <vector>

#include "events/log/kafka/kafka_log.h"
#include "events/result.h"

namespace keyledger::log {

/// A node that stands for election as the log's writer.
struct Candidate {
  std::string node;         ///< Its client id.
  std::string host;         ///< Where the brokers see it.
  bool is_elected = false;  ///< It should write. Whether it does, is said by its WriterElected.
};

/// The nodes that stand for election now, by their names. Any thread; blocks for about twenty
/// seconds at most.
///
/// Errors: unavailable, forbidden (these credentials may not see the group), invalid (a property of
/// the options).
Result<std::vector<Candidate>> read_candidates(const KafkaOptions& options, KafkaLogger logger);

}  // namespace keyledger::log
