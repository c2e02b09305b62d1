#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "events/log/event_log.h"
#include "tests/services/commands/simulation/simulated_cluster.h"

namespace keyledger::commands::simulation {

/// What one node has received of the cluster's log: it lags behind until it is moved. end() tells
/// of nothing else, as a projector that follows a log asks no cluster for its end.
class SimulatedTail final : public log::LogReader {
 public:
  /// Begins with all that there is.
  explicit SimulatedTail(const SimulatedCluster& cluster);

  /// Receives `transactions` more, or as many as there are.
  void move(std::size_t transactions);
  /// Receives all that was committed when there were as many `transactions`.
  void move_to(std::size_t transactions);

  bool is_at_end() const;

  Result<std::vector<log::StoredEvent>> read_after(Position position,
                                                   std::size_t max) const override;
  Result<Position> end() const override { return known_end(); }
  Position known_end() const override;
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override;
  Result<std::optional<log::Envelope>> envelope(const KeyId& key) const override;
  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override;

 private:
  std::size_t received_events() const;

  const SimulatedCluster& cluster_;
  std::size_t received_;  ///< Transactions.
};

/// The log as one process of a node has it.
class SimulatedLog final : public log::EventLog {
 public:
  /// `interlude` is called on the way to the cluster and on the way back: what happens elsewhere in
  /// that time happens in it, and it may throw. `node` is for the trace alone.
  SimulatedLog(std::size_t node, SimulatedCluster& cluster, SimulatedTail& tail, const Trace& trace,
               std::function<void()> interlude)
      : node_(node),
        cluster_(cluster),
        tail_(tail),
        trace_(trace),
        interlude_(std::move(interlude)) {}

  void elect(bool is_elected);

  /// What the node did that the port forbids.
  const std::vector<std::string>& misuses() const { return misuses_; }

  Result<std::vector<log::StoredEvent>> read_after(Position position,
                                                   std::size_t max) const override {
    return tail_.read_after(position, max);
  }
  Result<Position> end() const override;
  Position known_end() const override { return tail_.known_end(); }
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override {
    return tail_.wait_beyond(position, std::move(stop), timeout);
  }
  Result<std::optional<log::Envelope>> envelope(const KeyId& key) const override {
    return tail_.envelope(key);
  }
  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override {
    return tail_.envelopes_due(now, max);
  }
  void stand(std::function<void()> on_change) override { on_change_ = std::move(on_change); }
  void resign() override {}
  bool is_elected() const override { return is_elected_; }
  Result<void> take_over() override;
  Result<Position> append(const log::Append& append) override;
  Result<bool> purge() override { return false; }

 private:
  const std::size_t node_;
  SimulatedCluster& cluster_;
  SimulatedTail& tail_;
  const Trace& trace_;
  const std::function<void()> interlude_;
  std::function<void()> on_change_ = [] {};
  bool is_elected_ = false;
  std::optional<SimulatedCluster::Epoch> epoch_;  ///< None: take_over() comes first.
  std::vector<std::string> misuses_;
};

}  // namespace keyledger::commands::simulation
