#include "services/replicas/lease.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/services/replicas/virtual_clock.h"
#include "tests/support/memory_replicas.h"

namespace keyledger::replicas {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds kLength{10};
constexpr milliseconds kValidFor{9'900};

/// A node's lease, over a log and a read model that are two numbers.
class LeaseOfANode : public testing::Test {
 protected:
  /// What the node does in the next `duration`, with a read model that is as far as `applied_`.
  void pass(nanoseconds duration) {
    const auto until = clock_.now() + duration;
    for (int steps = 0; clock_.now() < until; ++steps) {
      ASSERT_LT(steps, 100'000) << "it never rests";
      const Lease::Pause pause = lease_.step();
      const bool is_reached = pause.position && applied_ >= *pause.position;
      if (pause.at_most <= nanoseconds{0} || is_reached) continue;
      clock_.advance(std::min(pause.at_most, until - clock_.now()));
    }
  }

  void append(std::uint64_t events) { end_.value += events; }
  void apply_all() { applied_ = end_; }

  /// How long ago that was from which the permission counts.
  nanoseconds age() const { return lease_.figures().staleness.value(); }

  /// What the registry holds of this node, as another reads it.
  std::vector<log::KnownReplica> announced() {
    return log::MemoryReplicas(topic_, "another", clock_.reader()).read_to_end().value();
  }

  VirtualClock clock_;
  log::ReplicaTopic topic_;
  log::MemoryReplicas registry_{topic_, "own", clock_.reader()};
  Position end_{100};
  Position applied_{100};
  bool is_halted_ = false;
  bool can_ask_ = true;
  std::function<void()> before_end_ = [] {};
  Lease lease_{{registry_,
                [this]() -> Result<Position> {
                  before_end_();
                  if (can_ask_) return end_;
                  return fail(Errc::unavailable, "no broker answers");
                },
                [this] { return applied_; }, [this] { return is_halted_; }},
               {.node = "a",
                .length = kLength,
                .url = "http://192.0.2.1:8080",
                .roles = "verify",
                .now = clock_.reader()}};
};

TEST_F(LeaseOfANode, BeforeItsFirstStep_DoesNotHold) {
  EXPECT_FALSE(lease_.holds());
  EXPECT_FALSE(lease_.figures().staleness);
}

TEST_F(LeaseOfANode, AtTheLogsEnd_HoldsAndTellsTheOthers) {
  pass(milliseconds{1});
  EXPECT_TRUE(lease_.holds());
  const auto replicas = announced();
  ASSERT_EQ(replicas.size(), 1u);
  EXPECT_EQ(replicas[0].replica,
            (log::Replica{"a", Position{100}, kLength, "http://192.0.2.1:8080", "verify"}));
}

TEST_F(LeaseOfANode, ThatIsNotRenewed_LapsesAHundredthBeforeItsLength) {
  pass(milliseconds{1});
  clock_.advance(kValidFor - age() - nanoseconds{1});
  EXPECT_TRUE(lease_.holds());
  clock_.advance(nanoseconds{1});
  EXPECT_FALSE(lease_.holds());
}

TEST_F(LeaseOfANode, WithAnIdleLogForMinutes_HoldsAllTheTime) {
  pass(milliseconds{1});
  for (int second = 0; second < 600; ++second) {
    pass(seconds{1});
    ASSERT_TRUE(lease_.holds());
    ASSERT_LE(age(), kLength / 2);
  }
  EXPECT_NEAR(static_cast<double>(registry_.announcements()), 600 / 3.33, 3);
  EXPECT_EQ(lease_.figures().publications, 0u);
  EXPECT_EQ(lease_.figures().failures, 0u);
}

TEST_F(LeaseOfANode, ThatJoinsLate_AppliesWhatWasAppendedWhileItAnnouncedItself) {
  registry_.before_write = [this] {
    append(1);
    registry_.before_write = [] {};
  };
  pass(milliseconds{100});
  EXPECT_FALSE(lease_.holds());
  apply_all();
  pass(milliseconds{100});
  EXPECT_TRUE(lease_.holds());
}

TEST_F(LeaseOfANode, ThatJoinsLate_AppliesWhatWasAppendedBeforeItAskedForTheEnd) {
  registry_.after_write = [this] {
    before_end_ = [this] {
      append(1);
      before_end_ = [] {};
    };
    registry_.after_write = [] {};
  };
  pass(milliseconds{100});
  EXPECT_FALSE(lease_.holds());
  apply_all();
  pass(milliseconds{1});
  EXPECT_TRUE(lease_.holds());
}

TEST_F(LeaseOfANode, WhoseAnnouncementIsAcknowledgedLate_CountsFromBeforeItWasSent) {
  registry_.after_write = [this] { clock_.advance(seconds{4}); };
  const auto sent_at = clock_.now();
  while (!lease_.holds()) {
    lease_.step();
    ASSERT_LT(clock_.now(), sent_at + kLength);
  }
  clock_.advance(sent_at + kValidFor - clock_.now());
  EXPECT_FALSE(lease_.holds());
}

TEST_F(LeaseOfANode, WhoseAnnouncementIsAcknowledgedAfterItsLength_DoesNotHold) {
  registry_.after_write = [this] { clock_.advance(kLength); };
  for (int i = 0; i < 20; ++i) {
    lease_.step();
    ASSERT_FALSE(lease_.holds());
  }
}

TEST_F(LeaseOfANode, WhoseAnnouncementLandedUnacknowledged_DoesNotHold) {
  registry_.loses_answers = true;
  pass(kLength);
  EXPECT_FALSE(lease_.holds());
  EXPECT_EQ(announced().size(), 1u);
  registry_.loses_answers = false;
  pass(seconds{1});
  EXPECT_TRUE(lease_.holds());
}

TEST_F(LeaseOfANode, WithoutABroker_HoldsAsLongAsItWasGivenAndNoLonger) {
  pass(seconds{30});
  const auto lapses_at = clock_.now() - age() + kValidFor;
  registry_.is_reachable = false;
  can_ask_ = false;
  while (clock_.now() < lapses_at) {
    ASSERT_TRUE(lease_.holds());
    pass(std::min<nanoseconds>(milliseconds{10}, lapses_at - clock_.now()));
  }
  EXPECT_FALSE(lease_.holds());
  pass(minutes{10});
  EXPECT_FALSE(lease_.holds());
  EXPECT_EQ(lease_.figures().last_error, "no broker answers");

  registry_.is_reachable = true;
  can_ask_ = true;
  append(1);
  pass(seconds{1});
  EXPECT_FALSE(lease_.holds());
  apply_all();
  pass(seconds{1});
  EXPECT_TRUE(lease_.holds());
  EXPECT_EQ(lease_.figures().last_error, "");
}

TEST_F(LeaseOfANode, ThatCanAnnounceItselfAndNotAskForTheLogsEnd_LapsesAndAnnouncesNothingMore) {
  pass(seconds{30});
  can_ask_ = false;
  pass(kLength);
  EXPECT_FALSE(lease_.holds());
  const std::size_t before = registry_.announcements();
  pass(minutes{10});
  EXPECT_EQ(registry_.announcements(), before);
}

TEST_F(LeaseOfANode, OfAProcessThatWasSuspended_HasLapsedAndIsRenewedInOrder) {
  pass(seconds{30});
  clock_.advance(minutes{60});
  append(1);
  EXPECT_FALSE(lease_.holds());
  pass(milliseconds{500});
  EXPECT_FALSE(lease_.holds());
  apply_all();
  pass(milliseconds{500});
  EXPECT_TRUE(lease_.holds());
}

TEST_F(LeaseOfANode, OfAProcessThatWasSuspendedBetweenAnyTwoSteps_DoesNotHoldWithoutTheNewEnd) {
  for (int steps = 0; steps < 12; ++steps) {
    clock_.advance(minutes{60});
    append(1);
    for (int i = 0; i < 20; ++i) {
      ASSERT_FALSE(lease_.holds());
      lease_.step();
    }
    apply_all();
    pass(seconds{1});
    ASSERT_TRUE(lease_.holds());
    for (int i = 0; i < steps; ++i) clock_.advance(std::max(lease_.step().at_most, nanoseconds{0}));
  }
}

TEST_F(LeaseOfANode, OfAHaltedReadModel_IsNotRenewed) {
  pass(seconds{30});
  is_halted_ = true;
  pass(kValidFor - age() - milliseconds{1});
  EXPECT_TRUE(lease_.holds());
  pass(milliseconds{1});
  EXPECT_FALSE(lease_.holds());
  const std::size_t before = registry_.announcements();
  pass(minutes{10});
  EXPECT_FALSE(lease_.holds());
  EXPECT_EQ(registry_.announcements(), before);
  is_halted_ = false;
  pass(seconds{1});
  EXPECT_TRUE(lease_.holds());
}

TEST_F(LeaseOfANode, OfAReadModelThatIsStuck_LapsesAndAnnouncesNothingMore) {
  pass(seconds{30});
  append(1);
  pass(kLength * 2);
  EXPECT_FALSE(lease_.holds());
  const std::size_t before = registry_.announcements();
  pass(minutes{10});
  EXPECT_EQ(registry_.announcements(), before);
}

TEST_F(LeaseOfANode, ThatIsFarBehind_DoesNotAnnounceItself) {
  append(1'000'000);
  pass(minutes{10});
  EXPECT_EQ(registry_.announcements(), 0u);
  apply_all();
  pass(milliseconds{1});
  EXPECT_TRUE(lease_.holds());
}

TEST_F(LeaseOfANode, WhoseReadModelMoves_TellsItAtOnce) {
  pass(milliseconds{500});
  append(1);
  apply_all();
  pass(milliseconds{1});
  EXPECT_EQ(announced().at(0).replica.position, applied_);
  EXPECT_EQ(lease_.figures().publications, 1u);
}

TEST_F(LeaseOfANode, WhoseReadModelMovesAllTheTime_TellsItEveryFiftyMilliseconds) {
  pass(milliseconds{500});
  const std::size_t before = registry_.announcements();
  for (int i = 0; i < 1000; ++i) {
    append(1);
    apply_all();
    pass(milliseconds{1});
    ASSERT_LE(applied_.value - announced().at(0).replica.position.value, 50u);
  }
  EXPECT_LE(registry_.announcements() - before, 21u);
}

TEST_F(LeaseOfANode, WhoseReadModelMovesTowardsTheEnd_TellsItMeanwhile) {
  pass(milliseconds{500});
  append(2);
  pass(kLength / 2);
  applied_.value += 1;
  pass(milliseconds{60});
  EXPECT_EQ(announced().at(0).replica.position, applied_);
}

TEST_F(LeaseOfANode, AfterAPublicationThatFailed_TriesAgain) {
  pass(milliseconds{500});
  append(1);
  apply_all();
  registry_.is_reachable = false;
  pass(seconds{1});
  EXPECT_GE(lease_.figures().failures, 1u);
  EXPECT_LE(lease_.figures().failures, 6u);
  EXPECT_TRUE(lease_.holds());
  registry_.is_reachable = true;
  pass(seconds{1});
  EXPECT_EQ(announced().at(0).replica.position, applied_);
}

TEST_F(LeaseOfANode, APublication_RenewsNothing) {
  pass(milliseconds{1});
  can_ask_ = false;
  for (int i = 0; i < 100; ++i) {
    append(1);
    apply_all();
    pass(milliseconds{100});
  }
  EXPECT_FALSE(lease_.holds());
}

TEST_F(LeaseOfANode, ThatEnds_IsGivenBackAndWithdrawn) {
  pass(seconds{1});
  EXPECT_TRUE(lease_.end());
  EXPECT_FALSE(lease_.holds());
  EXPECT_TRUE(announced().empty());
}

TEST_F(LeaseOfANode, ThatEndsWithoutABroker_IsGivenBackAllTheSame) {
  pass(seconds{1});
  registry_.is_reachable = false;
  EXPECT_FALSE(lease_.end());
  EXPECT_FALSE(lease_.holds());
}

}  // namespace
}  // namespace keyledger::replicas
