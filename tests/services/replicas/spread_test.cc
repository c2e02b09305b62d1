#include "services/replicas/spread.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/services/replicas/virtual_clock.h"

namespace keyledger::replicas {
namespace {

using std::chrono::seconds;

constexpr Position kChange{50};
constexpr VirtualClock::TimePoint kRead{seconds{1'000}};

log::KnownReplica known(std::string node, std::uint64_t position, seconds lease = seconds{10}) {
  return {{std::move(node), Position{position}, lease, "", ""}, "run", kRead, {}, false};
}

/// `spread` of the replicas so long after they were read, and when that may change by itself.
struct Judged {
  Spread spread;
  std::optional<VirtualClock::TimePoint> next_lapse;
};

Judged judged(const std::vector<log::KnownReplica>& replicas, seconds after = seconds{0}) {
  Judged judged;
  judged.spread = judge(replicas, kChange, kRead + after, judged.next_lapse);
  return judged;
}

using Nodes = std::vector<std::string>;

TEST(Spread, WithNoReplica_IsEverywhere) {
  EXPECT_TRUE(judged({}).spread.applied_everywhere);
  EXPECT_FALSE(judged({}).next_lapse);
}

TEST(Spread, WithReplicasThatHaveIt_IsEverywhere) {
  const auto it = judged({known("a", 50), known("b", 51)});
  EXPECT_TRUE(it.spread.applied_everywhere);
  EXPECT_EQ(it.spread.missing, Nodes{});
}

TEST(Spread, WithReplicasThatLackIt_NamesThemInOrder) {
  const auto it = judged({known("c", 49), known("b", 50), known("a", 0)});
  EXPECT_FALSE(it.spread.applied_everywhere);
  EXPECT_EQ(it.spread.missing, (Nodes{"a", "c"}));
}

TEST(Spread, OfAReplicaWhoseLeaseRanOut_DoesNotCountIt) {
  const std::vector replicas{known("a", 49)};
  EXPECT_FALSE(judged(replicas, seconds{9}).spread.applied_everywhere);
  EXPECT_TRUE(judged(replicas, seconds{10}).spread.applied_everywhere);
}

TEST(Spread, MayChangeWhenTheFirstLeaseEnds) {
  const std::vector replicas{known("a", 49, seconds{20}), known("b", 49),
                             known("c", 50, seconds{1})};
  EXPECT_EQ(judged(replicas).next_lapse, kRead + seconds{10});
  EXPECT_EQ(judged(replicas, seconds{10}).next_lapse, kRead + seconds{20});
  EXPECT_EQ(judged(replicas, seconds{20}).next_lapse, std::nullopt);
}

TEST(Spread, IsNeverMissingHere) {
  std::vector replicas{known("a", 49)};
  replicas[0].is_own = true;
  EXPECT_TRUE(judged(replicas).spread.applied_everywhere);
}

TEST(Spread, WithTwoRunsOfOneNode_CountsEachAndNamesItOnce) {
  EXPECT_EQ(judged({known("a", 49), known("a", 50)}).spread.missing, Nodes{"a"});
  EXPECT_EQ(judged({known("a", 49), known("a", 48)}).spread.missing, Nodes{"a"});
}

}  // namespace
}  // namespace keyledger::replicas
