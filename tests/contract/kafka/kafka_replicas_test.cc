#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "events/log/kafka/replicas.h"
#include "events/log/kafka/topics.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/kafka/raw_kafka.h"
#include "tests/contract/log_words.h"
#include "tests/contract/replica_registry_contract.h"

namespace keyledger::log {
namespace {

using std::chrono::seconds;

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

/// What only the topic's records can show.
class KafkaReplicas : public testing::Test {
 protected:
  std::unique_ptr<ReplicaRegistry> open() {
    return must(open_kafka_replicas(options_, test_logger()));
  }

  void write(std::optional<std::string> value, std::string node = "a") {
    produce_raw(options_, topic_, {{std::move(node), std::move(value), {}}});
  }

  static Replica replica(std::string node, std::uint64_t position) {
    return {std::move(node), Position{position}, seconds{10}, "", ""};
  }

  const KafkaOptions options_ = fresh_topics();
  const std::string topic_ = options_.prefix + ".replicas";
};

TEST_F(KafkaReplicas, MembersThatThisProgramDoesNotKnow_ArePassedOver) {
  write(R"({"node":"a","zone":{"of":["1"]},"run":"r","sequence":3,"position":7,"lease_ms":10000})");
  const auto known = must(open()->read_to_end());
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].replica, replica("a", 7));
  EXPECT_EQ(known[0].run, "r");
}

TEST_F(KafkaReplicas, ARecordThatCanNotBeRead_StandsForAReplicaThatHasAppliedNothing) {
  for (const char* value : {"", "x", "[]", R"({"run":"r","sequence":1,"position":-1,"lease_ms":1})",
                            R"({"run":"r","sequence":1,"position":1})",
                            R"({"run":"","sequence":1,"position":1,"lease_ms":1})",
                            R"({"run":"r","sequence":1,"position":1,"lease_ms":99999999999999})"}) {
    const auto registry = open();
    write(value);
    const auto known = must(registry->read_to_end());
    ASSERT_EQ(known.size(), 1u) << value;
    EXPECT_EQ(known[0].replica.node, "a");
    EXPECT_EQ(known[0].replica.position, Position{}) << value;
    EXPECT_GE(known[0].replica.lease, std::chrono::minutes{1});
    write(std::nullopt);
    EXPECT_TRUE(must(registry->read_to_end()).empty());
  }
}

TEST_F(KafkaReplicas, ATombstoneByHand_TakesAllRunsOfANodeAway) {
  const auto first = open();
  const auto second = open();
  must(first->announce(replica("a", 1)));
  must(second->announce(replica("a", 2)));
  must(second->announce(replica("b", 2)));
  write(std::nullopt);
  const auto known = must(first->read_to_end());
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].replica, replica("b", 2));
}

TEST_F(KafkaReplicas, WhenOldRecordsAreDeleted_GoOn) {
  const auto registry = open();
  must(registry->announce(replica("a", 1)));
  must(registry->announce(replica("a", 2)));
  delete_records(options_, topic_, 2);
  must(registry->announce(replica("a", 3)));
  EXPECT_EQ(must(registry->read_to_end()).size(), 1u);
  EXPECT_EQ(must(open()->read_to_end()).size(), 1u);
}

TEST_F(KafkaReplicas, WhenTheTopicIsMadeAnew_TellNothingUntilItWasReadAnew) {
  const auto registry = open();
  for (std::uint64_t position = 1; position <= 20; ++position) {
    must(registry->announce(replica("a", position)));
  }
  delete_topic(options_, topic_);
  must(create_topics(options_, {}, test_logger()));
  const auto deadline = std::chrono::steady_clock::now() + seconds{60};
  while (!registry->announce(replica("a", 21))) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  }
  const auto known = must(registry->read_to_end());
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].replica, replica("a", 21));
}

TEST_F(KafkaReplicas, OnAnIdleMachine_AnnounceInMilliseconds) {
  const auto registry = open();
  must(registry->announce(replica("a", 1)));
  std::vector<double> milliseconds;
  for (std::uint64_t position = 2; position <= 200; ++position) {
    const auto began_at = std::chrono::steady_clock::now();
    must(registry->announce(replica("a", position)));
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_at)
            .count());
  }
  std::ranges::sort(milliseconds);
  std::cout << "announced in " << milliseconds[milliseconds.size() / 2] << " ms (median), "
            << milliseconds.back() << " ms (at most)\n";
  EXPECT_LT(milliseconds[milliseconds.size() / 2], 1'000);
}

TEST_F(KafkaReplicas, WithoutItsTopic_AreNotFound) {
  KafkaOptions options;
  options.bootstrap = test_bootstrap();
  options.prefix = "test-of-no-topic";
  const auto opened = open_kafka_replicas(options, test_logger());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_found) << opened.error().message;
}

}  // namespace
}  // namespace keyledger::log
