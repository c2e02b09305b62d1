#include "tests/contract/event_log_contract.h"

#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/log_words.h"
#include "tests/support/events.h"

namespace keyledger::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// What every adapter of the log promises. Of positions: that they rise, that those of one append
// lie side by side, and that what append() returns is what read_after() gives.

constexpr std::chrono::minutes kForEver{60};
constexpr Instant kNow = kStoryBegins;
constexpr std::chrono::hours kHour{1};

TEST_P(EventLogContract, ANewLog_IsEmpty) {
  EXPECT_EQ(end_of(log()), Position{0});
  EXPECT_THAT(read(log(), 0), IsEmpty());
}

TEST_P(EventLogContract, WhatWasAppended_IsReadBackInOrderAtThePositionsReturned) {
  Written written(log());
  written.append({"a"});
  written.append({"b", "c", "d"});
  written.append({"e"});
  EXPECT_EQ(end_of(log()), written.end());
  EXPECT_EQ(read(log(), 0), written.events());
}

TEST_P(EventLogContract, Positions_RiseFromAtLeastOneOn) {
  Position last;
  for (int i = 0; i < 10; ++i) {
    const Position next = append_texts(log(), {"a", "b"});
    EXPECT_GE(next.value, last.value + 2);
    EXPECT_EQ(end_of(log()), next);
    EXPECT_EQ(log().known_end(), next);
    last = next;
  }
  EXPECT_THAT(read(log(), 0), SizeIs(20));
}

TEST_P(EventLogContract, AppendingNothing_ReturnsTheEnd) {
  EXPECT_EQ(append(log(), {}), Position{0});
  const Position end = append_texts(log(), {"a", "b"});
  EXPECT_EQ(append(log(), {}), end);
  EXPECT_EQ(end_of(log()), end);
}

TEST_P(EventLogContract, AppendingOnlyEnvelopes_LeavesTheEndWhereItIs) {
  const Position end = append_texts(log(), {"a", "b"});
  EXPECT_EQ(
      append(log(), {.events = {}, .envelopes = {{nth_key_id(1), "sealed", {}}}, .erased = {}}),
      end);
  EXPECT_EQ(end_of(log()), end);
  EXPECT_EQ(envelope_of(log(), nth_key_id(1))->sealed, "sealed");
}

TEST_P(EventLogContract, AnyBytes_AreReadBackAsTheyWere) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  Written written(log());
  written.append({every_byte, "", std::string(3, '\0')});
  EXPECT_EQ(read(log(), 0), written.events());
}

TEST_P(EventLogContract, ReadingAfterAPosition_BeginsWithTheNext) {
  Written written(log());
  written.append({"a", "b", "c"});
  written.append({"d"});
  for (std::size_t i = 0; i < written.events().size(); ++i) {
    EXPECT_EQ(read(log(), written.at(i).value), written.after(i)) << i;
  }
}

TEST_P(EventLogContract, ReadingAfterAPositionThatNoEventHas_BeginsWithTheNextThatThereIs) {
  Written written(log());
  for (const char* text : {"a", "b", "c"}) written.append({text});
  std::size_t before = 0;  // How many events lie before the position.
  for (Position position; position < written.end(); ++position.value) {
    if (written.at(before) <= position) ++before;
    ASSERT_EQ(read(log(), position.value).front(), written.events()[before]) << position.value;
  }
}

TEST_P(EventLogContract, ReadingAtOrAfterTheEnd_GivesNothing) {
  const Position end = append_texts(log(), {"a", "b", "c"});
  EXPECT_THAT(read(log(), end.value), IsEmpty());
  EXPECT_THAT(read(log(), end.value + 1), IsEmpty());
  EXPECT_THAT(read(log(), end.value + 1'000'000), IsEmpty());
  EXPECT_THAT(read(log(), std::numeric_limits<std::uint64_t>::max()), IsEmpty());
}

