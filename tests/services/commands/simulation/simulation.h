#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "services/logging/logger.h"
#include "services/security/key_ring.h"
#include "tests/services/commands/simulation/clients.h"
#include "tests/services/commands/simulation/history.h"
#include "tests/services/commands/simulation/model_pool.h"
#include "tests/services/commands/simulation/plan.h"
#include "tests/services/commands/simulation/random.h"
#include "tests/services/commands/simulation/simulated_cluster.h"
#include "tests/services/commands/simulation/simulated_node.h"
#include "tests/services/commands/simulation/told_log.h"
#include "tests/services/commands/simulation/trace.h"
#include "tests/services/commands/simulation/virtual_time.h"

namespace keyledger::commands::simulation {

/// How much happened, over one run or many.
struct Figures {
  std::size_t runs = 0;
  std::size_t attempts = 0;
  std::size_t acknowledged = 0;
  std::size_t of_unknown_outcome = 0;
  std::size_t lost = 0;
  std::size_t events = 0;
  std::size_t terms = 0;
  std::size_t faults = 0;
  std::size_t fenced_appends = 0;
  std::size_t rejected_runs = 0;
  std::size_t settled_written = 0;
  std::size_t settled_unwritten = 0;

  void add(const Figures& other);
};

/// What outlives a run: it takes longer to make than a run.
struct Workshop {
  ModelPool models;
  security::KeyRing ring = security::KeyRing::generate();
};

/// One run: nodes, their log and their clients, in an order that the seed gives. First with faults;
/// then without, until all that was asked is answered.
class Simulation {
 public:
  struct Options {
    SimulatedCluster::Promises promises = {};
    bool only_usurpations = false;  ///< See Plan.
    bool is_traced = false;
  };

  Simulation(std::uint64_t seed, const Options& options, Workshop& workshop);

  /// What was wrong.
  Wrongs run();

  const Figures& figures() const { return figures_; }

 private:
  void begin_log();
  void act();
  void act_at_node(SimulatedNode& node);
  void make_trouble();
  void elect();
  void usurp(SimulatedNode& from);
  std::size_t find_elected();
  void tell_news();
  void interlude(std::size_t node);
  bool send(std::size_t operation, std::size_t node, Submission submission);
  void answered(std::size_t attempt, std::size_t node, Result<Outcome> outcome);
  void kill(SimulatedNode& node);
  SimulatedNode* any_node();
  bool is_paused(const SimulatedNode& node) const { return time_.now() < node.paused_until; }

  void mend_everything();
  void settle();
  bool is_settled() const;
  void let_pass_until_due();
  void check_idleness();
  void idle_for(std::chrono::seconds time);
  void check();
  void sum_up(const ToldLog& log);

  Random random_;
  VirtualTime time_;
  const Trace trace_;
  const Plan plan_;
  Workshop& workshop_;
  logging::Logger logger_;
  SimulatedCluster cluster_;
  History history_;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;
  Clients clients_;
  int depth_ = 0;
  bool is_mended_ = false;
  std::size_t troubles_ = 0;
  std::vector<std::string> wrongs_;
  Figures figures_;
};

}  // namespace keyledger::commands::simulation
