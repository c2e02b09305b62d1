#include <algorithm>
#include <atomic>
#include <chrono>

#include <gmock/gmock.h>

#include "services/commands/writer.h"
#include "tests/services/commands/running_ledger.h"

namespace keyledger::commands {
namespace {

using Fate = log::MemoryLog::Fate;

TEST(WriterOverload, WithAFullQueue_IsSaidAndNothingOfItIsWritten) {
  Disk disk;
  RunningLedger ledger(disk, {.max_queue = 2});
  HeldLog::Hold append(disk.log, HeldLog::Call::append);
  std::vector<std::future<Answer>> accepted;
  accepted.push_back(ledger.start(create(disk.ring)));
  ASSERT_TRUE(append.wait_until_held());
  accepted.push_back(ledger.start(create(disk.ring)));
  accepted.push_back(ledger.start(create(disk.ring)));
  ledger.settle();
  expect_refused(ledger.submit(create(disk.ring)), Errc::overloaded);
  EXPECT_EQ(ledger.writer().refused_for_load(), 1u);

  append.release();
  for (auto& future : accepted) ASSERT_CARRIED_OUT(RunningLedger::answer(std::move(future)));
  EXPECT_EQ(end_of(disk.memory), Position{6});
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
}

TEST(WriterDeadline, ThatPassedInTheQueue_RefusesTheCommandAndWritesNothing) {
  Disk disk;
  RunningLedger ledger(disk);
  Submission late = create(disk.ring);
  late.deadline = std::chrono::steady_clock::now();
  expect_refused(ledger.submit(late), Errc::overloaded);
  EXPECT_EQ(end_of(disk.memory), Position{2});
}

TEST(WriterClock, BehindTheLogsLastEvent_LetsNobodyLead) {
  Disk disk;
  Event event{};
  event.id = "06DZ3K5V9QKZ3YF8S1W2X4T6B8";
  event.time = now() + std::chrono::hours{1};
  event.command = CommandId{event.id};
  event.fact = LedgerCreated{event.id, disk.ring.pepper_fingerprint()};
  ASSERT_TRUE(disk.memory.append({{log::encode(event, event.id).value()}, {}, {}}));

  RunningLedger ledger(disk);
  ASSERT_FALSE(ledger.led());
  EXPECT_EQ(ledger.led().error().code, Errc::unavailable);
  EXPECT_EQ(end_of(disk.memory), Position{1});
}

TEST(WriterClock, ALittleBehindTheLogsLastEvent_StillNeverGoesBack) {
  Disk disk;
  Event event{};
  event.id = "06DZ3K5V9QKZ3YF8S1W2X4T6B8";
  event.time = now() + std::chrono::seconds{30};
  event.command = CommandId{event.id};
  event.fact = LedgerCreated{event.id, disk.ring.pepper_fingerprint()};
  ASSERT_TRUE(disk.memory.append({{log::encode(event, event.id).value()}, {}, {}}));

  RunningLedger ledger(disk);
  ASSERT_TRUE(ledger.led()) << ledger.led().error().message;
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  const auto events = events_after(disk.memory);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_LT(events[0].time, events[1].time);
  EXPECT_LT(events[1].time, events[2].time);
}

/// Clocks that a test sets.
struct SetClocks {
  std::atomic<std::chrono::microseconds> wall{now().time_since_epoch()};
  std::atomic<std::chrono::nanoseconds> uptime{std::chrono::hours{5}};

  Clocks clocks() {
    return {[this] { return Instant{wall.load()}; }, [this] { return uptime.load(); }};
  }
  void pass(std::chrono::seconds time) {
    wall = wall.load() + time;
    uptime = uptime.load() + time;
  }
};

TEST(WriterClock, SetFarAheadWhileItRuns_WritesNothingUntilItIsSetRight) {
  Disk disk;
  SetClocks set;
  RunningLedger ledger(disk, {.clocks = set.clocks()});
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  set.pass(std::chrono::hours{24 * 40});  // Also suspended, say: as long by either clock.
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  const Position end = end_of(disk.memory);

  const auto right = set.wall.load();
  set.wall = right + std::chrono::hours{24 * 365 * 10};
  const auto refused = ledger.submit(create(disk.ring));
  expect_refused(refused, Errc::unavailable);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("315360000 s ahead"));
  EXPECT_EQ(end_of(disk.memory), end);

