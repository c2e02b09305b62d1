#include <array>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/kafka/client.h"
#include "events/log/kafka/kafka_log.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using testing::HasSubstr;

// What becomes of each error that a broker may answer with. The broker is librdkafka's own fake,
// which does what it is told: it knows no transactions, so what an append wrote is there in any
// case, and nothing here looks at that.

// The keys of requests (https://kafka.apache.org/protocol#protocol_api_keys).
constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kInitProducerId = 22;
constexpr std::int16_t kAddPartitionsToTxn = 24;
constexpr std::int16_t kEndTxn = 26;

class FakeCluster {
 public:
  FakeCluster() {
    owner_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0));
    cluster_.reset(rd_kafka_mock_cluster_new(owner_.get(), 1));
    options_.bootstrap = rd_kafka_mock_cluster_bootstraps(cluster_.get());
    const kafka::TopicNames names(options_.prefix);
    for (const std::string& topic : {names.events, names.secrets}) {
      rd_kafka_mock_topic_create(cluster_.get(), topic.c_str(), 1, 1);
    }
  }

  const KafkaOptions& options() const { return options_; }

  /// The next requests of that kind are answered with `errors`, one each.
  void answer(std::int16_t request, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(cluster_.get(), request, errors.size(), errors.data());
  }

 private:
  kafka::Handle owner_;
  std::unique_ptr<rd_kafka_mock_cluster_t, kafka::Frees<rd_kafka_mock_cluster_destroy>> cluster_;
  KafkaOptions options_;
};

struct Answer {
  std::string name;
  std::int16_t request;
  std::vector<rd_kafka_resp_err_t> errors;
  std::optional<Errc> becomes = std::nullopt;  ///< Nothing: it goes well all the same.
};

// GoogleTest finds it by this name.
void PrintTo(const Answer& answer, std::ostream* out) {  // NOLINT(readability-identifier-naming)
  *out << answer.name;
}

std::string name_of(const testing::TestParamInfo<Answer>& answer) { return answer.param.name; }

Append one_event() { return {.events = {"event"}, .envelopes = {}, .erased = {}}; }

class TakeOverAnswered : public testing::TestWithParam<Answer> {};

INSTANTIATE_TEST_SUITE_P(
    Kafka, TakeOverAnswered,
    testing::Values(
        Answer{
            "ThatAnotherTransactionIsBeingEnded",
            kInitProducerId,
            {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS}},
        Answer{"ThatTheCoordinatorIsLoading",
               kInitProducerId,
               {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS}},
        Answer{"ThatTheCoordinatorMoved", kInitProducerId, {RD_KAFKA_RESP_ERR_NOT_COORDINATOR}},
        Answer{"ThatTheIdIsNotAllowed",
               kInitProducerId,
               {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED},
               Errc::unavailable},
        Answer{"ThatTheTimeoutIsTooLong",
               kInitProducerId,
               {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT},
               Errc::unavailable}),
    name_of);

TEST_P(TakeOverAnswered, GoesWellOrSaysWhyNot) {
  FakeCluster cluster;
  const auto log = must(open_kafka_log(cluster.options(), nullptr));
  cluster.answer(GetParam().request, GetParam().errors);
  const auto taken = log->take_over();
  if (!GetParam().becomes) {
    EXPECT_TRUE(taken) << taken.error().message;
    return;
  }
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, *GetParam().becomes);
  EXPECT_THAT(taken.error().message, HasSubstr(rd_kafka_err2str(GetParam().errors.front())));
  EXPECT_EQ(log->append(one_event()).error().code, Errc::unavailable);
  must(log->take_over());
  EXPECT_TRUE(log->append(one_event()));
}

class AppendAnswered : public testing::TestWithParam<Answer> {};

INSTANTIATE_TEST_SUITE_P(
    Kafka, AppendAnswered,
    testing::Values(
        Answer{"ThatTheLeaderMoved", kProduce, {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION}},
        Answer{"ThatTooFewReplicasAreInSync",
               kProduce,
               {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS}},
        Answer{"ThatItMayNotWrite",
               kProduce,
               {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
               Errc::outcome_unknown},
        Answer{"ThatTheMessageIsTooLarge",
               kProduce,
               {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE},
               Errc::outcome_unknown},
        Answer{"ThatItsSequenceIsBroken",
               kProduce,
               {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER},
               Errc::outcome_unknown},
        Answer{"ThatItsEpochIsOldWhenItWrites",
               kProduce,
               {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH},
               Errc::outcome_unknown},
        Answer{"ThatTheLastTransactionIsBeingEnded",
               kAddPartitionsToTxn,
               {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS}},
        Answer{"ThatItMayNotAddThePartition",
               kAddPartitionsToTxn,
               {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
               Errc::outcome_unknown},
        Answer{"ThatItIsFencedWhenItAddsThePartition",
               kAddPartitionsToTxn,
               {RD_KAFKA_RESP_ERR_PRODUCER_FENCED},
               Errc::outcome_unknown},
        Answer{
            "ThatTheCoordinatorMovedWhenItCommits", kEndTxn, {RD_KAFKA_RESP_ERR_NOT_COORDINATOR}},
        Answer{"ThatTheCoordinatorIsAwayWhenItCommits",
               kEndTxn,
               {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE}},
        Answer{"ThatItIsFencedWhenItCommits",
               kEndTxn,
               {RD_KAFKA_RESP_ERR_PRODUCER_FENCED},
               Errc::outcome_unknown},
        Answer{"ThatItsEpochIsOldWhenItCommits",
               kEndTxn,
               {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH},
               Errc::outcome_unknown},
        Answer{"ThatThereIsNoTransactionWhenItCommits",
               kEndTxn,
               {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE},
               Errc::outcome_unknown},
        Answer{"ThatItsIdIsForgottenWhenItCommits",
               kEndTxn,
               {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING},
               Errc::outcome_unknown}),
    name_of);

TEST_P(AppendAnswered, GoesWellOrIsUnknownAndNeedsATakeOver) {
  FakeCluster cluster;
  const auto log = must(open_kafka_log(cluster.options(), nullptr));
  must(log->take_over());
  must(log->append(one_event()));
  cluster.answer(GetParam().request, GetParam().errors);
  const auto appended = log->append(one_event());
  if (!GetParam().becomes) {
    EXPECT_TRUE(appended) << appended.error().message;
    return;
  }
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, *GetParam().becomes) << appended.error().message;
  EXPECT_EQ(log->append(one_event()).error().code, Errc::unavailable);
  must(log->take_over());
  EXPECT_TRUE(log->append(one_event()));
}

}  // namespace
}  // namespace keyledger::log
