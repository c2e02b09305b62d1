#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "events/log/event_log.h"
#include "events/log/replica_registry.h"
#include "projections/position_gate.h"
#include "services/logging/logger.h"
#include "services/replicas/lease.h"

namespace keyledger::replicas {

/// Keeps a validating node's Lease, in a thread of its own, from its construction to stop().
///
/// Thread safety: fresh() and figures() from any thread; the rest from the owner.
class LeaseKeeper {
 public:
  /// All are used until the LeaseKeeper is gone. `gate` is of the projector that follows `log`;
  /// `is_halted` tells, from any thread, whether that has halted. `options.length` is how stale an
  /// answer may be at most.
  LeaseKeeper(log::ReplicaRegistry& registry, const log::LogReader& log,
              projections::PositionGate& gate, std::function<bool()> is_halted,
              logging::Logger& logger, Lease::Options options);

  /// As stop().
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  /// Whether this node may validate: as Lease::holds(). Not before the first renewal.
  bool fresh() const { return lease_.holds(); }

  /// Waits for the first renewal, `timeout` at most, and returns whether this node may validate.
  bool wait_until_fresh(std::chrono::milliseconds timeout);

  Lease::Figures figures() const { return lease_.figures(); }

  /// Ends the permission, and tells the others not to wait for this node. Blocks for some seconds
  /// at most, where no broker answers. Before the gate's projector is gone.
  void stop();

 private:
  void run(const std::stop_token& stop);
  void pause(const std::stop_token& stop, const Lease::Pause& pause) const;
  void tell_changes();

  projections::PositionGate& gate_;
  logging::Logger& logger_;
  Lease lease_;
  std::mutex mutex_;
  std::condition_variable became_fresh_;
  bool was_fresh_ = false;  ///< The thread's own, as is what follows.
  bool has_told_ = false;
  std::jthread thread_;
};

}  // namespace keyledger::replicas
