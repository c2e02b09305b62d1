#pragma once

#include <memory>

#include "events/log/kafka/kafka_log.h"
#include "events/log/replica_registry.h"
#include "events/result.h"

namespace keyledger::log {

/// Opens the registry of replicas that is kept in the topic `<prefix>.replicas`, and follows it
/// from now on. Nothing is written until announce(). Blocks for about ten seconds at most.
///
/// Errors: invalid (a property is wrong, or isn't for the caller to set), not_found (the topic is
/// missing: create_topics() makes it), unavailable (no broker answers, or none lets us).
Result<std::unique_ptr<ReplicaRegistry>> open_kafka_replicas(const KafkaOptions& options,
                                                             KafkaLogger logger);

}  // namespace keyledger::log
