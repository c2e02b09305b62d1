#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/replicas/lease.h"
#include "services/replicas/spread.h"
#include "tests/support/memory_replicas.h"

namespace keyledger::replicas {
namespace {

// Random interleavings of replicas that join, lag, pause, are cut off, stop, crash and are
// replaced, of changes, and of who waits for those: once a change was said to be applied
// everywhere, no replica whose permission holds lacks it.

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using TimePoint = log::BootClock::time_point;

constexpr milliseconds kLength{10'000};
constexpr std::uint64_t kSeeds = 400;
constexpr int kActions = 3'000;
/// How deep things may happen inside of what blocks.
constexpr int kDepth = 3;

/// A machine's clock, which drifts a little. Two may be apart by less than the lease's margin.
struct MachineClock {
  const nanoseconds* time;
  nanoseconds started;
  double rate;

  TimePoint now() const {
    const auto passed = static_cast<double>((*time - started).count()) * rate;
    return TimePoint(nanoseconds(static_cast<nanoseconds::rep>(passed)));
  }
};

class World;

/// A run of a validating node.
struct Process {
  Process(World& world, std::string name, int run, MachineClock its_clock, Position starts_at);

  std::string node;
  MachineClock clock;
  log::MemoryReplicas registry;
  Position applied;
  bool is_halted = false;
  bool is_paused = false;
  bool is_busy = false;  ///< In a call that blocks.
  Lease lease;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    waiting_.is_following = false;
    waiting_.after_read = [this] { some_actions(); };
    for (int i = 0; i < 3; ++i) start("node-" + std::to_string(i));
  }

  void act();
  /// Things that happen while somebody is in a call that blocks.
  void some_actions() {
    if (depth_ == kDepth) return;
    ++depth_;
    for (auto i = below(4); i > 0; --i) act();
    --depth_;
  }

  /// All is well again, for a while.
  void heal();

  Position end() const { return end_; }
  log::ReplicaTopic& topic() { return topic_; }
  bool is_cut_off(const std::string& node) const {
    return std::ranges::find(cut_off_, node) != cut_off_.end();
  }

  std::size_t promises() const { return promises_; }
  std::size_t waits() const { return waits_.size(); }
  std::size_t violations() const { return violations_; }
  /// How often a promise was made while some replica, which was paused or behind, lacked the
  /// change.
  std::size_t hard_promises() const { return hard_promises_; }
  std::size_t holding() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(processes_, [](const auto& it) { return it->lease.holds(); }));
  }

