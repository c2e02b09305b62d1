#include "tests/services/commands/simulation/simulation.h"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace keyledger::commands::simulation {
namespace {

/// A number that the environment gives.
std::optional<std::uint64_t> given(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  return std::stoull(text);
}

void print(const Figures& figures) {
  std::cout << figures.runs << " runs: " << figures.attempts << " attempts, of which "
            << figures.acknowledged << " acknowledged, " << figures.of_unknown_outcome
            << " of unknown outcome, " << figures.lost << " lost; " << figures.events
            << " events of " << figures.terms << " terms; " << figures.faults << " faults, "
            << figures.fenced_appends << " appends fenced, " << figures.rejected_runs
            << " runs rejected; in doubt and settled: " << figures.settled_written << " written, "
            << figures.settled_unwritten << " not\n";
}

/// A sanitizer makes a run several times as long.
constexpr std::uint64_t kShare =
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    10;
#else
    1;
#endif

class LeaderSimulation : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LeaderSimulation, KeepsAllPromises) {
  Workshop workshop;
  if (const auto seed = given("SIMULATION_SEED")) {
    Simulation simulation(*seed, {.is_traced = true}, workshop);
    for (const auto& wrong : simulation.run()) ADD_FAILURE() << wrong;
    return print(simulation.figures());
  }
  const std::uint64_t seeds = given("SIMULATION_SEEDS").value_or(600 / kShare);
  Figures figures;
  for (std::uint64_t i = 0; i < seeds && !HasFailure(); ++i) {
    const std::uint64_t seed = GetParam() * 1'000'000 + i;
    Simulation simulation(seed, {}, workshop);
    for (const auto& wrong : simulation.run()) {
      ADD_FAILURE() << wrong << "\nTo read what happened: SIMULATION_SEED=" << seed;
    }
    figures.add(simulation.figures());
  }
  EXPECT_EQ(figures.rejected_runs, 0u);
  print(figures);
}

INSTANTIATE_TEST_SUITE_P(Part, LeaderSimulation, testing::Range<std::uint64_t>(1, 5));

TEST(LeaderSimulationWithoutFencing, HasRunsThatTheFoldRejectsAndStillLosesNothing) {
  Workshop workshop;
  Figures figures;
  for (std::uint64_t seed = 0; seed < 400 / kShare; ++seed) {
    Simulation simulation(seed, {.promises = {.fences = false}}, workshop);
    for (const auto& wrong : simulation.run()) ADD_FAILURE() << wrong << " (seed " << seed << ')';
    figures.add(simulation.figures());
  }
  EXPECT_GT(figures.rejected_runs, 0u);
  print(figures);
}

/// A log that breaks one promise: nothing that a Leader does makes up for it.
struct BrokenLog {
  const char* name;
  SimulatedCluster::Promises promises;
  bool only_usurpations = false;  ///< What shows it soonest.
};

class LeaderSimulationOnABrokenLog : public testing::TestWithParam<BrokenLog> {};

TEST_P(LeaderSimulationOnABrokenLog, FindsThatSomethingIsWrong) {
  const BrokenLog& broken = GetParam();
  Workshop workshop;
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    Simulation simulation(
        seed, {.promises = broken.promises, .only_usurpations = broken.only_usurpations}, workshop);
    const Wrongs wrongs = simulation.run();
    if (wrongs.empty()) continue;
    std::cout << "Found by seed " << seed << ": " << wrongs.front() << '\n';
    return;
  }
  FAIL() << "it goes unnoticed";
}

INSTANTIATE_TEST_SUITE_P(
    That, LeaderSimulationOnABrokenLog,
    testing::Values(BrokenLog{"LeavesAppendsOpenAfterATakeOver", {.settles = false}},
                    BrokenLog{"SaysUnavailableOfWhatLanded", {.is_honest = false}},
                    BrokenLog{"ShowsNotAllAfterATakeOver", {.shows_all = false}},
                    BrokenLog{"DoesNotKnowItsEnd", {.knows_its_end = false}, true}),
    [](const auto& broken) { return broken.param.name; });

}  // namespace
}  // namespace keyledger::commands::simulation
