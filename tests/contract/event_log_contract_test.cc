#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/adapters.h"
#include "tests/contract/log_words.h"
#include "tests/support/events.h"

namespace keyledger::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::TestParamInfo;
using testing::TestWithParam;
using testing::Values;

// What every adapter of the log promises.

constexpr std::chrono::minutes kForEver{60};
constexpr Instant kNow = kStoryBegins;
constexpr std::chrono::hours kHour{1};

class EventLogContract : public TestWithParam<Adapter> {
 protected:
  EventLog& log() { return under_test_->log(); }
  void reopen() { under_test_->reopen(); }

 private:
  std::unique_ptr<LogUnderTest> under_test_ = GetParam().make();
};

std::string name_of(const TestParamInfo<Adapter>& adapter) { return adapter.param.name; }

INSTANTIATE_TEST_SUITE_P(Adapters, EventLogContract, Values(memory_adapter(), embedded_adapter()),
                         name_of);

TEST_P(EventLogContract, ANewLog_IsEmpty) {
  EXPECT_EQ(end_of(log()), Position{0});
  EXPECT_THAT(read(log(), 0), IsEmpty());
}

TEST_P(EventLogContract, Appending_GivesDensePositionsFromOneOn) {
  EXPECT_EQ(append(log(), {.events = {"a"}, .envelopes = {}, .erased = {}}), Position{1});
  EXPECT_EQ(append(log(), {.events = {"b", "c", "d"}, .envelopes = {}, .erased = {}}), Position{4});
  EXPECT_EQ(append(log(), {.events = {"e"}, .envelopes = {}, .erased = {}}), Position{5});
  EXPECT_EQ(end_of(log()), Position{5});
  EXPECT_THAT(read(log(), 0),
              ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}, StoredEvent{{3}, "c"},
                          StoredEvent{{4}, "d"}, StoredEvent{{5}, "e"}));
}

TEST_P(EventLogContract, AppendingNothing_ReturnsTheEnd) {
  EXPECT_EQ(append(log(), {}), Position{0});
  append_texts(log(), {"a", "b"});
  EXPECT_EQ(append(log(), {}), Position{2});
  EXPECT_EQ(end_of(log()), Position{2});
}

TEST_P(EventLogContract, AppendingOnlyEnvelopes_LeavesTheEndWhereItIs) {
  append_texts(log(), {"a", "b"});
  EXPECT_EQ(
      append(log(), {.events = {}, .envelopes = {{nth_key_id(1), "sealed", {}}}, .erased = {}}),
      Position{2});
  EXPECT_EQ(end_of(log()), Position{2});
  EXPECT_EQ(envelope_of(log(), nth_key_id(1))->sealed, "sealed");
}

TEST_P(EventLogContract, AnyBytes_AreReadBackAsTheyWere) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  append_texts(log(), {every_byte, "", std::string(3, '\0')});
  EXPECT_THAT(read(log(), 0), ElementsAre(StoredEvent{{1}, every_byte}, StoredEvent{{2}, ""},
                                          StoredEvent{{3}, std::string(3, '\0')}));
}

TEST_P(EventLogContract, ReadingAfterAPosition_BeginsWithTheNext) {
  append_texts(log(), {"a", "b", "c"});
  EXPECT_THAT(read(log(), 1), ElementsAre(StoredEvent{{2}, "b"}, StoredEvent{{3}, "c"}));
  EXPECT_THAT(read(log(), 2), ElementsAre(StoredEvent{{3}, "c"}));
}

TEST_P(EventLogContract, ReadingAtOrAfterTheEnd_GivesNothing) {
  append_texts(log(), {"a", "b", "c"});
  EXPECT_THAT(read(log(), 3), IsEmpty());
  EXPECT_THAT(read(log(), 4), IsEmpty());
  EXPECT_THAT(read(log(), std::numeric_limits<std::uint64_t>::max()), IsEmpty());
}

TEST_P(EventLogContract, Reading_GivesAtMostTheWantedNumber) {
  append_texts(log(), {"a", "b", "c"});
  EXPECT_THAT(read(log(), 0, 2), ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}));
  EXPECT_THAT(read(log(), 2, 2), ElementsAre(StoredEvent{{3}, "c"}));
  EXPECT_THAT(read(log(), 0, 0), IsEmpty());
}