  set.wall = right;
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
}

TEST(WriterClock, SetFarAhead_ErasesNoValueThatIsDueThen) {
  Disk disk;
  const KeyId key{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8"};
  ASSERT_TRUE(disk.memory.append({{}, {{key, "sealed", now() + std::chrono::hours{24}}}, {}}));
  // Right when the writer is made and begins to lead, and never after.
  std::atomic<int> asked{0};
  const auto wall = [&] { return ++asked > 2 ? now() + std::chrono::hours{24 * 365} : now(); };
  RunningLedger ledger(disk, {.clocks = {wall, system_clocks().uptime}});
  ASSERT_TRUE(ledger.led());
  expect_refused(ledger.submit(create(disk.ring)), Errc::unavailable);
  EXPECT_TRUE(disk.memory.envelope(key).value().has_value());
}

TEST(WriterClock, ThatIsCorrectedSlowly_IsTrustedHoweverFarThatGoes) {
  Disk disk;
  SetClocks set;
  RunningLedger ledger(disk, {.clocks = set.clocks()});
  for (int step = 0; step < 5; ++step) {
    set.pass(std::chrono::hours{1});
    set.wall = set.wall.load() + std::chrono::seconds{50};
    ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  }
}

TEST(WriterClock, SetBackBeforeAnythingIsWrittenAndRightAgain_IsTrusted) {
  Disk disk;
  SetClocks set;
  RunningLedger ledger(disk, {.clocks = set.clocks()});
  set.pass(std::chrono::hours{5});
  const auto right = set.wall.load();
  set.wall = right - std::chrono::hours{2};
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  set.wall = right;
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
}

TEST(WriterClock, SetBackWhileItRuns_WritesNothingUntilTheLogsTimeHasCome) {
  Disk disk;
  SetClocks set;
  RunningLedger ledger(disk, {.clocks = set.clocks()});
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  const auto right = set.wall.load();
  set.wall = right - std::chrono::seconds{59};
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  set.wall = right - std::chrono::seconds{61};
  expect_refused(ledger.submit(create(disk.ring)), Errc::unavailable);
  set.pass(std::chrono::seconds{2});
  ASSERT_CARRIED_OUT(ledger.submit(create(disk.ring)));
  const auto events = events_after(disk.memory);
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &Event::time));
}

TEST(WriterAppend, ThatFails_IsSaidAndTheNextCommandGoesOn) {
  Disk disk;
  RunningLedger ledger(disk);
  disk.memory.fail_next_append(Errc::unavailable);
  expect_refused(ledger.submit(create(disk.ring)), Errc::unavailable);
  EXPECT_EQ(ledger.writer().stats().failed_appends.load(), 1u);

  const auto outcome = ledger.submit(create(disk.ring));
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_TRUE(outcome->registered);
  EXPECT_THAT(type_names(events_after(disk.memory)),
              testing::ElementsAre("LedgerCreated", "WriterElected", "WriterElected",
                                   "AccountRegistered", "KeyCreated"));
  EXPECT_EQ(outcome->position, Position{5});
}

