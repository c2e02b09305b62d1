#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/kafka/kafka_log.h"
#include "events/log/kafka/topics.h"
#include "tests/contract/kafka/kafka_topics.h"
#include "tests/contract/kafka/raw_kafka.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

// What others may do to the topics, and what is said of it.

constexpr std::chrono::seconds kSeenWithin{40};

std::string events_topic(const KafkaOptions& options) { return options.prefix + ".key-events"; }

/// Reads after `position` until that is damaged. Throws where it never is.
Error damage_after(const LogReader& log, Position position) {
  const auto deadline = steady_clock::now() + kSeenWithin;
  while (steady_clock::now() < deadline) {
    const auto page = log.read_after(position, 10);
    if (!page && page.error().code == Errc::damaged) return page.error();
    log.wait_beyond(Position{UINT64_MAX}, {}, std::chrono::milliseconds{20});
  }
  throw std::runtime_error("it isn't seen as damaged");
}

class KafkaDamage : public testing::TestWithParam<std::size_t> {
 protected:
  KafkaOptions options() const {
    auto made = fresh_topics();
    made.recent_events = GetParam();
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(RecentEvents, KafkaDamage, testing::Values(65'536, 2));

TEST_P(KafkaDamage, OfARecordThatIsNoEvent_IsNamedAfterWhatLiesBeforeIt) {
  for (const auto& bad : {std::optional<std::string>{},
                          std::optional<std::string>{std::string(kMaxEventBytes + 1, 'x')}}) {
    const auto options = this->options();
    const auto log = must(open_kafka_log(options, test_logger()));
    must(log->take_over());
    const Position before = append_texts(*log, {"a", "b"});
    produce_raw(options, events_topic(options), {{{}, bad, {}}});
    const Position end = append_texts(*log, {"c", "d", "e"});

    EXPECT_EQ(read(*log, 0).back().position, before);
    const auto page = log->read_after(before, 10);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Errc::damaged);
    const Position damaged{before.value + 2};
    EXPECT_THAT(page.error().message, HasSubstr("position " + std::to_string(damaged.value)));
    EXPECT_EQ(read(*log, damaged.value).size(), 3U);
    EXPECT_EQ(read(*log, damaged.value).back().position, end);
  }
}

TEST_P(KafkaDamage, OfEventsThatWereDeletedFromTheFront_SaysWhich) {
  const auto options = this->options();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  Written written(*log);
  for (const char* text : {"a", "b", "c", "d", "e"}) written.append({text});
  delete_records(options, events_topic(options), static_cast<std::int64_t>(written.at(1).value));

  const auto reader = must(open_kafka_log_for_reading(options, test_logger()));
  const Error error = damage_after(*reader, Position{});
  EXPECT_THAT(error.message,
              HasSubstr("from position 1 to " + std::to_string(written.at(1).value)));
  EXPECT_EQ(read(*reader, written.at(1).value), written.after(1));
  EXPECT_EQ(end_of(*reader), written.end());
}

TEST(KafkaDamage, OfATopicThatIsDeletedUnderTheLog_IsFinal) {
  const auto options = fresh_topics();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  const Position end = append_texts(*log, {"a", "b"});
  delete_topic(options, events_topic(options));

  const Error error = damage_after(*log, end);
  EXPECT_THAT(error.message, HasSubstr(events_topic(options)));
  EXPECT_FALSE(log->append({.events = {"c"}, .envelopes = {}, .erased = {}}));
  EXPECT_FALSE(log->end());
  EXPECT_FALSE(log->take_over());
}

TEST(KafkaDamage, OfATopicThatIsMadeAnewUnderTheLog_IsFinal) {
  const auto options = fresh_topics();
  const auto log = must(open_kafka_log(options, test_logger()));
  must(log->take_over());
  for (int i = 0; i < 5; ++i) append_texts(*log, {"a", "b"});
  const Position end = log->known_end();
  delete_topic(options, events_topic(options));
  must(create_topics(options, {}, test_logger()));

  const Error error = damage_after(*log, end);
  EXPECT_THAT(error.message, HasSubstr(events_topic(options)));
  EXPECT_FALSE(log->take_over());
}

}  // namespace
}  // namespace keyledger::log