TEST_P(EventLogContract, ReadingManyBytes_GivesPagesOfAboutAMebibyteWithoutGaps) {
  constexpr std::size_t kMebibyte = 1'048'576;
  std::vector<std::string> events;
  for (char c = 'a'; c <= 'z'; ++c) {
    events.emplace_back(kMaxEventBytes, c);
    events.emplace_back(kMaxEventBytes / 2, c);
  }
  append_texts(log(), events);

  std::vector<std::string> read_back;
  std::size_t pages = 0;
  while (read_back.size() < events.size()) {
    const auto page = read(log(), read_back.size());
    ASSERT_FALSE(page.empty());
    ++pages;
    std::size_t page_bytes = 0;
    for (const StoredEvent& event : page) {
      ASSERT_EQ(event.position, Position{read_back.size() + 1});
      page_bytes += event.bytes.size();
      read_back.push_back(event.bytes);
    }
    EXPECT_LE(page_bytes, kMebibyte + kMaxEventBytes);
    if (read_back.size() < events.size()) {
      EXPECT_GE(page_bytes, kMebibyte - kMaxEventBytes);
    }
  }
  EXPECT_EQ(read_back, events);
  EXPECT_GE(pages, 2U);
}

TEST_P(EventLogContract, AnEventOfTheGreatestLength_IsTaken) {
  const std::string longest(kMaxEventBytes, 'x');
  append_texts(log(), {longest});
  EXPECT_THAT(read(log(), 0), ElementsAre(StoredEvent{{1}, longest}));
}

TEST_P(EventLogContract, AnEventOfOneByteMore_IsRefusedWithAllThatCameWithIt) {
  append(log(), {.events = {"before"},
                 .envelopes = {{nth_key_id(1), "first", {}}, {nth_key_id(2), "second", {}}},
                 .erased = {}});
  const std::string too_long(kMaxEventBytes + 1, 'x');

  const auto refused = log().append(
      {.events = {"fine", too_long, "fine too"},
       .envelopes = {{nth_key_id(1), "replaced", kNow}, {nth_key_id(3), "third", kNow}},
       .erased = {nth_key_id(2)}});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable) << refused.error().message;
  EXPECT_EQ(end_of(log()), Position{1});
  EXPECT_EQ(envelope_of(log(), nth_key_id(1))->sealed, "first");
  EXPECT_EQ(envelope_of(log(), nth_key_id(2))->sealed, "second");
  EXPECT_EQ(envelope_of(log(), nth_key_id(3)), std::nullopt);
  EXPECT_THAT(due(log(), kNow), IsEmpty());
}

TEST_P(EventLogContract, AfterARefusal_AppendsGoOnWithoutAGap) {
  append_texts(log(), {"a"});
  ASSERT_FALSE(log().append(
      {.events = {std::string(kMaxEventBytes + 1, 'x')}, .envelopes = {}, .erased = {}}));
  append_texts(log(), {"b"});
  EXPECT_THAT(read(log(), 0), ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}));
}

TEST_P(EventLogContract, EventsEnvelopesAndErasures_AreAppendedTogether) {
  append(log(), {.events = {"a"}, .envelopes = {{nth_key_id(1), "old", {}}}, .erased = {}});
  const auto end = append(log(), {.events = {"b", "c"},
                                  .envelopes = {{nth_key_id(2), "new", kNow + kHour}},
                                  .erased = {nth_key_id(1)}});
  EXPECT_EQ(end, Position{3});
  EXPECT_EQ(envelope_of(log(), nth_key_id(1)), std::nullopt);
  EXPECT_EQ(envelope_of(log(), nth_key_id(2)),
            (Envelope{nth_key_id(2), "new", Instant{kNow + kHour}}));
}

TEST_P(EventLogContract, AnEnvelopeThatWasNeverKept_IsNotThere) {
  EXPECT_EQ(envelope_of(log(), nth_key_id(1)), std::nullopt);
}

