#pragma once

#include <cstddef>

#include "tests/services/commands/simulation/random.h"
#include "tests/services/commands/simulation/simulated_cluster.h"

namespace keyledger::commands::simulation {

/// What may happen in one run, and how often. Most runs know a few kinds of faults only, so that
/// one kind doesn't hide what another would show.
struct Plan {
  static Plan drawn(Random& random) {
    Plan plan{.nodes = random.between(1, 4),
              .clients = random.between(1, 8),
              .actions = random.between(200, 800),
              .has_begun = random.chance(0.5)};
    const auto some = [&](double share) { return random.chance(0.4) ? share : 0.0; };
    plan.appends.refused = some(0.05);
    plan.appends.lost = some(0.05);
    plan.appends.landed = some(0.05);
    plan.appends.open = some(0.08);
    plan.appends.failed_take_over = some(0.2);
    plan.interlude = some(0.08);
    plan.kill_in_interlude = some(0.2);
    plan.kill = some(0.01);
    plan.pause = some(0.02);
    plan.deafness = some(0.02);
    plan.outage = some(0.01);
    plan.election = some(0.03);
    plan.usurpation = some(0.02);
    plan.clock = some(0.01);
    plan.long_wait = some(0.02);
    plan.spurious_step = some(0.05);
    return plan;
  }

  /// Nothing fails, but there are two who lead again and again.
  static Plan of_usurpations(Random& random) {
    return {.nodes = 2,
            .clients = random.between(2, 8),
            .actions = 800,
            .has_begun = true,
            .usurpation = 0.03};
  }

  std::size_t nodes = 1;
  std::size_t clients = 1;
  std::size_t actions = 0;
  bool has_begun = false;  ///< The log, before anything fails.
  SimulatedCluster::Faults appends = {};

  // In which share of all calls of the cluster
  double interlude = 0;          ///< others act while the caller waits,
  double kill_in_interlude = 0;  ///< and in which share of these it is killed.

  // In which share of all actions
  double kill = 0;           ///< a node is killed,
  double pause = 0;          ///< or stopped for a while,
  double deafness = 0;       ///< or receives nothing for a while;
  double outage = 0;         ///< the cluster goes away;
  double election = 0;       ///< others are elected: one, several or nobody;
  double usurpation = 0;     ///< one more is elected, and who was doesn't hear of it;
  double clock = 0;          ///< a clock is set;
  double long_wait = 0;      ///< seconds pass;
  double spurious_step = 0;  ///< a Leader goes on without what it waits for.
};

}  // namespace keyledger::commands::simulation
