#include <chrono>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "events/log/kafka/client.h"
#include "events/log/kafka/replicas.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A registry whose broker is away for a while, or refuses. It is librdkafka's own fake.

class KafkaReplicasOfAFakeBroker : public testing::Test {
 protected:
  KafkaReplicasOfAFakeBroker() {
    owner_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0));
    cluster_.reset(rd_kafka_mock_cluster_new(owner_.get(), 1));
    options_.bootstrap = rd_kafka_mock_cluster_bootstraps(cluster_.get());
    const kafka::TopicNames names(options_.prefix);
    rd_kafka_mock_topic_create(cluster_.get(), names.replicas.c_str(), 1, 1);
    registry_ = must(open_kafka_replicas(options_, nullptr));
  }

  Result<void> announce(std::uint64_t position, milliseconds lease = seconds{10}) {
    return registry_->announce({"a", Position{position}, lease, "", ""});
  }

  /// The next requests to produce are answered with it.
  void refuse_to_produce(rd_kafka_resp_err_t error, std::size_t times) {
    const std::vector<rd_kafka_resp_err_t> errors(times, error);
    rd_kafka_mock_push_request_errors_array(cluster_.get(), 0, errors.size(), errors.data());
  }

  kafka::Handle owner_;
  std::unique_ptr<rd_kafka_mock_cluster_t, kafka::Frees<rd_kafka_mock_cluster_destroy>> cluster_;
  KafkaOptions options_;
  std::unique_ptr<ReplicaRegistry> registry_;
};

TEST_F(KafkaReplicasOfAFakeBroker, WhileItIsAway_AreUnavailableWithinTheirBound) {
  must(announce(1));
  rd_kafka_mock_broker_set_down(cluster_.get(), 1);
  const auto began_at = steady_clock::now();
  const auto announced = announce(2, milliseconds{1'500});
  EXPECT_LT(steady_clock::now() - began_at, seconds{2});
  ASSERT_FALSE(announced);
  EXPECT_EQ(announced.error().code, Errc::unavailable);
  const auto read = registry_->read_to_end();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::unavailable);
  EXPECT_EQ(must(registry_->known()).size(), 1u) << "what was read is still known";

  rd_kafka_mock_broker_set_up(cluster_.get(), 1);
  const auto deadline = steady_clock::now() + seconds{30};
  while (!announce(3)) ASSERT_LT(steady_clock::now(), deadline);
  const auto known = must(registry_->read_to_end());
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].replica.position, Position{3});
}

TEST_F(KafkaReplicasOfAFakeBroker, AfterAnErrorThatPasses_AnnounceAllTheSame) {
  must(announce(1));
  refuse_to_produce(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
  refuse_to_produce(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 2);
  must(announce(2));
}

TEST_F(KafkaReplicasOfAFakeBroker, AfterAnErrorThatEndsTheProducer_AnnounceByAnother) {
  must(announce(1));
  refuse_to_produce(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
  EXPECT_FALSE(announce(2, milliseconds{900}));
  refuse_to_produce(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
  EXPECT_FALSE(announce(3, milliseconds{900}));
  const auto deadline = steady_clock::now() + seconds{30};
  while (!announce(4)) ASSERT_LT(steady_clock::now(), deadline);
  EXPECT_EQ(must(registry_->read_to_end()).at(0).replica.position, Position{4});
}

}  // namespace
}  // namespace keyledger::log