TEST_P(EventLogContract, AnEnvelope_IsReadBackAsItWas) {
  const std::string sealed("\0any\xFF bytes\n", 12);
  const Instant before_1970{std::chrono::microseconds{-1}};
  const std::vector<Envelope> envelopes = {
      {nth_key_id(1), sealed, {}}, {nth_key_id(2), "", kNow}, {nth_key_id(3), sealed, before_1970}};
  append(log(), {.events = {}, .envelopes = envelopes, .erased = {}});
  for (const Envelope& envelope : envelopes) EXPECT_EQ(envelope_of(log(), envelope.key), envelope);
}

TEST_P(EventLogContract, AnEnvelopeForTheSameKey_ReplacesTheOneBefore) {
  keep(log(), {{nth_key_id(1), "first", kNow}});
  keep(log(), {{nth_key_id(1), "second", {}}});
  EXPECT_EQ(envelope_of(log(), nth_key_id(1)), (Envelope{nth_key_id(1), "second", {}}));
  EXPECT_THAT(due(log(), kNow), IsEmpty());
}

TEST_P(EventLogContract, OfTwoEnvelopesForOneKeyInOneAppend_TheLastCounts) {
  keep(log(), {{nth_key_id(1), "first", kNow}, {nth_key_id(1), "second", kNow + kHour}});
  EXPECT_EQ(envelope_of(log(), nth_key_id(1))->sealed, "second");
  EXPECT_THAT(due(log(), kNow), IsEmpty());
  EXPECT_THAT(due(log(), kNow + kHour), ElementsAre(nth_key_id(1)));
}

TEST_P(EventLogContract, ErasingAnEnvelopeThatIsNotThere_IsNoError) {
  EXPECT_EQ(append(log(), {.events = {"a"}, .envelopes = {}, .erased = {nth_key_id(1)}}),
            Position{1});
}

TEST_P(EventLogContract, EnvelopesDue_AreThoseToBeErasedByNow_EarliestFirst) {
  keep(log(), {{nth_key_id(1), "never", {}},
               {nth_key_id(2), "later", kNow + std::chrono::microseconds{1}},
               {nth_key_id(3), "now", kNow},
               {nth_key_id(4), "long ago", Instant{std::chrono::microseconds{-5}}},
               {nth_key_id(5), "an hour ago", kNow - kHour}});
  EXPECT_THAT(due(log(), kNow), ElementsAre(nth_key_id(4), nth_key_id(5), nth_key_id(3)));
  EXPECT_THAT(due(log(), kNow, 2), ElementsAre(nth_key_id(4), nth_key_id(5)));
  EXPECT_THAT(due(log(), kNow - 2 * kHour), ElementsAre(nth_key_id(4)));
}

TEST_P(EventLogContract, AnErasedEnvelope_IsNotDue) {
  keep(log(), {{nth_key_id(1), "one", kNow}, {nth_key_id(2), "two", kNow}});
  append(log(), {.events = {}, .envelopes = {}, .erased = {nth_key_id(1)}});
  EXPECT_THAT(due(log(), kNow), ElementsAre(nth_key_id(2)));
}

TEST_P(EventLogContract, AnEnvelopeWithALaterDate_IsDueThenOnly) {
  keep(log(), {{nth_key_id(1), "one", kNow}});
  keep(log(), {{nth_key_id(1), "one", kNow + kHour}});
  EXPECT_THAT(due(log(), kNow), IsEmpty());
  EXPECT_THAT(due(log(), kNow + kHour), ElementsAre(nth_key_id(1)));
}

TEST_P(EventLogContract, WaitingBeyondAPositionBeforeTheEnd_ReturnsAtOnce) {
  append_texts(log(), {"a", "b"});
  EXPECT_TRUE(log().wait_beyond(Position{1}, {}, kForEver));
}

TEST_P(EventLogContract, WaitingBeyondTheEnd_TimesOut) {
  append_texts(log(), {"a"});
  EXPECT_FALSE(log().wait_beyond(Position{1}, {}, std::chrono::milliseconds{1}));
  EXPECT_FALSE(log().wait_beyond(Position{1}, {}, std::chrono::milliseconds{0}));
}

