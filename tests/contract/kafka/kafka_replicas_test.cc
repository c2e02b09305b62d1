#include <gtest/gtest.h>

#include "events/log/kafka/replicas.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/log_words.h"
#include "tests/contract/replica_registry_contract.h"

namespace keyledger::log {
namespace {

// The contract of every registry of replicas, on a real broker.

class KafkaRegistryUnderTest final : public RegistryUnderTest {
 public:
  std::unique_ptr<ReplicaRegistry> open() override {
    return must(open_kafka_replicas(options_, test_logger()));
  }

 private:
  const KafkaOptions options_ = fresh_topics();
};

INSTANTIATE_TEST_SUITE_P(Kafka, ReplicaRegistryContract,
                         testing::Values(RegistryAdapter{
                             "Kafka",
                             []() -> std::unique_ptr<RegistryUnderTest> {
                               return std::make_unique<KafkaRegistryUnderTest>();
                             }}),
                         name_of_registry);

TEST(KafkaReplicas, WithoutItsTopic_AreNotFound) {
  KafkaOptions options;
  options.bootstrap = test_bootstrap();
  options.prefix = "test-of-no-topic";
  const auto opened = open_kafka_replicas(options, test_logger());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_found) << opened.error().message;
}

}  // namespace
}  // namespace keyledger::log