TEST_P(EventLogContract, Reading_GivesAtMostTheWantedNumber) {
  Written written(log());
  written.append({"a", "b", "c"});
  EXPECT_THAT(read(log(), 0, 2), ElementsAre(written.events()[0], written.events()[1]));
  EXPECT_THAT(read(log(), written.at(1).value, 2), ElementsAre(written.events()[2]));
  EXPECT_THAT(read(log(), 0, 0), IsEmpty());
}

TEST_P(EventLogContract, ReadingManyBytes_GivesPagesOfAboutAMebibyteWithoutGaps) {
  constexpr std::size_t kMebibyte = 1'048'576;
  std::vector<std::string> events;
  for (char c = 'a'; c <= 'z'; ++c) {
    events.emplace_back(kMaxEventBytes, c);
    events.emplace_back(kMaxEventBytes / 2, c);
  }
  Written written(log());
  written.append(events);

  std::vector<StoredEvent> read_back;
  std::size_t pages = 0;
  while (read_back.size() < events.size()) {
    const auto page = read(log(), read_back.empty() ? 0 : read_back.back().position.value);
    ASSERT_FALSE(page.empty());
    ++pages;
    std::size_t page_bytes = 0;
    for (const StoredEvent& event : page) {
      page_bytes += event.bytes.size();
      read_back.push_back(event);
    }
    EXPECT_LE(page_bytes, kMebibyte + kMaxEventBytes);
    if (read_back.size() < events.size()) {
      EXPECT_GE(page_bytes, kMebibyte - kMaxEventBytes);
    }
  }
  EXPECT_EQ(read_back, written.events());
  EXPECT_GE(pages, 2U);
}

TEST_P(EventLogContract, AnEventOfTheGreatestLength_IsTaken) {
  Written written(log());
  written.append({std::string(kMaxEventBytes, 'x')});
  EXPECT_EQ(read(log(), 0), written.events());
}

TEST_P(EventLogContract, AnEventOfOneByteMore_IsRefusedWithAllThatCameWithIt) {
  const Position end =
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
  EXPECT_EQ(end_of(log()), end);
  EXPECT_EQ(envelope_of(log(), nth_key_id(1))->sealed, "first");
  EXPECT_EQ(envelope_of(log(), nth_key_id(2))->sealed, "second");
  EXPECT_EQ(envelope_of(log(), nth_key_id(3)), std::nullopt);
  EXPECT_THAT(due(log(), kNow), IsEmpty());
}

TEST_P(EventLogContract, AfterARefusalForLength_AppendsGoOnWithoutATakeOver) {
  Written written(log());
  written.append({"a"});
  ASSERT_FALSE(log().append(
      {.events = {std::string(kMaxEventBytes + 1, 'x')}, .envelopes = {}, .erased = {}}));
  written.append({"b"});
  EXPECT_EQ(read(log(), 0), written.events());
}

TEST_P(EventLogContract, AfterAnotherTakeOver_AppendsGoOn) {
  Written written(log());
  written.append({"a"});
  for (int time = 0; time < 3; ++time) {
    must(log().take_over());
    written.append({"b"});
  }
  EXPECT_EQ(read(log(), 0), written.events());
}