TEST_P(EventLogContract, Waiting_EndsWithTheAppendOfAnotherThread) {
  constexpr std::uint64_t kRounds = 50;
  std::uint64_t seen = 0;
  std::jthread waiting([&] {
    while (seen < kRounds && log().wait_beyond(Position{seen}, {}, kForEver)) ++seen;
  });
  for (std::uint64_t i = 0; i < kRounds; ++i) append_texts(log(), {"event"});
  waiting.join();
  EXPECT_EQ(seen, kRounds);
}

TEST_P(EventLogContract, Waiting_EndsWhenStopIsRequested) {
  bool beyond = true;
  std::jthread waiting([&](std::stop_token stop) {
    beyond = log().wait_beyond(Position{0}, std::move(stop), kForEver);
  });
  waiting.request_stop();
  waiting.join();
  EXPECT_FALSE(beyond);
}

TEST_P(EventLogContract, WaitingAfterStopWasRequested_ReturnsAtOnce) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(log().wait_beyond(Position{0}, stop.get_token(), kForEver));
  append_texts(log(), {"a"});
  EXPECT_TRUE(log().wait_beyond(Position{0}, stop.get_token(), kForEver));
}

TEST_P(EventLogContract, ReadersBesideTheWriter_SeeWholeBatchesInOrder) {
  constexpr std::uint64_t kBatches = 100;
  constexpr std::uint64_t kBatchEvents = 3;
  constexpr std::size_t kReaders = 3;
  const auto text_at = [](std::uint64_t position) { return "event " + std::to_string(position); };
  const auto read_until_the_last = [&] {
    std::size_t wrong = 0;
    for (std::uint64_t count = 0; count < kBatches * kBatchEvents;) {
      const Position end = end_of(log());
      const auto events = read(log(), 0);
      count = events.size();
      if (count < end.value || count % kBatchEvents != 0) ++wrong;
      for (std::size_t i = 0; i < count; ++i) {
        if (events[i] != StoredEvent{{i + 1}, text_at(i + 1)}) ++wrong;
      }
    }
    return wrong;
  };

  std::vector<std::size_t> wrong(kReaders);
  {
    std::vector<std::jthread> readers;
    readers.reserve(kReaders);
    for (std::size_t& count : wrong) readers.emplace_back([&] { count = read_until_the_last(); });
    for (std::uint64_t position = 1; position <= kBatches * kBatchEvents;) {
      std::vector<std::string> batch;
      while (batch.size() < kBatchEvents) batch.push_back(text_at(position++));
      append_texts(log(), batch);
    }
  }
  EXPECT_THAT(wrong, testing::Each(0U));
}

TEST_P(EventLogContract, AfterReopening_EverythingIsThere) {
  const Envelope kept{nth_key_id(1), "sealed", kNow};
  append(log(), {.events = {"a", "b"}, .envelopes = {kept}, .erased = {}});
  append(log(), {.events = {"c"}, .envelopes = {{nth_key_id(2), "x", kNow}}, .erased = {}});
  append(log(), {.events = {}, .envelopes = {}, .erased = {nth_key_id(2)}});
  for (int time = 0; time < 3; ++time) {
    reopen();
    EXPECT_EQ(end_of(log()), Position{3});
    EXPECT_THAT(read(log(), 0),
                ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}, StoredEvent{{3}, "c"}));
    EXPECT_EQ(envelope_of(log(), kept.key), kept);
    EXPECT_THAT(due(log(), kNow), ElementsAre(kept.key));
  }
}

TEST_P(EventLogContract, AfterReopening_AppendsGoOnFromTheEnd) {
  for (std::uint64_t i = 1; i <= 5; ++i) {
    reopen();
    EXPECT_EQ(append(log(), {.events = {std::to_string(i)}, .envelopes = {}, .erased = {}}),
              Position{i});
  }
  EXPECT_THAT(read(log(), 3), ElementsAre(StoredEvent{{4}, "4"}, StoredEvent{{5}, "5"}));
}

}  // namespace
}  // namespace keyledger::log
