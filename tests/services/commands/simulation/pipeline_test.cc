#include <gtest/gtest.h>

#include "events/log/codec.h"
#include "tests/services/commands/simulation/two_leaders.h"

namespace keyledger::commands::simulation {
namespace {

/// A leader that decides batches while others are not applied yet: a step of `first` alone appends,
/// and nothing is applied before go_on().
class PipelineTest : public LeaderTest {
 protected:
  PipelineTest() { lead(first); }

  Answer append(Submission submission) {
    Answer answer = ask(first, std::move(submission));
    first.step();
    return answer;
  }
  static Submission with_key(Submission submission) {
    submission.idempotency = Idempotency{std::string(64, 'a'), std::string(64, 'b')};
    return submission;
  }
  static Submission remove(Submission renaming) {
    renaming.wish = DeleteKey{};
    return renaming;
  }
  static bool succeeded(const Answer& answer) { return *answer && **answer; }
};

TEST_F(PipelineTest, ABatch_IsDecidedOnWhatTheOneBeforeAddsAndIsNotAppliedYet) {
  const Answer one = append(create());
  const Answer two = append(create());
  EXPECT_EQ(count("KeyCreated"), 2u);
  EXPECT_EQ(count("AccountRegistered"), 1u);
  EXPECT_FALSE(*one || *two) << "nothing is applied";

  go_on(first);
  ASSERT_TRUE(succeeded(one) && succeeded(two));
  EXPECT_EQ((**one)->position, Position{5});
  EXPECT_EQ((**two)->position, Position{7});
}

TEST_F(PipelineTest, ChangesOfOneKey_FollowFromEachOther) {
  const KeyId key = created_key(first);
  const Answer one = append(rename(key, "deploy"));
  const Answer two = append(rename(key, "release"));
  EXPECT_EQ(count("KeyRenamed"), 2u);
  go_on(first);
  ASSERT_TRUE(succeeded(one) && succeeded(two));
  EXPECT_EQ((**one)->state.key.version, Version{2});
  EXPECT_EQ((**two)->state.key.version, Version{3});
  EXPECT_EQ(first.model().key(AccountId{"acme"}, key)->name.value, "release");
}

TEST_F(PipelineTest, AThirdBatch_WaitsUntilTheFirstIsApplied) {
  append(create());
  append(create());
  const Answer third = append(create());
  EXPECT_EQ(count("KeyCreated"), 2u);
  go_on(first);
  EXPECT_TRUE(succeeded(third));
  EXPECT_EQ(count("KeyCreated"), 3u);
}

TEST_F(PipelineTest, ARefusal_IsNotSaidBeforeWhatItRestsOnIsApplied) {
  const KeyId key = created_key(first);
  const Answer deletion = append(remove(rename(key, "")));
  const Answer refused = append(rename(key, "deploy"));
  EXPECT_FALSE(*refused);
  go_on(first);
  ASSERT_TRUE(succeeded(deletion));
  ASSERT_TRUE(*refused && !**refused);
  EXPECT_EQ(count("KeyRenamed"), 0u);
}

TEST_F(PipelineTest, OneIdempotencyKeyInTwoBatches_IsCarriedOutOnce) {
  const Submission submission = with_key(create());
  const Answer one = append(submission);
  const Answer again = append(submission);
  EXPECT_EQ(count("KeyCreated"), 1u);
  go_on(first);
  first.run_task();
  ASSERT_TRUE(succeeded(one) && succeeded(again));
  EXPECT_TRUE((**again)->replayed);
  EXPECT_EQ((**again)->state.key.id, (**one)->state.key.id);
  EXPECT_EQ(count("KeyCreated"), 1u);
}

TEST_F(PipelineTest, AnAppendThatLandsUnknown_TakesNothingFromTheBatchBefore) {
  const Answer one = append(create());
  cluster.faults.landed = 1;
  const Answer two = append(create());
  cluster.faults = {};
  EXPECT_FALSE(*one || *two);
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(succeeded(one) && succeeded(two));
  EXPECT_EQ(count("KeyCreated"), 2u);
  EXPECT_EQ(count("WriterElected"), 2u) << "it took the log over before it went on";
}

TEST_F(PipelineTest, AnAppendThatIsLost_IsDecidedAgainOnWhatWasAppliedMeanwhile) {
  const KeyId key = created_key(first);
  const Answer one = append(rename(key, "deploy"));
  cluster.faults.lost = 1;
  const Answer two = append(rename(key, "release"));
  cluster.faults = {};
  time.pass(1s);
  go_on(first);
  ASSERT_TRUE(succeeded(one) && succeeded(two));
  EXPECT_EQ((**two)->state.key.version, Version{3});
  EXPECT_EQ(count("KeyRenamed"), 2u);
}

TEST_F(PipelineTest, ANodeThatIsKilledBetweenAppendAndApply_LosesNothingOfEither) {
  append(create());
  append(create());
  first.kill();
  first.start();
  lead(first);
  EXPECT_EQ(first.position(), cluster.end());
  EXPECT_EQ(count("KeyCreated"), 2u);
  EXPECT_TRUE(first.model().event(Position{7}).value());
  EXPECT_TRUE(first.model().event(Position{5}).value());
}

TEST_F(PipelineTest, ALeaderThatIsReplaced_AnswersBothBatchesByWhatIsApplied) {
  const Answer one = append(create());
  const Answer two = append(create());
  first.elect(false);
  lead(second);
  go_on(first);
  ASSERT_TRUE(succeeded(one) && succeeded(two));
  EXPECT_FALSE(first.leads());
  const Answer late = ask(first, create());
  ASSERT_TRUE(*late);
  EXPECT_EQ(code(late), Errc::not_leader);
}

TEST_F(PipelineTest, BatchesThatNobodyApplies_AreNotCalledDone) {
  const Answer one = append(create());
  const Answer two = append(create());
  time.pass(10s);
  first.step();
  first.step();
  ASSERT_TRUE(*one && *two);
  EXPECT_EQ(code(one), Errc::outcome_unknown);
  EXPECT_EQ(code(two), Errc::outcome_unknown);
  const Answer refused = ask(first, create());
  ASSERT_TRUE(*refused);
  EXPECT_EQ(code(refused), Errc::unavailable);

  go_on(first);
  const Answer after = ask(first, create());
  go_on(first);
  EXPECT_TRUE(succeeded(after));
}

TEST_F(LeaderTest, WhoseFirstBatchIsPassedOver_DoesNotSayThatTheOneDecidedOnItSucceeded) {
  TornNode node(cluster, trace, models, ring, logger, first.clocks());
  node.push(create());
  node.leader.step();
  node.push(create());
  node.leader.step();
  ASSERT_EQ(count("KeyCreated"), 2u);
  ASSERT_EQ(count("AccountRegistered"), 1u);
  // The one that registers the account, and the one that rests on it.
  node.quarantine(1, {4}, {5}, time.wall() + 1s);
  node.quarantine(2, {7}, {7}, time.wall() + 1s);

  node.gate.halted();
  node.apply();
  node.gate.advance(node.projector.gate().position());
  node.leader.step();
  ASSERT_EQ(node.answers.size(), 2u);
  for (const auto& answer : node.answers) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::outcome_unknown);
  }
}

TEST_F(LeaderTest, WhoseFirstBatchIsPassedOver_DecidesNothingOnTheOneThatRestedOnIt) {
  TornNode node(cluster, trace, models, ring, logger, first.clocks());
  node.push(create());
  node.leader.step();
  node.push(create());
  node.leader.step();
  ASSERT_EQ(count("KeyCreated"), 2u);
  node.quarantine(1, {4}, {5}, time.wall() + 1s);

  // The read model gets past the first, and halts at the second, whose account isn't registered.
  node.gate.halted();
  node.gate.advance(Position{5});
  node.leader.step();
  ASSERT_EQ(node.answers.size(), 2u);
  node.push(create());
  for (int steps = 0; steps < 10; ++steps) node.leader.step();
  EXPECT_EQ(count("KeyCreated"), 2u);
  EXPECT_EQ(node.answers.size(), 2u);

  // It isn't kept waiting for ever.
  time.pass(1min);
  for (int steps = 0; steps < 10; ++steps) node.leader.step();
  ASSERT_EQ(node.answers.size(), 3u);
  ASSERT_FALSE(node.answers.back());
  EXPECT_EQ(node.answers.back().error().code, Errc::unavailable);
}

}  // namespace
}  // namespace keyledger::commands::simulation
