#include "tests/support/memory_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The ways in which it can be told to fail.

Append one_event(std::string bytes) {
  return {.events = {std::move(bytes)}, .envelopes = {}, .erased = {}};
}

Errc code_of(const Result<Position>& result) {
  return result ? Errc::internal : result.error().code;
}

TEST(MemoryLog, ToldToBeUnavailable_WritesNothingOnceAndThenGoesOn) {
  MemoryLog log;
  log.fail_next_append(Errc::unavailable);
  EXPECT_EQ(code_of(log.append(one_event("a"))), Errc::unavailable);
  EXPECT_THAT(read(log, 0), IsEmpty());
  EXPECT_EQ(append(log, one_event("b")), Position{1});
}

TEST(MemoryLog, WithAnUnknownOutcomeThatIsLost_TakesNoMoreUntilItIsReopened) {
  MemoryLog log;
  log.fail_next_append(Errc::outcome_unknown, MemoryLog::Fate::lost);
  EXPECT_EQ(code_of(log.append(one_event("a"))), Errc::outcome_unknown);
  EXPECT_EQ(code_of(log.append(one_event("b"))), Errc::unavailable);
  log.reopen();
  EXPECT_EQ(append(log, one_event("c")), Position{1});
}

TEST(MemoryLog, WithAnUnknownOutcomeThatLanded_HoldsTheEvent) {
  MemoryLog log;
  log.fail_next_append(Errc::outcome_unknown, MemoryLog::Fate::landed);
  EXPECT_EQ(code_of(log.append(one_event("a"))), Errc::outcome_unknown);
  EXPECT_EQ(code_of(log.append(one_event("b"))), Errc::unavailable);
  EXPECT_THAT(read(log, 0), ElementsAre(StoredEvent{{1}, "a"}));
}

TEST(MemoryLog, WithADamagedEvent_GivesWhatLiesBeforeItAndThenSaysSo) {
  MemoryLog log;
  append_texts(log, {"a", "b", "c"});
  log.damage(Position{3});
  EXPECT_THAT(read(log, 0), ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}));
  const auto page = log.read_after(Position{2}, 10);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Errc::damaged);
}

}  // namespace
}  // namespace keyledger::log
