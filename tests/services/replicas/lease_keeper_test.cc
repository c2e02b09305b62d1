#include "services/replicas/lease_keeper.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "events/log/boot_clock.h"
#include "tests/support/memory_log.h"
#include "tests/support/memory_replicas.h"

namespace keyledger::replicas {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

template <typename Condition>
testing::AssertionResult comes_true(Condition condition) {
  const auto deadline = steady_clock::now() + seconds{30};
  while (!condition()) {
    if (steady_clock::now() > deadline) return testing::AssertionFailure() << "it didn't";
    std::this_thread::yield();
  }
  return testing::AssertionSuccess();
}

/// The thread that keeps a lease, on real clocks.
class LeaseKeeperOfANode : public testing::Test {
 protected:
  void begin(milliseconds length) {
    keeper_.emplace(
        registry_, log_, gate_, [this] { return is_halted_.load(); }, logger_,
        Lease::Options{.node = "a", .length = length});
  }

  void append() {
    ASSERT_TRUE(log_.append({.events = {"an event"}, .envelopes = {}, .erased = {}}));
  }
  void apply() { gate_.advance(log_.known_end()); }

  std::optional<Position> announced() {
    const auto known = another_.known().value();
    if (known.empty()) return std::nullopt;
    return known.front().replica.position;
  }

  log::ReplicaTopic topic_;
  log::MemoryReplicas registry_{topic_, "own"};
  log::MemoryReplicas another_{topic_, "another"};
  log::MemoryLog log_;
  projections::PositionGate gate_;
  std::atomic<bool> is_halted_{false};
  logging::Logger logger_{logging::Level::error};
  std::optional<LeaseKeeper> keeper_;
};

TEST_F(LeaseKeeperOfANode, AtTheLogsEnd_IsFresh) {
  begin(seconds{10});
  EXPECT_TRUE(keeper_->wait_until_fresh(seconds{30}));
  EXPECT_TRUE(keeper_->fresh());
  EXPECT_EQ(announced(), Position{});
}

TEST_F(LeaseKeeperOfANode, BehindTheLog_IsFreshWhenTheReadModelHasCaughtUp) {
  append();
  begin(seconds{10});
  EXPECT_FALSE(keeper_->wait_until_fresh(milliseconds{20}));
  apply();
  EXPECT_TRUE(comes_true([&] { return keeper_->fresh(); }));
}

TEST_F(LeaseKeeperOfANode, WhoseReadModelMoves_TellsTheOthersSoon) {
  begin(seconds{60});
  ASSERT_TRUE(comes_true([&] { return keeper_->fresh(); }));
  for (int i = 0; i < 5; ++i) {
    append();
    apply();
    EXPECT_TRUE(comes_true([&] { return announced() == log_.known_end(); }));
  }
  EXPECT_EQ(keeper_->figures().renewals, 1u);
}

TEST_F(LeaseKeeperOfANode, WithoutABroker_LapsesAndComesBack) {
  begin(milliseconds{300});
  ASSERT_TRUE(comes_true([&] { return keeper_->figures().renewals > 2; }));
  registry_.is_reachable = false;
  EXPECT_TRUE(comes_true([&] { return !keeper_->fresh(); }));
  registry_.is_reachable = true;
  EXPECT_TRUE(comes_true([&] { return keeper_->fresh(); }));
}

TEST_F(LeaseKeeperOfANode, WhoseReadModelHalts_Lapses) {
  begin(milliseconds{300});
  ASSERT_TRUE(comes_true([&] { return keeper_->fresh(); }));
  is_halted_ = true;
  EXPECT_TRUE(comes_true([&] { return !keeper_->fresh(); }));
}

TEST_F(LeaseKeeperOfANode, ThatIsStopped_IsNotFreshAndWithdrawn) {
  begin(seconds{60});
  ASSERT_TRUE(comes_true([&] { return keeper_->fresh(); }));
  keeper_->stop();
  EXPECT_FALSE(keeper_->fresh());
  EXPECT_EQ(announced(), std::nullopt);
  keeper_->stop();
}

TEST_F(LeaseKeeperOfANode, ThatIsStoppedWhileItWaits_IsStoppedSoon) {
  append();
  begin(seconds{60});
  const auto began_at = steady_clock::now();
  keeper_->stop();
  EXPECT_LT(steady_clock::now() - began_at, seconds{5});
  gate_.close();
  begin(seconds{60});
  keeper_->stop();
  EXPECT_LT(steady_clock::now() - began_at, seconds{10});
}

}  // namespace
}  // namespace keyledger::replicas