TEST_P(EventLogContract, EventsEnvelopesAndErasures_AreAppendedTogether) {
  append(log(), {.events = {"a"}, .envelopes = {{nth_key_id(1), "old", {}}}, .erased = {}});
  const auto end = append(log(), {.events = {"b", "c"},
                                  .envelopes = {{nth_key_id(2), "new", kNow + kHour}},
                                  .erased = {nth_key_id(1)}});
  EXPECT_EQ(end_of(log()), end);
  EXPECT_THAT(read(log(), 0), SizeIs(3));
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

TEST_P(EventLogContract, OfAKeyThatIsKeptAndErasedInOneAppend_NothingIsLeft) {
  keep(log(), {{nth_key_id(1), "first", kNow}});
  append(log(), {.events = {"a"},
                 .envelopes = {{nth_key_id(1), "second", kNow}, {nth_key_id(2), "third", kNow}},
                 .erased = {nth_key_id(1), nth_key_id(2)}});
  EXPECT_EQ(envelope_of(log(), nth_key_id(1)), std::nullopt);
  EXPECT_EQ(envelope_of(log(), nth_key_id(2)), std::nullopt);
  EXPECT_THAT(due(log(), kNow), IsEmpty());
}

TEST_P(EventLogContract, ErasingAnEnvelopeThatIsNotThere_IsNoError) {
  const auto end = append(log(), {.events = {"a"}, .envelopes = {}, .erased = {nth_key_id(1)}});
  EXPECT_EQ(end_of(log()), end);
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
  Written written(log());
  written.append({"a", "b"});
  EXPECT_TRUE(log().wait_beyond(written.at(0), {}, kForEver));
}

TEST_P(EventLogContract, WaitingBeyondTheEnd_TimesOut) {
  const Position end = append_texts(log(), {"a"});
  EXPECT_FALSE(log().wait_beyond(end, {}, std::chrono::milliseconds{1}));
  EXPECT_FALSE(log().wait_beyond(end, {}, std::chrono::milliseconds{0}));
}

TEST_P(EventLogContract, Waiting_EndsWithTheAppendOfAnotherThread) {
  constexpr std::size_t kRounds = 50;
  std::size_t seen = 0;
  std::jthread waiting([&] {
    Position last;
    while (seen < kRounds && log().wait_beyond(last, {}, kForEver)) {
      last = read(log(), last.value, 1).front().position;
      ++seen;
    }
  });
  for (std::size_t i = 0; i < kRounds; ++i) append_texts(log(), {"event"});
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
  constexpr std::size_t kBatches = 100;
  constexpr std::size_t kBatchEvents = 3;
  constexpr std::size_t kReaders = 3;
  const auto nth_text = [](std::size_t n) { return "event " + std::to_string(n); };
  const auto is_whole = [&](const std::vector<StoredEvent>& events) {
    if (events.size() % kBatchEvents != 0) return false;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].bytes != nth_text(i)) return false;
      const bool begins_a_batch = i % kBatchEvents == 0;
      const Position before = i == 0 ? Position{} : events[i - 1].position;
      if (events[i].position <= before) return false;
      if (!begins_a_batch && events[i].position.value != before.value + 1) return false;
    }
    return true;
  };
  const auto read_until_the_last = [&] {
    std::size_t wrong = 0;
    for (std::size_t count = 0; count < kBatches * kBatchEvents;) {
      const Position end = end_of(log());
      const auto events = read(log(), 0);
      count = events.size();
      const Position last = events.empty() ? Position{} : events.back().position;
      if (last < end || !is_whole(events)) ++wrong;
    }
    return wrong;
  };

  std::vector<std::size_t> wrong(kReaders);
  {
    std::vector<std::jthread> readers;
    readers.reserve(kReaders);
    for (std::size_t& count : wrong) readers.emplace_back([&] { count = read_until_the_last(); });
    for (std::size_t n = 0; n < kBatches * kBatchEvents;) {
      std::vector<std::string> batch;
      while (batch.size() < kBatchEvents) batch.push_back(nth_text(n++));
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
  const Position end = end_of(log());
  const auto events = read(log(), 0);
  ASSERT_THAT(events, SizeIs(3));
  for (int time = 0; time < 3; ++time) {
    reopen();
    EXPECT_EQ(end_of(log()), end);
    EXPECT_EQ(read(log(), 0), events);
    EXPECT_EQ(envelope_of(log(), kept.key), kept);
    EXPECT_EQ(envelope_of(log(), nth_key_id(2)), std::nullopt);
    EXPECT_THAT(due(log(), kNow), ElementsAre(kept.key));
  }
}

TEST_P(EventLogContract, AfterReopening_AppendsGoOnFromTheEnd) {
  std::vector<StoredEvent> written;
  for (int i = 1; i <= 5; ++i) {
    reopen();
    const std::string text = std::to_string(i);
    const Position end = append_texts(log(), {text});
    if (!written.empty()) EXPECT_GT(end, written.back().position);
    written.push_back({end, text});
  }
  EXPECT_EQ(read(log(), 0), written);
  EXPECT_THAT(read(log(), written[2].position.value), ElementsAre(written[3], written[4]));
}

}  // namespace
}  // namespace keyledger::log
