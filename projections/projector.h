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
#include "projections/quarantines.h"
#include "projections/read_ahead.h"
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

/// Why a projector doesn't go on.
struct Halt {
  Error why;
  /// Where the command begins whose events can't be read or applied: an EventQuarantined that names
  /// it is the only way past. None where no such fact would help.
  std::optional<Position> event;
};

/// Follows the log and keeps the read model at its end: the only one that writes it.
///
/// A log that can't be reached for a while is read again. An event that can't be read or applied
/// halts it: nothing after it is applied. Once a second it
/// looks whether an EventQuarantined was appended that names it, passes over its whole command, and
/// goes on. Thread safety: gate(), halted() and stats() from any thread; the rest from
/// the owner.
class Projector {
 public:
  struct Stats {
    std::atomic<std::uint64_t> applied_events{0};
    std::atomic<std::uint64_t> rejected_runs{0};
  };

  /// All references are used until the Projector is gone. `on_halt` is called when it halts, or
  /// halts for another reason than before; `on_resume` when it has reached the log's end after
  /// that. Both on the projector's thread, or in catch_up().
  Projector(
      const log::LogReader& log, ReadModel& model, std::function<void(const Error&)> on_halt,
      std::function<void()> on_resume = [] {});
  ~Projector();
  Projector(const Projector&) = delete;
  Projector& operator=(const Projector&) = delete;

  /// Applies what the log holds now, in the caller's thread, and reports progress now and then. May
  /// be called again, until start().
  ///
  /// Errors: incompatible (the model was folded from another log), damaged (the log ends before the
  /// model's position; an event can't be read or applied), io. Where halted() then tells of an
  /// event, start() may be called all the same: it waits for the way past it.
  Result<void> catch_up(const OnProgress& on_progress);

  /// Follows the log from here on, in a thread of its own. After catch_up().
  void start();

  /// Ends the thread; ends all waits at the gate.
  void stop();

  PositionGate& gate() { return gate_; }
  const PositionGate& gate() const { return gate_; }

  /// Why it has halted, if it has.
  std::optional<Halt> halted() const;

  const Stats& stats() const { return stats_; }

 private:
  Result<void> check_log() const;
  /// Applies a page of events after the model's position, and uses it up. Whether there were any.
  Result<bool> apply_page(Result<Page>& page);
  /// The page after the model's position, not decoded.
  Result<Page> read_page() const;
  void follow(const std::stop_token& stop);
  /// Applies all that there is. Whether it came to the log's end.
  bool apply_all();
  void halt(const Error& error);
  void resume();

  const log::LogReader& log_;
  ReadModel& model_;
  const std::function<void(const Error&)> on_halt_;
  const std::function<void()> on_resume_;
  // Of catch_up(), then of the thread alone.
  std::optional<Fold> fold_;
  Quarantines quarantines_;
  std::optional<Position> bad_event_;  ///< Where the run begins that apply_page() failed for.

  PositionGate gate_;
  Stats stats_;
  mutable std::mutex mutex_;
  std::optional<Halt> halted_;  ///< Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace keyledger::projections
