#include "tests/contract/kafka/kafka_topics.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/kafka/topics.h"
#include "tests/contract/kafka/raw_kafka.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// checks the topics until they are wrong. Throws where they never are: a broker may take a moment
/// to know of a change.
Error wrong_topics(const KafkaOptions& options) {
  const auto deadline = steady_clock::now() + std::chrono::seconds{20};
  while (steady_clock::now() < deadline) {
    if (const auto checked = check_topics(options, test_logger()); !checked) return checked.error();
  }
  throw std::runtime_error("the topics aren't seen to be wrong");
}

KafkaOptions without_topics() {
  std::random_device random;
  return {.bootstrap = test_bootstrap(), .prefix = "made-" + std::to_string(random())};
}

TEST(KafkaTopics, ThatAreMade_AreNamedAndGoodAndNotMadeAgain) {
  const auto options = without_topics();
  const std::string& p = options.prefix;
  EXPECT_THAT(
      must(create_topics(options, {}, test_logger())),
      UnorderedElementsAre(p + ".key-events", p + ".key-secrets", p + ".writer", p + ".replicas"));
  must(check_topics(options, test_logger()));
  EXPECT_THAT(must(create_topics(options, {}, test_logger())), IsEmpty());
}

TEST(KafkaTopics, OfWhichOneIsMissing_AreNotFoundByName) {
  const auto options = fresh_topics();
  delete_topic(options, options.prefix + ".replicas");
  const Error error = wrong_topics(options);
  EXPECT_EQ(error.code, Errc::not_found) << error.message;
  EXPECT_THAT(error.message, HasSubstr(options.prefix + ".replicas"));
  EXPECT_THAT(must(create_topics(options, {}, test_logger())),
              UnorderedElementsAre(options.prefix + ".replicas"));
}

struct Wrong {
  const char* topic;
  const char* setting;
  const char* value;
  const char* wanted;
};

class WrongTopics : public testing::TestWithParam<Wrong> {};

INSTANTIATE_TEST_SUITE_P(
    Kafka, WrongTopics,
    testing::Values(Wrong{".key-events", "retention.ms", "604800000", "-1"},
                    Wrong{".key-events", "retention.bytes", "1000000000", "-1"},
                    Wrong{".key-events", "cleanup.policy", "compact", "delete"},
                    Wrong{".key-events", "unclean.leader.election.enable", "true", "false"},
                    Wrong{".key-events", "message.timestamp.type", "LogAppendTime", "CreateTime"},
                    Wrong{".key-events", "max.message.bytes", "100000", "at least 1048588"},
                    Wrong{".key-secrets", "cleanup.policy", "delete", "compact"},
                    Wrong{".key-secrets", "segment.ms", "604800000", "at most 60000"},
                    Wrong{".key-secrets", "delete.retention.ms", "1000", "at least 86400000"},
                    Wrong{".replicas", "cleanup.policy", "delete", "compact"}),
    [](const testing::TestParamInfo<Wrong>& wrong) {
      std::string name = std::string(wrong.param.topic) + "_" + wrong.param.setting;
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

TEST_P(WrongTopics, AreRefused_WithTopicSettingValueAndWhatItMustBe) {
  const auto options = fresh_topics();
  // Altering one setting sets all others back, so that several are wrong then.
  const std::string topic = options.prefix + GetParam().topic;
  set_topic(options, topic, GetParam().setting, GetParam().value);
  const Error error = wrong_topics(options);
  EXPECT_EQ(error.code, Errc::incompatible) << error.message;
  EXPECT_THAT(error.message, AllOf(HasSubstr(topic + ":"), HasSubstr(GetParam().setting),
                                   HasSubstr(std::string("is ") + GetParam().value + ","),
                                   HasSubstr(std::string("must be ") + GetParam().wanted)));
  EXPECT_EQ(create_topics(options, {}, test_logger()).error().message, error.message);
}

TEST(KafkaTopics, WithMorePartitions_AreRefused) {
  const auto options = without_topics();
  create_raw_topic(options, options.prefix + ".key-events", 3);
  const auto made = create_topics(options, {}, test_logger());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::incompatible) << made.error().message;
  EXPECT_THAT(made.error().message, HasSubstr("3 partitions"));
}

TEST(KafkaTopics, WhereNobodyListens_AreUnavailable) {
  const auto checked = check_topics({.bootstrap = "127.0.0.1:1"}, nullptr);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::unavailable) << checked.error().message;
}

}  // namespace
}  // namespace keyledger::log
