#include "services/commands/leader.h"

#include <gtest/gtest.h>

#include "events/log/codec.h"
#include "tests/services/commands/simulation/two_leaders.h"

namespace keyledger::commands::simulation {
namespace {

TEST_F(LeaderTest, ThatIsElected_CarriesCommandsOut) {
  lead(first);
  const Answer answer = ask(first, create());
  go_on(first);
  ASSERT_TRUE(*answer && **answer);
  EXPECT_EQ((**answer)->position, cluster.end());
}

TEST_F(LeaderTest, WhoseAppendLandedUnknown_AcknowledgesItAndWritesItOnce) {
  lead(first);
  cluster.faults.landed = 1;
  const Answer answer = ask(first, create());
  first.step();
  cluster.faults = {};
  const Position landed = cluster.end();
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
  EXPECT_EQ((**answer)->position, landed);
  EXPECT_EQ(count("KeyCreated"), 1u);
}

TEST_F(LeaderTest, WhoseAppendWasLost_DecidesAgain) {
  lead(first);
  cluster.faults.lost = 1;
  const Answer answer = ask(first, create());
  first.step();
  cluster.faults = {};
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
  EXPECT_EQ(count("KeyCreated"), 1u);
}

TEST_F(LeaderTest, WhoseDoubtAnotherNodeSettles_SaysWhatBecameOfIt) {
  lead(first);
  cluster.faults.landed = 1;
  const Answer landed = ask(first, create());
  first.step();
  cluster.faults = {};
  first.elect(false);
  lead(second);
  go_on(first);
  ASSERT_TRUE(*landed && **landed) << (**landed).error().message;
  EXPECT_EQ((**landed)->position, Position{5});
}

TEST_F(LeaderTest, WhoseClockWasSetFarAhead_BeginsNoTerm) {
  lead(first);
  first.elect(false);
  go_on(first);
  first.clock_ahead = 10h;
  first.elect(true);
  go_on(first);
  EXPECT_FALSE(first.leads());
  EXPECT_EQ(count("WriterElected"), 1u);

  first.clock_ahead = {};
  time.pass(1s);
  go_on(first);
  EXPECT_TRUE(first.leads());
}

TEST_F(LeaderTest, ThatWasReplacedAndDoesNotKnow_RefusesNothingForWhatIsPast) {
  lead(first);
  lead(second);
  const KeyId key = created_key(second);
  const Answer answer = ask(first, rename(key, "deploy"));
  first.step();
  EXPECT_FALSE(*answer) << (**answer).error().message;
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
  EXPECT_EQ((**answer)->state.key.name.value, "deploy");
}

TEST_F(LeaderTest, ThatCanNotAskForTheLogsEnd_RefusesNothingForWhatMayBePast) {
  lead(first);
  cluster.is_away = true;
  const Answer answer = ask(first, rename(KeyId{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8"}, "deploy"));
  first.step();
  ASSERT_TRUE(*answer);
  EXPECT_EQ(code(answer), Errc::unavailable);
}

TEST_F(LeaderTest, BesideOneWhoLeadsToo_TakesOverFourTimesASecondAtMost) {
  first.elect(true);
  second.elect(true);
  const auto until = time.now() + 1s;
  while (time.now() < until) {
    ask(first, create());
    go_on(first);
    ask(second, create());
    go_on(second);
    time.pass(1ms);
  }
  EXPECT_GE(count("WriterElected"), 2u);
  EXPECT_LE(count("WriterElected"), 10u);
}

TEST_F(LeaderTest, ThatWasNeverElected_SaysThatAnotherLeads) {
  go_on(first);
  const Answer answer = ask(first, create());
  ASSERT_TRUE(*answer);
  EXPECT_EQ(code(answer), Errc::not_leader);
}

TEST_F(LeaderTest, WhoseDoubtNobodySettles_SaysSoInTime) {
  lead(first);
  cluster.faults.lost = 1;
  const Answer answer = ask(first, create());
  first.step();
  cluster.is_away = true;
  for (int i = 0; i < 9; ++i) {
    time.pass(1s);
    go_on(first);
    EXPECT_FALSE(*answer);
  }
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(*answer);
  EXPECT_EQ(code(answer), Errc::outcome_unknown);
}

TEST_F(LeaderTest, WhoseGateIsBehindItsModel_StillFindsWhatLanded) {
  TornNode node(cluster, trace, models, ring, logger, first.clocks());
  cluster.faults.landed = 1;
  node.push(create());
  node.leader.step();
  cluster.faults = {};

  node.log.elect(false);
  lead(second);
  node.apply();
  node.leader.step();
  node.leader.step();
  ASSERT_EQ(node.answers.size(), 1u);
  ASSERT_TRUE(node.answers.front()) << node.answers.front().error().message;
}

TEST_F(LeaderTest, WhoseProjectorHalted_NeverSaysThatWhatWasPassedOverSucceeded) {
  TornNode node(cluster, trace, models, ring, logger, first.clocks());
  node.push(create());
  node.leader.step();
  node.quarantine(1, {4}, {5}, time.wall() + 1s);

  node.gate.halted();
  node.apply();
  node.gate.advance(node.projector.gate().position());
  node.leader.step();
  ASSERT_EQ(node.answers.size(), 1u);
  ASSERT_FALSE(node.answers.front());
  EXPECT_EQ(node.answers.front().error().code, Errc::outcome_unknown);
}

TEST_F(LeaderTest, WhoseClockWasCorrectedSlowlyWhileItFollowed_IsTrusted) {
  for (int hour = 0; hour < 5; ++hour) {
    time.pass(1h);
    first.clock_ahead += 50s;
    go_on(first);
  }
  lead(first);
  const Answer answer = ask(first, create());
  go_on(first);
  ASSERT_TRUE(*answer && **answer) << (**answer).error().message;
}

}  // namespace
}  // namespace keyledger::commands::simulation
