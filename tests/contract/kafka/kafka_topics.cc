#include "tests/contract/kafka/kafka_topics.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <stdexcept>

#include "tests/contract/log_words.h"

namespace keyledger::log {

std::string test_bootstrap() {
  const char* bootstrap = std::getenv("KEYLEDGER_TEST_KAFKA");
  if (bootstrap == nullptr)
    throw std::runtime_error("run me with tests/support/kafka/with_kafka.py");
  return bootstrap;
}

KafkaOptions fresh_topics(const TopicSettings& settings) {
  static std::random_device random;
  KafkaOptions options;
  options.bootstrap = test_bootstrap();
  options.prefix = "test-" + std::to_string(random()) + "-" + std::to_string(random());
  must(create_topics(options, settings, test_logger()));
  return options;
}

KafkaLogger test_logger() {
  return [](const std::string& line) { std::cerr << "librdkafka: " + line + "\n"; };
}

}  // namespace keyledger::log
