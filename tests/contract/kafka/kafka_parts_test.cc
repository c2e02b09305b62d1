#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/kafka/damage.h"
#include "events/log/kafka/recent_events.h"
#include "events/log/kafka/record_headers.h"
#include "events/log/kafka/run_search.h"
#include "events/log/kafka/topic_plan.h"
#include "tests/support/events.h"

namespace keyledger::log::kafka {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

// The parts of the Kafka log that need no broker.

TEST(RecordHeaders, OfAnEvent_AreItsRoutingAttributes) {
  Story story;
  story.writer_elected();
  const auto bytes = encoded({story.key_created(nth_key_id(1), "acme")}).front();
  const RecordHeaders found = record_headers(bytes);
  EXPECT_EQ(found.account, "acme");
  EXPECT_THAT(found.headers, Contains(Pair("ce_specversion", "1.0")));
  EXPECT_THAT(found.headers, Contains(Pair("ce_type", "keyledger.KeyCreated")));
  EXPECT_THAT(found.headers, Contains(Pair("ce_account", "acme")));
  EXPECT_THAT(found.headers, Contains(Pair("ce_subject", nth_key_id(1).value)));
  EXPECT_THAT(found.headers, Contains(Key("ce_id")));
  EXPECT_THAT(found.headers, Contains(Key("ce_time")));
  EXPECT_THAT(found.headers, Contains(Key("ce_source")));
}

TEST(RecordHeaders, OfAnEventOfTheLedgerItself_NameNoAccount) {
  Story story;
  const auto bytes = encoded({story.ledger_created()}).front();
  const RecordHeaders found = record_headers(bytes);
  EXPECT_EQ(found.account, "");
  EXPECT_THAT(found.headers, Contains(Pair("ce_type", "keyledger.LedgerCreated")));
  EXPECT_THAT(found.headers, Not(Contains(Key("ce_account"))));
}

TEST(RecordHeaders, OfAnAttributeWithEscapes_LeaveItOutAndGoOn) {
  const RecordHeaders found = record_headers(
      R"({"specversion":"1.0","id":"a\"b,","keyversion":7,"critical":true,"type":"t","data":{"id":"x"}})");
  EXPECT_THAT(found.headers,
              ElementsAre(Key("content-type"), Key("ce_specversion"), Pair("ce_type", "t")));
}

TEST(RecordHeaders, OfOtherBytes_AreNone) {
  for (const char* bytes : {"", "a", "{}", R"({"id":"1"})"}) {
    EXPECT_THAT(record_headers(bytes).headers, IsEmpty()) << bytes;
  }
}

TEST(RecordHeaders, OfAnyBeginningOfAnEvent_AreReadWithoutHarm) {
  Story story;
  story.writer_elected();
  const auto bytes = encoded({story.key_created(nth_key_id(1))}).front();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    EXPECT_LE(record_headers(cut).headers.size(), record_headers(bytes).headers.size());
  }
}

std::vector<std::uint64_t> positions_of(const Result<std::vector<StoredEvent>>& page) {
  std::vector<std::uint64_t> found;
  for (const StoredEvent& event : page.value()) found.push_back(event.position.value);
  return found;
}

TEST(RecentEvents, BeyondTheirNumber_ForgetTheOldest) {
  RecentEvents recent(0, 3, 1'000'000);
  for (const std::uint64_t at : {1U, 2U, 4U, 7U}) recent.add(Position{at}, "x");
  EXPECT_FALSE(recent.covers(Position{0}));
  EXPECT_TRUE(recent.covers(Position{1}));
  EXPECT_THAT(positions_of(recent.read_after(Position{1}, 10, "t")), ElementsAre(2, 4, 7));
  EXPECT_THAT(positions_of(recent.read_after(Position{3}, 10, "t")), ElementsAre(4, 7));
  EXPECT_THAT(positions_of(recent.read_after(Position{2}, 1, "t")), ElementsAre(4));
  EXPECT_THAT(positions_of(recent.read_after(Position{7}, 10, "t")), IsEmpty());
  EXPECT_THAT(positions_of(recent.read_after(Position{UINT64_MAX}, 10, "t")), IsEmpty());
}

TEST(RecentEvents, BeyondTheirBytes_ForgetTheOldestButNotTheLast) {
  RecentEvents recent(0, 100, 10);
  recent.add(Position{1}, std::string(6, 'x'));
  recent.add(Position{2}, std::string(6, 'x'));
  EXPECT_THAT(positions_of(recent.read_after(Position{1}, 10, "t")), ElementsAre(2));
  recent.add(Position{3}, std::string(60, 'x'));
  EXPECT_THAT(positions_of(recent.read_after(Position{2}, 10, "t")), ElementsAre(3));
}

TEST(RecentEvents, ThatAreHeld_AreKeptUntilTheyAreNot) {
  RecentEvents recent(0, 2, 1'000'000);
  recent.add(Position{1}, "a");
  recent.hold(Position{1});
  for (std::uint64_t at = 2; at < 8; ++at) recent.add(Position{at}, "x");
  EXPECT_EQ(positions_of(recent.read_after(Position{1}, 10, "t")).size(), 6U);
  recent.hold(std::nullopt);
  recent.add(Position{8}, "x");
  EXPECT_FALSE(recent.covers(Position{1}));
  EXPECT_THAT(positions_of(recent.read_after(Position{6}, 10, "t")), ElementsAre(7, 8));
}

