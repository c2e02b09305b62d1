#include "tests/contract/replica_registry_contract.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Replica replica(std::string node, std::uint64_t position) {
  return {std::move(node), Position{position}, milliseconds{10'000}, "http://192.0.2.1:8080",
          "query,verify"};
}

std::vector<KnownReplica> all(ReplicaRegistry& registry) { return must(registry.read_to_end()); }

std::vector<Replica> replicas(ReplicaRegistry& registry) {
  std::vector<Replica> found;
  for (auto& known : all(registry)) found.push_back(std::move(known.replica));
  return found;
}

/// Waits until `condition` holds.
template <typename Condition>
testing::AssertionResult comes_true(Condition condition) {
  const auto deadline = steady_clock::now() + std::chrono::seconds{20};
  while (!condition()) {
    if (steady_clock::now() > deadline) return testing::AssertionFailure() << "it didn't";
    std::this_thread::yield();
  }
  return testing::AssertionSuccess();
}

TEST_P(ReplicaRegistryContract, WithNothingAnnounced_IsEmpty) {
  const auto registry = open();
  EXPECT_TRUE(all(*registry).empty());
}

TEST_P(ReplicaRegistryContract, WhatWasAnnounced_IsThereAsItWasAnnounced) {
  const auto registry = open();
  must(registry->announce(replica("a", 7)));
  EXPECT_EQ(replicas(*registry), std::vector{replica("a", 7)});
}

TEST_P(ReplicaRegistryContract, WhatWasAnnounced_IsInTheNextReadOfAnother) {
  const auto writer = open();
  const auto reader = open();
  for (std::uint64_t position = 1; position <= 50; ++position) {
    must(writer->announce(replica("a", position)));
    ASSERT_EQ(replicas(*reader), std::vector{replica("a", position)});
  }
}

TEST_P(ReplicaRegistryContract, WhatWasAnnounced_IsThereForWhoOpensItLater) {
  const auto writer = open();
  must(writer->announce(replica("a", 7)));
  must(writer->announce(replica("a", 8)));
  EXPECT_EQ(replicas(*open()), std::vector{replica("a", 8)});
}

TEST_P(ReplicaRegistryContract, OfSeveralNodes_HasEach) {
  const auto first = open();
  const auto second = open();
  must(second->announce(replica("b", 2)));
  must(first->announce(replica("a", 1)));
  EXPECT_EQ(replicas(*first), (std::vector{replica("a", 1), replica("b", 2)}));
  EXPECT_EQ(replicas(*second), (std::vector{replica("a", 1), replica("b", 2)}));
}

TEST_P(ReplicaRegistryContract, AnyTextInAReplica_ComesBack) {
  const auto registry = open();
  const Replica odd{"n\"ö\n\\", Position{1}, milliseconds{1}, "\xF0\x9F\x94\x91", ""};
  must(registry->announce({odd.node, Position{1}, milliseconds{9'000}, odd.url, odd.roles}));
  EXPECT_EQ(replicas(*registry).at(0).node, odd.node);
  EXPECT_EQ(replicas(*registry).at(0).url, odd.url);
}

TEST_P(ReplicaRegistryContract, WhatWasWithdrawn_IsGone) {
  const auto writer = open();
  const auto reader = open();
  must(writer->announce(replica("a", 7)));
  must(writer->announce(replica("b", 7)));
  must(writer->withdraw("a"));
  EXPECT_EQ(replicas(*reader), std::vector{replica("b", 7)});
  EXPECT_EQ(replicas(*open()), std::vector{replica("b", 7)});
}

TEST_P(ReplicaRegistryContract, WhatWasNeverAnnounced_CanBeWithdrawn) {
  const auto registry = open();
  must(registry->withdraw("a"));
  EXPECT_TRUE(all(*registry).empty());
}

TEST_P(ReplicaRegistryContract, AfterAWithdrawal_CanAnnounceAgain) {
  const auto registry = open();
  must(registry->announce(replica("a", 7)));
  must(registry->withdraw("a"));
  must(registry->announce(replica("a", 8)));
  EXPECT_EQ(replicas(*registry), std::vector{replica("a", 8)});
}

TEST_P(ReplicaRegistryContract, ARestartedNode_IsBesideItsEarlierRun) {
  const auto before = open();
  const auto after = open();
  must(before->announce(replica("a", 7)));
  must(after->announce(replica("a", 5)));
  const auto both = all(*after);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_NE(both[0].run, both[1].run);
  EXPECT_NE(both[0].is_own, both[1].is_own);
  EXPECT_EQ(both[both[0].is_own ? 0 : 1].replica.position, Position{5});
}

TEST_P(ReplicaRegistryContract, ALateWithdrawalOfAnEarlierRun_LeavesTheNewOne) {
  const auto before = open();
  const auto after = open();
  must(before->announce(replica("a", 7)));
  must(after->announce(replica("a", 5)));
  must(before->withdraw("a"));
  EXPECT_EQ(replicas(*open()), std::vector{replica("a", 5)});
}

TEST_P(ReplicaRegistryContract, EachRecord_IsReadAfterItWasWritten) {
  const auto writer = open();
  const auto reader = open();
  for (std::uint64_t position = 1; position <= 20; ++position) {
    const auto sent_at = BootClock::now();
    must(writer->announce(replica("a", position)));
    const auto known = all(*reader);
    ASSERT_EQ(known.size(), 1u);
    EXPECT_GE(known[0].read_at, sent_at);
    EXPECT_LE(known[0].read_at, BootClock::now());
    EXPECT_FALSE(known[0].is_own);
  }
}

TEST_P(ReplicaRegistryContract, WhoListens_IsToldOfEachChange) {
  const auto writer = open();
  const auto reader = open();
  all(*reader);
  std::atomic<int> told{0};
  reader->on_change([&] { ++told; });
  for (std::uint64_t position = 1; position <= 10; ++position) {
    const int before = told;
    must(writer->announce(replica("a", position)));
    ASSERT_TRUE(comes_true([&] { return told > before; }));
    ASSERT_TRUE(comes_true([&] {
      const auto known = must(reader->known());
      return !known.empty() && known[0].replica.position == Position{position};
    }));
  }
  const int before = told;
  must(writer->withdraw("a"));
  ASSERT_TRUE(comes_true([&] { return told > before && must(reader->known()).empty(); }));
  reader->on_change(nullptr);
  const int last = told;
  must(writer->announce(replica("a", 11)));
  all(*reader);
  EXPECT_EQ(told, last);
}

TEST_P(ReplicaRegistryContract, FromSeveralThreads_KeepsItsPromise) {
  const auto registry = open();
  const auto reader = open();
  std::atomic<bool> is_good{true};
  std::vector<std::jthread> threads;
  for (const char* node : {"a", "b", "c"}) {
    threads.emplace_back([&, node] {
      for (std::uint64_t position = 1; position <= 20; ++position) {
        const bool announced = registry->announce(replica(node, position)).has_value();
        const auto known = reader->read_to_end();
        const bool is_there = known && std::ranges::any_of(*known, [&](const KnownReplica& it) {
                                return it.replica == replica(node, position);
                              });
        if (!announced || !is_there) is_good = false;
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(is_good);
}

}  // namespace
}  // namespace keyledger::log
