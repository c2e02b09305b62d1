#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projections/projector.h"
#include "services/commands/command_queue.h"
#include "services/commands/leader.h"
#include "services/logging/logger.h"
#include "services/security/key_ring.h"
#include "tests/services/commands/simulation/model_pool.h"
#include "tests/services/commands/simulation/simulated_cluster.h"
#include "tests/services/commands/simulation/simulated_log.h"
#include "tests/services/commands/simulation/trace.h"
#include "tests/services/commands/simulation/virtual_time.h"

namespace keyledger::commands::simulation {

/// Above all levels: what a node logs is expected here.
inline constexpr auto kNoLevel = static_cast<logging::Level>(4);

/// Thrown by an interlude: the process that it happens in is killed.
struct Killed {};

/// A command node: a Leader with its queue, a read model and its projector, of which each does
/// something when the simulation says so. Waits take no time here: step() is due when one is over.
class SimulatedNode {
 public:
  /// What all nodes have in common. The Trace tells what the nodes log too.
  struct World {
    SimulatedCluster& cluster;
    VirtualTime& time;
    const Trace& trace;
    const security::KeyRing& ring;
    logging::Logger& logger;
  };

  /// `interlude` is what happens elsewhere while this node waits for the cluster.
  SimulatedNode(std::size_t number, const World& world, ModelPool::Lease model,
                std::function<void()> interlude);
  ~SimulatedNode();
  SimulatedNode(const SimulatedNode&) = delete;
  SimulatedNode& operator=(const SimulatedNode&) = delete;

  std::size_t number() const { return number_; }

  /// A process of the node begins, unless the cluster is away: then it ends at once.
  void start();
  /// The process ends in the middle of everything. Not in a step: see Killed.
  void kill();
  /// The read model's files are gone. While it is down.
  void lose_model() { empty(*model_); }
  bool is_up() const { return process_ != nullptr; }
  /// Whether it is in a step, which an interlude is a part of.
  bool is_in_step() const { return is_in_step_; }

  void elect(bool is_elected);
  bool is_elected() const;

  void submit(Pending pending);

  /// Whether what its Leader waits for has come.
  bool is_due() const;
  /// When a wait ends by itself; none where it isn't up.
  std::optional<VirtualTime::TimePoint> due_at() const;
  /// A step of its Leader, due or not. False: it was Killed in it, and kill() comes next.
  bool step();
  /// Its tail receives more, and its projector applies that.
  void receive(std::size_t transactions);
  /// Answers what may take long, if anything.
  void run_task();

  bool is_at_end() const;
  bool has_tasks() const;
  bool leads() const;
  bool has_unanswered() const;
  Position position() const;

  const projections::ReadModel& model() const { return *model_; }
  const Leader::Stats& stats() const;
  Clocks clocks() const { return world_.time.clocks(clock_ahead); }

  /// How far ahead its wall clock is.
  std::chrono::microseconds clock_ahead{};
  /// What it is to hear about its election, and when.
  struct News {
    bool is_elected = false;
    VirtualTime::TimePoint at;
  };
  std::optional<News> news;
  /// Until when nothing of it runs: neither its Leader nor its projector.
  VirtualTime::TimePoint paused_until;
  /// In which share of all that happens at it something is received, the rest being steps.
  double receptions = 0.4;
  /// Until when its tail receives nothing.
  VirtualTime::TimePoint deaf_until;

  /// Of all its processes.
  struct Record {
    std::uint64_t rejected_runs = 0;
    std::uint64_t steps = 0;
    std::uint64_t settled_written = 0;
    std::uint64_t settled_unwritten = 0;
    std::vector<std::string> wrongs;  ///< What no node may do.
  };
  const Record& record() const { return record_; }

 private:
  struct Process;

  /// What a step must have changed if there is nothing to wait for after it.
  struct Progress {
    Leader::State state = Leader::State::follower;
    std::size_t committed = 0;
    std::uint64_t commands = 0;
    bool operator==(const Progress&) const = default;
  };
  Progress progress() const;
  void apply();
  void bury();

  const std::size_t number_;
  World world_;
  ModelPool::Lease model_;
  std::function<void()> interlude_;
  std::unique_ptr<Process> process_;
  bool is_in_step_ = false;
  int idle_steps_ = 0;  ///< In a row: no progress, and nothing to wait for.
  Record record_;
};

}  // namespace keyledger::commands::simulation
