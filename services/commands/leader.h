#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/position_gate.h"
#include "projections/read_model.h"
#include "services/commands/batch.h"
#include "services/commands/clocks.h"
#include "services/commands/command_queue.h"
#include "services/commands/submission.h"
#include "services/logging/logger.h"
#include "services/security/key_ring.h"

namespace keyledger::commands {

/// What a Leader waits for before its next step, and for how long at most.
struct Wait {
  enum class For {
    nothing,  ///< The next step may come at once.
    /// As many as `commands` in the queue, CommandQueue::wake(), or, where `position` isn't 0, the
    /// read model at it.
    commands,
    change,    ///< CommandQueue::wake(), whatever is in the queue.
    position,  ///< The read model at `position`.
  };
  For what = For::nothing;
  std::chrono::nanoseconds at_most{};
  Position position;
  std::size_t commands = 1;
};

/// Carries commands out while this process is the log's writer. A state machine that goes on by
/// step(), which does the next thing that can be done without waiting for others: so that its owner
/// is a thread, or a test that steps several of them in any order.
///
///     follower ──elected──► opening ──WriterElected written──► settling ──applied──► leading ◄─┐
///        ▲                    ▲  ▲                                │                   │        │
///        │                    │  └──────── another's came after ──┘       what comes must wait │
///        │                    └── any error of take_over or append ── leading ◄──┐    ▼        │
///        └── another elected ── all of them                                      └─ applying ──┘
///
/// While the read model applies one batch, the next is decided, on the read model overlaid with
/// what the one before adds, and appended: so that both have something to do. A batch that can't be
/// decided so, or an append that failed, waits until all that is written is applied.
///
/// A command is answered when the read model has applied its events; one that has none, when the
/// log's end, asked for after it was decided, is what it was decided on. One whose append ended
/// with an unknown outcome is in doubt: the first WriterElected that is applied after it,
/// whoever's, has settled it (EventLog::take_over). It is then in the read model, or never will be:
/// so it is decided again, or refused where another node leads. Only where its time runs out before
/// that, the answer is `outcome_unknown`.
///
/// Not thread-safe but for state(), leads() and stats(), which any thread may ask.
class Leader {
 public:
  enum class State {
    follower,  ///< Another process should write.
    opening,   ///< About to take the log over, and to write WriterElected.
    settling,  ///< Waits until that is applied: then all that was before is.
    leading,   ///< Takes commands.
    applying,  ///< Waits until all that is written is applied.
    ended,     ///< This process can't write any more.
  };

  struct Options {
    std::string node = "local";
    bool values_once = false;  ///< Values can't be read again; see design §7.
    std::size_t max_batch = 512;
    Clocks clocks = system_clocks();
    /// Runs what may take long elsewhere, and what it answers to is answered there.
    std::function<void(std::move_only_function<void()>)> run_elsewhere = [](auto task) { task(); };
  };

  /// Counters for metrics.
  struct Stats {
    std::atomic<std::uint64_t> commands{0};  ///< Carried out, refused or without effect.
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> failed_appends{0};
    std::atomic<std::uint64_t> terms{0};
    std::atomic<std::uint64_t> settled_written{0};    ///< Commands in doubt that were carried out,
    std::atomic<std::uint64_t> settled_unwritten{0};  ///< and those that were not.
  };

  struct Parts {
    log::EventLog& log;
    const projections::ReadModel& model;  ///< Folded from `log`, by a projector of this process.
    projections::PositionGate& gate;      ///< That projector's.
    const security::KeyRing& ring;        ///< Its pepper is the log's.
    logging::Logger& logger;
    CommandQueue& queue;
  };

  /// All parts are used until the Leader is gone.
  Leader(const Parts& parts, Options options);

  /// What WriterElected says of where this node is reached. Before the first step.
  void set_url(std::string url) { url_ = std::move(url); }

  /// Does the next thing and says what to wait for. Blocks in the log's take_over(), append() and
  /// end() alone.
  Wait step();

  State state() const { return state_.load(std::memory_order_acquire); }
  bool leads() const { return state() == State::leading || state() == State::applying; }

  /// Why opening failed last; none after it went well.
  const std::optional<Error>& obstacle() const { return obstacle_; }

  /// Whether a command was decided whose answer isn't known yet.
  bool has_unanswered() const { return is_any_unanswered() || !in_doubt_.empty(); }

  /// Says of all commands in doubt that nobody knows. When there will be no further step.
  void give_up();

  const Stats& stats() const { return stats_; }

 private:
  struct Decided {
    Pending pending;
    Result<Outcome> outcome;
    std::size_t events_up_to;  ///< How many of the batch's events it rests on, its own included.
  };

  /// A batch on its way into the log or the read model.
  struct Flight {
    std::vector<Decided> commands;
    std::vector<std::string> events;
    Overlay overlay;
    Position after;  ///< The read model's position when it was decided: it lies behind that.
    Position last;   ///< Of its last event. None: its outcome is unknown.
    Term term;
    std::uint64_t halts = 0;  ///< PositionGate::halts() when it was appended.
    std::chrono::steady_clock::time_point answer_by;

    /// Of its events, once `last` is known.
    Result<std::optional<Position>> first() const {
      return std::optional(Position{last.value - (events.size() - 1)});
    }
  };

  Wait follow();
  Wait open();
  Wait settle();
  Wait lead();
  Wait drain();
  Wait finish_draining();

  void begin_opening();
  Result<Position> write_barrier();
  void hold_commands(const Error& obstacle);
  Wait try_again(const Error& why);
  Wait step_aside();
  Wait end(const Error& why);
  Wait carry_out(std::vector<Pending> batch);
  Wait confirm(Flight flight);
  void take_back(Flight flight);
  void write(Batch& batch, Flight flight);
  void land();
  void reopen();
  bool is_late() const;
  bool is_any_doubtful() const;
  bool is_any_unanswered() const;
  void refuse_all(const Error& why);
  void answer_now(Pending pending, Error why);
  void answer(Flight& flight, Position last);
  void refuse(Flight& flight, const Error& why);
  void answer_again(Pending pending, projections::IdempotencyRecord record);
  Result<void> settle_doubts();
  Result<std::optional<Position>> find(const Flight& flight) const;
  void expire_doubts();
  void housekeeping();
  std::optional<Error> find_obstacle(Instant now);
  void erase_due_envelopes(Instant now);
  void set_state(State state) { state_.store(state, std::memory_order_release); }
  std::chrono::steady_clock::time_point now() const { return options_.clocks.steady(); }

  log::EventLog& log_;
  const projections::ReadModel& model_;
  projections::PositionGate& gate_;
  const security::KeyRing& ring_;
  logging::Logger& logger_;
  CommandQueue& queue_;
  const Options options_;
  std::string url_;
  Stats stats_;
  std::atomic<State> state_{State::follower};

  TermContext context_;
  Instant last_time_;
  ClockGuard clock_guard_;
  bool has_taken_over_ = false;
  Position barrier_;            ///< Of this term's WriterElected.
  std::deque<Flight> flights_;  ///< Written, and not known to be applied; oldest first.
  bool reopens_ = false;        ///< When they are, the log is to be taken over.
  std::vector<Flight> in_doubt_;
  std::optional<Error> obstacle_;
  std::chrono::steady_clock::time_point opening_since_;
  /// Two who both believe that they lead take turns, and not as fast as they can.
  std::chrono::steady_clock::time_point next_take_over_;
  std::chrono::steady_clock::time_point next_housekeeping_;
};

}  // namespace keyledger::commands