TEST(WriterAppend, ThatFailsForABatch_FailsAllThatRestOnIt) {
  Disk disk;
  RunningLedger ledger(disk);
  const auto creation = ledger.submit(create(disk.ring));
  ASSERT_CARRIED_OUT(creation);
  const KeyId key = creation->state.key.id;
  HeldLog::Hold projector(disk.log, HeldLog::Call::read);
  // Two batches are written, neither of which can be applied: what comes then waits together.
  std::vector<std::future<Answer>> written;
  for (const char* name : {"deploy", "test"}) {
    const Position end = end_of(disk.memory);
    written.push_back(ledger.start(rename(key, name)));
    ASSERT_TRUE(disk.memory.wait_beyond(end, {}, std::chrono::seconds{20}));
  }
  std::vector<std::future<Answer>> futures;
  futures.push_back(ledger.start(command(DeleteKey{}, key)));
  futures.push_back(ledger.start(rename(key, "not found, if that was written")));
  ledger.settle();
  disk.memory.fail_next_append(Errc::unavailable);
  projector.release();

  for (auto& future : written) ASSERT_CARRIED_OUT(RunningLedger::answer(std::move(future)));
  for (auto& future : futures) {
    expect_refused(RunningLedger::answer(std::move(future)), Errc::unavailable);
  }
  EXPECT_TRUE(disk.memory.envelope(key).value());
  ASSERT_CARRIED_OUT(ledger.submit(rename(key, "release")));
}

class WriterOfUnknownOutcome : public testing::TestWithParam<Fate> {};

TEST_P(WriterOfUnknownOutcome, SaysSoAndTakesNoFurtherCommands) {
  Disk disk;
  RunningLedger ledger(disk);
  disk.memory.fail_next_append(Errc::outcome_unknown, GetParam());
  expect_refused(ledger.submit(create(disk.ring)), Errc::outcome_unknown);
  const Position end = end_of(disk.memory);
  EXPECT_EQ(end, Position{GetParam() == Fate::landed ? 4u : 2u});

  expect_refused(ledger.submit(create(disk.ring)), Errc::unavailable);
  EXPECT_EQ(end_of(disk.memory), end);
}

TEST_P(WriterOfUnknownOutcome, AfterARestart_MakesOneKeyOfTheRepeatedRequest) {
  Disk disk;
  const Submission wish = with_key(create(disk.ring), "retry-me");
  {
    RunningLedger ledger(disk);
    disk.memory.fail_next_append(Errc::outcome_unknown, GetParam());
    expect_refused(ledger.submit(wish), Errc::outcome_unknown);
  }
  disk.memory.reopen();
  RunningLedger ledger(disk);
  const auto outcome = ledger.submit(wish);
  ASSERT_CARRIED_OUT(outcome);
  EXPECT_EQ(outcome->value, value_of(wish));
  EXPECT_EQ(outcome->replayed, GetParam() == Fate::landed);
  projections::KeyQuery all;
  all.account = wish.account;
  const auto page = ledger.model().list_keys(all).value();
  EXPECT_EQ(page.keys.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Append, WriterOfUnknownOutcome, testing::Values(Fate::lost, Fate::landed),
                         [](const auto& fate) {
                           return fate.param == Fate::lost ? "Lost" : "Landed";
                         });

TEST(WriterWithoutProjector, AfterAnAppend_AnswersThatTheOutcomeIsUnknown) {
  Disk disk;
  RunningLedger ledger(disk);
  disk.memory.damage(Position{3});
  expect_refused(ledger.submit(create(disk.ring)), Errc::outcome_unknown);
  EXPECT_EQ(end_of(disk.memory), Position{4});
}

TEST(WriterWithoutProjector, OnAModelThatIsBehindItsLastAppend_DecidesNothing) {
  Disk disk;
  RunningLedger ledger(disk);
  const auto creation = ledger.submit(create(disk.ring));
  ASSERT_CARRIED_OUT(creation);
  const KeyId key = creation->state.key.id;
  ledger.projector().stop();
  expect_refused(ledger.submit(disable(key)), Errc::outcome_unknown);
  const Position end = end_of(disk.memory);

  expect_refused(ledger.submit(disable(key)), Errc::unavailable);
  expect_refused(ledger.submit(rename(key, "deploy")), Errc::unavailable);
  EXPECT_EQ(end_of(disk.memory), end);
}

}  // namespace
}  // namespace keyledger::commands