 private:
  struct Wait {
    Position position;
    bool is_asked = false;
    bool has_read = false;
  };

  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
  }

  MachineClock machine() {
    return {&time_, time_ - seconds{1'000},
            std::uniform_real_distribution(0.9952, 1.0048)(random_)};
  }

  void start(const std::string& node) {
    const Position from{below(2) == 0 ? end_.value : below(end_.value + 1)};
    processes_.push_back(std::make_unique<Process>(*this, node, ++runs_, machine(), from));
  }

  Process& any() { return *processes_[below(processes_.size())]; }

  void step(Process& process);
  void apply(Process& process) {
    if (!process.is_paused && !process.is_halted) {
      process.applied.value += below(end_.value - process.applied.value + 1);
    }
  }
  void trouble(Process& process);
  void commit();
  void read_registry();
  void judge_waits();
  void check();

  std::mt19937_64 random_;
  nanoseconds time_ = seconds{5'000};
  log::ReplicaTopic topic_;
  Position end_{10};
  std::vector<std::string> cut_off_;
  std::vector<std::unique_ptr<Process>> processes_;
  int runs_ = 0;
  int depth_ = 0;

  MachineClock waiting_clock_ = machine();
  log::MemoryReplicas waiting_{topic_, "waits", [this] { return waiting_clock_.now(); }};
  bool is_reading_ = false;
  std::vector<Wait> waits_;
  Position promised_;
  std::size_t promises_ = 0;
  std::size_t hard_promises_ = 0;
  std::size_t violations_ = 0;
};

Process::Process(World& world, std::string name, int run, MachineClock its_clock,
                 Position starts_at)
    : node(std::move(name)),
      clock(its_clock),
      registry(world.topic(), "run-" + std::to_string(run), [this] { return clock.now(); }),
      applied(starts_at),
      lease({registry,
             [this, &world]() -> Result<Position> {
               world.some_actions();
               if (world.is_cut_off(node)) return fail(Errc::unavailable, "cut off");
               const Position end = world.end();
               world.some_actions();
               return end;
             },
             [this] { return applied; }, [this] { return is_halted; }},
            {.node = node, .length = kLength, .now = [this] { return clock.now(); }}) {
  registry.is_following = false;
  registry.before_write = [this, &world] {
    world.some_actions();
    registry.is_reachable = !world.is_cut_off(node);
  };
  registry.after_write = [&world] { world.some_actions(); };
}

void World::step(Process& process) {
  if (process.is_paused || process.is_busy) return;
  process.is_busy = true;
  process.registry.loses_answers = below(10) == 0;
  process.lease.step();
  process.is_busy = false;
}

void World::trouble(Process& process) {
  switch (below(8)) {
    case 0:
      process.is_paused = true;
      return;
    case 1:
    case 2:
      process.is_paused = false;
      return;
    case 3:
      if (!is_cut_off(process.node)) cut_off_.push_back(process.node);
      return;
    case 4:
      std::erase(cut_off_, process.node);
      return;
    case 5:
      process.is_halted = below(2) == 0;
      return;
    case 6:  // Another run of it is started, while this one may still be there.
      if (processes_.size() < 6) start(process.node);
      return;
    default:
      if (process.is_busy || processes_.size() < 3) return;
      if (below(2) == 0 && !process.is_paused) (void)process.lease.end();
      std::erase_if(processes_, [&](const auto& it) { return it.get() == &process; });
  }
}

void World::commit() {
  ++end_.value;
  if (waits_.size() < 5) waits_.push_back({end_});
}

void World::read_registry() {
  if (is_reading_) return;
  is_reading_ = true;
  for (Wait& wait : waits_) wait.is_asked = true;
  const bool has_read = waiting_.read_to_end().has_value();
  for (Wait& wait : waits_) wait.has_read |= wait.is_asked && has_read;
  is_reading_ = false;
}

void World::judge_waits() {
  const auto known = waiting_.known().value();
  std::erase_if(waits_, [&](const Wait& wait) {
    std::optional<TimePoint> next_lapse;
    if (!wait.has_read) return false;
    if (!judge(known, wait.position, waiting_clock_.now(), next_lapse).applied_everywhere) {
      return false;
    }
    promised_ = std::max(promised_, wait.position);
    ++promises_;
    hard_promises_ += std::ranges::any_of(
        processes_, [&](const auto& it) { return it->applied < wait.position; });
    return true;
  });
}

void World::check() {
  for (const auto& process : processes_) {
    violations_ += process->lease.holds() && process->applied < promised_;
  }
}

void World::act() {
  const auto kind = below(20);
  if (kind < 7) {
    step(any());
  } else if (kind < 10) {
    apply(any());
  } else if (kind < 12) {
    time_ += milliseconds(below(3) == 0 ? below(4'000) : below(60));
  } else if (kind < 14) {
    commit();
  } else if (kind < 15) {
    if (below(3) == 0) trouble(any());
  } else if (kind < 16) {
    read_registry();
  } else if (kind < 18) {
    if (!is_reading_) waiting_.read();
  } else {
    judge_waits();
  }
  check();
}

void World::heal() {
  cut_off_.clear();
  for (const auto& process : processes_) {
    process->is_paused = false;
    process->is_halted = false;
  }
  depth_ = kDepth;  // Nothing happens inside of calls.
  for (int i = 0; i < 2'000; ++i) {
    for (const auto& process : processes_) {
      process->applied = end_;
      step(*process);
    }
    time_ += milliseconds{20};
    read_registry();
    judge_waits();
    check();
  }
  depth_ = 0;
}

TEST(Revocation, ThatWasSaidToBeAppliedEverywhere_IsKnownToWhoeverMayValidate) {
  std::size_t promises = 0;
  std::size_t hard_promises = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int i = 0; i < kActions; ++i) world.act();
    ASSERT_EQ(world.violations(), 0u);
    promises += world.promises();
    hard_promises += world.hard_promises();
    world.heal();
    ASSERT_EQ(world.violations(), 0u);
    ASSERT_EQ(world.waits(), 0u) << "a wait doesn't end though all is well";
    ASSERT_GE(world.holding(), 2u) << "replicas don't validate though all is well";
  }
  std::cout << promises << " promises, " << hard_promises
            << " of them beside a replica that lacked "
            << "the change\n";
  EXPECT_GT(promises, kSeeds);
  EXPECT_GT(hard_promises, kSeeds / 2);
}

}  // namespace
}  // namespace keyledger::replicas