TEST(RecentEvents, WithOneThatIsNone_EndBeforeItAndThenSaySo) {
  RecentEvents recent(0, 10, 1'000'000);
  recent.add(Position{1}, "a");
  recent.add(Position{2}, std::nullopt);
  recent.add(Position{3}, "c");
  EXPECT_THAT(positions_of(recent.read_after(Position{0}, 10, "t")), ElementsAre(1));
  const auto page = recent.read_after(Position{1}, 10, "t");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Errc::damaged);
  EXPECT_THAT(positions_of(recent.read_after(Position{2}, 10, "t")), ElementsAre(3));
}

/// Where the search for `wanted` ends in `events`, which have the positions given; 0: nowhere.
std::uint64_t found_at(const std::vector<std::string>& wanted,
                       const std::vector<std::pair<std::uint64_t, std::string>>& events) {
  RunSearch search(Position{10}, wanted);
  for (const auto& [position, text] : events) search.see({Position{position}, text});
  return search.is_found() ? search.seen().value : 0;
}

TEST(RunSearch, FindsEventsThatLieSideBySide) {
  EXPECT_EQ(found_at({"a"}, {{11, "a"}}), 11U);
  EXPECT_EQ(found_at({"a", "b"}, {{12, "a"}, {13, "b"}, {14, "c"}}), 13U);
  EXPECT_EQ(found_at({"a", "a"}, {{11, "a"}, {12, "a"}}), 12U);
  EXPECT_EQ(found_at({"a", "b"}, {{11, "x"}, {13, "a"}, {14, "b"}}), 14U);
}

TEST(RunSearch, DoesNotFindThoseThatDoNot) {
  EXPECT_EQ(found_at({"a", "b"}, {{11, "a"}, {13, "b"}}), 0U);
  EXPECT_EQ(found_at({"a", "b"}, {{11, "a"}, {12, "x"}, {13, "b"}}), 0U);
  EXPECT_EQ(found_at({"a", "b"}, {{11, "b"}, {12, "a"}}), 0U);
}

TEST(RunSearch, BeginsAgainAfterAFalseStart) {
  EXPECT_EQ(found_at({"a", "b"}, {{11, "a"}, {12, "a"}, {13, "b"}}), 13U);
  EXPECT_EQ(found_at({"a", "b"}, {{11, "a"}, {13, "a"}, {14, "b"}}), 14U);
}

TEST(TopicPlan, OfThreeCopies_WantsTwoInSync) {
  const TopicNames names("p");
  for (const auto& [replication, wanted] : {std::pair{3, "2"}, {5, "2"}, {2, "1"}, {1, "1"}}) {
    const auto plans = plan_topics(names, replication);
    EXPECT_EQ(plans.front().topic, "p.key-events");
    for (const TopicSetting& setting : plans.front().settings) {
      if (setting.name == "min.insync.replicas") EXPECT_EQ(setting.value, wanted);
    }
  }
}

TEST(TopicPlan, Complaints_NameSettingValueAndWhatItMustBe) {
  EXPECT_EQ(complaint({"a", Rule::exactly, "x"}, "x"), std::nullopt);
  EXPECT_EQ(complaint({"a", Rule::at_least, "2"}, "10"), std::nullopt);
  EXPECT_EQ(complaint({"a", Rule::at_most, "0.01"}, "0.005"), std::nullopt);
  EXPECT_EQ(complaint({"a", Rule::exactly, "x"}, "y"), "a is y, and must be x");
  EXPECT_EQ(complaint({"a", Rule::at_least, "2"}, "1"), "a is 1, and must be at least 2");
  EXPECT_EQ(complaint({"a", Rule::at_most, "5"}, "many"), "a is many, and must be at most 5");
}

TEST(Judge, OfBoundsThatNoReaderCanBeOutsideOf_IsDamage) {
  const Trouble trouble{Trouble::Kind::out_of_range, "out of range"};
  const Error gone = judge(trouble, "t", 3, Bounds{.low = 7, .high = 9});
  EXPECT_EQ(gone.code, Errc::damaged);
  EXPECT_THAT(gone.message, HasSubstr("from position 4 to 7"));
  const Error cut = judge(trouble, "t", 30, Bounds{.low = 7, .high = 9});
  EXPECT_EQ(cut.code, Errc::damaged);
  EXPECT_THAT(cut.message, HasSubstr("ends at position 9"));
  EXPECT_EQ(judge(trouble, "t", 8, Bounds{.low = 7, .high = 9}).code, Errc::unavailable);
  EXPECT_EQ(judge(trouble, "t", 3, fail(Errc::not_found, "no topic")).code, Errc::damaged);
  EXPECT_EQ(judge(trouble, "t", 3, fail(Errc::unavailable, "away")).code, Errc::unavailable);
}

}  // namespace
}  // namespace keyledger::log::kafka
