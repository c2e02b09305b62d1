#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "events/log/event_log.h"
#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/fold.h"
#include "projections/position_gate.h"
#include "projections/read_model.h"

namespace keyledger::projections {

/// How far a long fold has come.
struct Progress {
  Position position;
  Position end;
  double events_per_second = 0;
  std::optional<std::chrono::seconds> time_left;  ///< None while it can't be told.
};
using OnProgress = std::function<void(const Progress&)>;

/// Follows the log and keeps the read model at its end: the only one that writes it.
///
/// An event that can't be read or applied halts it for good: nothing after it is applied until the
/// process starts anew. Thread safety: gate(), halted() and stats() from any thread; the rest from
/// the owner.
class Projector {
 public:
  struct Stats {
    std::atomic<std::uint64_t> applied_events{0};
    std::atomic<std::uint64_t> rejected_runs{0};
  };

  /// All references are used until the Projector is gone. `on_halt` is called once, on the
  /// projector's thread.
  Projector(const log::LogReader& log, ReadModel& model, std::function<void(const Error&)> on_halt);
  ~Projector();
  Projector(const Projector&) = delete;
  Projector& operator=(const Projector&) = delete;

  /// Applies what the log holds now, in the caller's thread, and reports progress now and then.
  ///
  /// Errors: incompatible (the model was folded from another log), damaged (the log ends before the
  /// model's position; an event can't be read or applied), io.
  Result<void> catch_up(const OnProgress& on_progress);

  /// Follows the log from here on, in a thread of its own. After catch_up().
  void start();

  /// Ends the thread; ends all waits at the gate.
  void stop();

  PositionGate& gate() { return gate_; }
  const PositionGate& gate() const { return gate_; }

  /// Why it has halted, if it has.
  std::optional<Error> halted() const;

  const Stats& stats() const { return stats_; }

 private:
  Result<void> check_log() const;
  /// Applies a page of events after the model's position. Whether there were any.
  Result<bool> apply_page();
  void follow(const std::stop_token& stop);
  void halt(const Error& error);

  const log::LogReader& log_;
  ReadModel& model_;
  const std::function<void(const Error&)> on_halt_;
  std::optional<Fold> fold_;  ///< Of catch_up(), then of the thread alone.
  PositionGate gate_;
  Stats stats_;
  mutable std::mutex mutex_;
  std::optional<Error> halted_;  ///< Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace keyledger::projections
