#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "events/log/boot_clock.h"
#include "events/log/replica_registry.h"
#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::replicas {

/// A node's permission to validate, and how it is renewed. A state machine that goes on by step(),
/// so that its owner is a thread, or a test that steps several of them in any order.
///
///     catching_up ──at the log's end──► announcing ──acknowledged──► confirming ──end fetched──┐
///          ▲                              ▲     ▲                                              ▼
///          └── too late, or it failed ────┘     └──── a third of a lease ──── resting ◄── applying
///
/// The order is what makes it safe. It announces itself (at t0), and *then* asks where the log ends
/// and applies all up to there: so whoever reads the registry after an event was appended either
/// finds this announcement, or the end that is asked for has that event. Only then the node may
/// validate, until t0 + lease less 1 %, for clocks that drift; on a clock that runs while the
/// process or the machine is suspended. Nothing takes a permission away that was given: it lapses.
/// A node that is far behind doesn't announce itself, so nobody waits for it.
///
/// Not thread-safe but for holds() and figures(), which any thread may ask.
class Lease {
 public:
  using Clock = log::BootClock;

  struct Options {
    std::string node;
    std::chrono::milliseconds length;
    std::string url = {};
    std::string roles = {};
    std::function<Clock::time_point()> now = Clock::now;
  };

  /// What it rests on. All functions may be called until the Lease is gone.
  struct Parts {
    log::ReplicaRegistry& registry;
    std::function<Result<Position>()> log_end;  ///< As LogReader::end(). May block.
    std::function<Position()> applied;          ///< Where the read model is.
    std::function<bool()> is_halted;            ///< Whether it stopped following the log.
  };

  /// When to take the next step: at once where `at_most` is zero, else after that time or as soon
  /// as the read model has reached `position`, if there is one.
  struct Pause {
    std::chrono::nanoseconds at_most{};
    std::optional<Position> position = std::nullopt;
  };

  /// For metrics and readiness.
  struct Figures {
    bool holds = false;
    /// How long ago the read model was last known to be at the log's end; none: it never was.
    std::optional<std::chrono::nanoseconds> staleness;
    std::uint64_t renewals = 0;      ///< That went well.
    std::uint64_t publications = 0;  ///< Positions that were announced between renewals.
    std::uint64_t failures = 0;      ///< Of both.
    std::string last_error;          ///< Since the last renewal; empty: none.
  };

  Lease(Parts parts, Options options);

  /// Does the next thing. Blocks in the registry's announce() and the log's end alone.
  Pause step();

  /// Gives the permission back, then withdraws from the registry. There are no steps after it.
  /// Errors: unavailable (others count this node until its lease has run out).
  Result<void> end();

  /// Whether the node may validate. One look at the clock; to be asked *after* what the answer
  /// rests on was read, so that no pause between the two goes unseen.
  bool holds() const {
    return options_.now().time_since_epoch().count() < until_.load(std::memory_order_acquire);
  }

  Figures figures() const;

 private:
  enum class State { catching_up, announcing, confirming, applying, resting };

  Pause catch_up();
  Pause announce();
  Pause confirm();
  Pause apply();
  Pause rest();

  /// Announces how far the read model is. Errors: unavailable.
  Result<void> publish();
  /// Publishes if the position moved and the last time is long enough ago; else says when it is.
  std::optional<Pause> publish_if_due();
  void grant();
  Pause start_over(const Error& why);
  void count_failure(const Error& why);

  Clock::time_point announced_until() const { return announced_at_ + valid_for_; }

  const Parts parts_;
  const Options options_;
  const std::chrono::nanoseconds valid_for_;  ///< The length, less the margin for drift.

  State state_ = State::catching_up;
  std::optional<Position> target_;  ///< The log's end that is to be applied. None: to be asked.
  Clock::time_point announced_at_;  ///< t0 of the renewal under way, or of the last.
  Position published_;              ///< What the last announcement said.
  Clock::time_point next_publication_;
  std::atomic<Clock::rep> until_;  ///< When the permission ends, since the clock's epoch.

  mutable std::mutex mutex_;
  Figures figures_;                                ///< Guarded by mutex_, without `staleness`.
  std::optional<Clock::time_point> confirmed_at_;  ///< Guarded by mutex_. t0 of the last renewal.
};

}  // namespace keyledger::replicas
