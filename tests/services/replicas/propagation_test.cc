#include "services/replicas/propagation.h"

#include <chrono>
#include <future>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "tests/services/replicas/virtual_clock.h"
#include "tests/support/memory_replicas.h"

namespace keyledger::replicas {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Position kBefore{49};
constexpr Position kChange{50};
constexpr seconds kLease{10};
constexpr seconds kLong{3'600};
using Nodes = std::vector<std::string>;

/// A node that waits for others, which announce what the tests tell them to.
class PropagationOfAChange : public testing::Test {
 protected:
  PropagationOfAChange() : thread_([this] { io_.run(); }) {}
  ~PropagationOfAChange() override {
    propagation_.reset();
    work_.reset();
    thread_.join();
  }

  std::future<Spread> start(Position position, nanoseconds patience = kLong) {
    return boost::asio::co_spawn(io_, propagation_->applied_everywhere(position, patience),
                                 boost::asio::use_future);
  }

  /// Waits until the registry has been read once more from now on, and all was judged by that.
  void settle() {
    // A wait for what everybody has ends no sooner.
    EXPECT_TRUE(result(start(Position{})).applied_everywhere);
  }

  static Spread result(std::future<Spread> spread) {
    if (spread.wait_for(seconds{60}) != std::future_status::ready) {
      ADD_FAILURE() << "there was no answer";
      return {};
    }
    return spread.get();
  }

  static bool is_waiting(const std::future<Spread>& spread) {
    return spread.wait_for(seconds{0}) == std::future_status::timeout;
  }

  static void announce(log::MemoryReplicas& replica, std::string node, Position position) {
    ASSERT_TRUE(replica.announce({std::move(node), position, kLease, "", ""}));
  }

  VirtualClock clock_;
  log::ReplicaTopic topic_;
  log::MemoryReplicas own_{topic_, "own", clock_.reader()};
  log::MemoryReplicas first_{topic_, "first", clock_.reader()};
  log::MemoryReplicas second_{topic_, "second", clock_.reader()};
  logging::Logger logger_{logging::Level::error};
  std::optional<Propagation> propagation_{
      std::in_place, own_, logger_, Propagation::Options{.max_waiting = 3, .now = clock_.reader()}};
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::thread thread_;
};

TEST_F(PropagationOfAChange, WithNoOtherNode_IsEverywhereAtOnce) {
  EXPECT_TRUE(result(start(kChange)).applied_everywhere);
  announce(own_, "own", kBefore);
  EXPECT_TRUE(result(start(kChange)).applied_everywhere) << "this node has applied it";
  EXPECT_EQ(propagation_->stats().everywhere, 2u);
}

TEST_F(PropagationOfAChange, ThatEverybodyHas_IsEverywhereAtOnce) {
  announce(first_, "a", kChange);
  announce(second_, "b", Position{kChange.value + 1});
  EXPECT_TRUE(result(start(kChange)).applied_everywhere);
}

TEST_F(PropagationOfAChange, IsEverywhereWhenTheLastReplicaSaysThatItHasIt) {
  announce(first_, "a", kBefore);
  announce(second_, "b", kBefore);
  auto spread = start(kChange);
  settle();
  announce(first_, "a", kChange);
  settle();
  EXPECT_TRUE(is_waiting(spread));
  announce(second_, "b", kChange);
  EXPECT_TRUE(result(std::move(spread)).applied_everywhere);
}

TEST_F(PropagationOfAChange, WithAReplicaThatDoesNotApplyIt_NamesItWhenTheTimeIsUp) {
  announce(first_, "a", kChange);
  announce(second_, "b", kBefore);
  const Spread spread = result(start(kChange, milliseconds{50}));
  EXPECT_FALSE(spread.applied_everywhere);
  EXPECT_EQ(spread.missing, Nodes{"b"});
  EXPECT_EQ(propagation_->stats().not_everywhere, 1u);
}

TEST_F(PropagationOfAChange, WithADeadReplica_TakesOneLeaseAndNoMore) {
  announce(first_, "a", kBefore);
  auto spread = start(kChange);
  settle();
  clock_.advance(kLease - nanoseconds{1});
  own_.touch();
  settle();
  EXPECT_TRUE(is_waiting(spread));
  clock_.advance(nanoseconds{1});
  own_.touch();
  EXPECT_TRUE(result(std::move(spread)).applied_everywhere);
}

TEST_F(PropagationOfAChange, WithADeadReplica_EndsByItselfWhenTheLeaseDoes) {
  log::MemoryReplicas own_by_real_time(topic_, "own-by-real-time");
  propagation_.emplace(own_by_real_time, logger_);
  const auto began_at = std::chrono::steady_clock::now();
  constexpr milliseconds kShort{300};
  ASSERT_TRUE(first_.announce({"a", kBefore, kShort, "", ""}));
  EXPECT_TRUE(result(start(kChange)).applied_everywhere);
  EXPECT_GE(std::chrono::steady_clock::now() - began_at, kShort);
  propagation_.reset();
}

TEST_F(PropagationOfAChange, WithAReplicaThatRenewsItsLeaseWithoutApplying_IsNotEverywhere) {
  announce(first_, "a", kBefore);
  auto spread = start(kChange);
  settle();
  for (int i = 0; i < 10; ++i) {
    clock_.advance(kLease / 3);
    announce(first_, "a", kBefore);
    settle();
    ASSERT_TRUE(is_waiting(spread));
  }
  announce(first_, "a", kChange);
  EXPECT_TRUE(result(std::move(spread)).applied_everywhere);
}

TEST_F(PropagationOfAChange, WhenAReplicaStopsCleanly_WaitsForItNoMore) {
  announce(first_, "a", kBefore);
  auto spread = start(kChange);
  settle();
  ASSERT_TRUE(first_.withdraw("a"));
  EXPECT_TRUE(result(std::move(spread)).applied_everywhere);
}

TEST_F(PropagationOfAChange, ReadsTheRegistryToAnEndThatItAsksForAfterTheChange) {
  own_.is_following = false;
  announce(first_, "a", kBefore);
  auto spread = start(kChange);
  settle();
  EXPECT_TRUE(is_waiting(spread)) << "it had not read of the replica before";
  announce(first_, "a", kChange);
  own_.read();
  own_.touch();
  EXPECT_TRUE(result(std::move(spread)).applied_everywhere);
}

TEST_F(PropagationOfAChange, ForWhomTheRegistryIsBeingReadAlready_ReadsItAgain) {
  own_.is_following = false;
  // The first read has its end already when the others come.
  std::latch is_reading{1};
  std::latch goes_on{1};
  int reads = 0;
  own_.after_read = [&] {
    if (++reads > 1) return;
    is_reading.count_down();
    goes_on.wait();
  };
  auto earlier = start(kChange);
  is_reading.wait();
  announce(first_, "a", kBefore);
  auto later = start(kChange, milliseconds{500});
  goes_on.count_down();
  EXPECT_TRUE(result(std::move(earlier)).applied_everywhere) << "it came before the replica did";
  const Spread spread = result(std::move(later));
  EXPECT_FALSE(spread.applied_everywhere);
  EXPECT_EQ(spread.missing, Nodes{"a"});
}

TEST_F(PropagationOfAChange, WithoutABroker_IsNotKnownToBeEverywhere) {
  announce(first_, "a", kChange);
  announce(second_, "b", kBefore);
  own_.is_reachable = false;
  const Spread spread = result(start(kChange, milliseconds{50}));
  EXPECT_FALSE(spread.applied_everywhere);
  EXPECT_EQ(spread.missing, Nodes{"b"});
  EXPECT_FALSE(result(start(Position{1}, milliseconds{50})).applied_everywhere);
}

TEST_F(PropagationOfAChange, WhenTheBrokerIsBack_GoesOn) {
  own_.is_reachable = false;
  auto spread = start(kChange);
  EXPECT_FALSE(result(start(kChange, milliseconds{50})).applied_everywhere);
  own_.is_reachable = true;
  EXPECT_TRUE(result(std::move(spread)).applied_everywhere);
}

TEST_F(PropagationOfAChange, WithNoPatience_SaysWhatItKnows) {
  announce(first_, "a", kBefore);
  own_.is_reachable = false;
  const Spread spread = result(start(kChange, seconds{0}));
  EXPECT_FALSE(spread.applied_everywhere);
  EXPECT_EQ(spread.missing, Nodes{"a"});
}

TEST_F(PropagationOfAChange, TwoWaits_EndEachByItsOwnPosition) {
  announce(first_, "a", kBefore);
  auto earlier = start(kChange);
  auto later = start(Position{kChange.value + 1});
  settle();
  announce(first_, "a", kChange);
  EXPECT_TRUE(result(std::move(earlier)).applied_everywhere);
  settle();
  EXPECT_TRUE(is_waiting(later));
  announce(first_, "a", Position{kChange.value + 1});
  EXPECT_TRUE(result(std::move(later)).applied_everywhere);
}

TEST_F(PropagationOfAChange, BeyondTheBound_SaysAtOnceThatItIsNotKnown) {
  announce(first_, "a", kBefore);
  std::vector<std::future<Spread>> waits;
  for (int i = 0; i < 2; ++i) waits.push_back(start(kChange));
  settle();
  waits.push_back(start(kChange));
  const Spread spread = result(start(kChange));
  EXPECT_FALSE(spread.applied_everywhere);
  EXPECT_EQ(spread.missing, Nodes{"a"});
  announce(first_, "a", kChange);
  for (auto& wait : waits) EXPECT_TRUE(result(std::move(wait)).applied_everywhere);
  EXPECT_TRUE(result(start(kChange)).applied_everywhere);
}

TEST_F(PropagationOfAChange, ThatIsStopped_EndsAllWaits) {
  announce(first_, "a", kBefore);
  auto spread = start(kChange);
  settle();
  propagation_->stop();
  const Spread stopped = result(std::move(spread));
  EXPECT_FALSE(stopped.applied_everywhere);
  EXPECT_EQ(stopped.missing, Nodes{"a"});
  EXPECT_FALSE(result(start(kChange)).applied_everywhere);
}

TEST_F(PropagationOfAChange, WhoseWaitIsDropped_ForgetsIt) {
  announce(first_, "a", kBefore);
  {
    boost::asio::io_context gone;
    const auto dropped = boost::asio::co_spawn(
        gone, propagation_->applied_everywhere(kChange, kLong), boost::asio::use_future);
    gone.poll();
  }
  announce(first_, "a", kChange);
  EXPECT_TRUE(result(start(kChange)).applied_everywhere);
}

}  // namespace
}  // namespace keyledger::replicas
