#pragma once

#include <string>

#include "events/log/kafka/kafka_log.h"
#include "events/log/kafka/topics.h"

namespace keyledger::log {

/// The broker that the tests were given: with_kafka.py sets it. Throws where there is none.
std::string test_bootstrap();

/// Options for a log that nobody else has, whose topics are there.
KafkaOptions fresh_topics(const TopicSettings& settings = {});

/// Prints what librdkafka says, where the test fails.
KafkaLogger test_logger();

}  // namespace keyledger::log
