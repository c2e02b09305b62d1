#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/position_gate.h"
#include "projections/read_model.h"
#include "services/commands/clocks.h"
#include "services/commands/submission.h"
#include "services/logging/logger.h"
#include "services/security/key_ring.h"

namespace keyledger::commands {

struct TermContext;

/// The one writer of the log: it takes all queued commands, decides them on the read model overlaid
/// with what the batch itself adds, appends their events at once, waits until the projector has
/// applied them like everybody else's, and only then answers.
///
/// Thread safety: submit(), stats() and leads() from any thread; lead() and stop() from the owner.
class Writer {
 public:
  struct Options {
    std::string node = "local";
    bool values_once = false;  ///< Values can't be read again; see design §7.
    std::size_t max_queue = 4096;
    std::size_t max_batch = 512;
    Clocks clocks = system_clocks();
  };

  /// Counters for metrics.
  struct Stats {
    std::atomic<std::uint64_t> commands{0};  ///< Carried out, refused or without effect.
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> refused_for_load{0};
    std::atomic<std::uint64_t> failed_appends{0};
  };

  /// All references are used until the Writer is gone. `model` must be caught up with
  /// `log`, and the ring's pepper be the log's.
  Writer(log::EventLog& log, const projections::ReadModel& model, projections::PositionGate& gate,
         const security::KeyRing& ring, logging::Logger& logger, Options options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Opens a term (in an empty log, after LedgerCreated) and starts to take commands. `url` is
  /// where this node is reached: WriterElected tells it.
  /// Errors: those of append, not_caught_up.
  Result<void> lead(const std::string& url);

  /// Carries a command out. The answer means what it says: a value is durable and applied.
  ///
  /// Errors: those of decide(), overloaded (queue full), unavailable (stopped; the log can't be
  /// written), outcome_unknown, idempotency_mismatch, gone (RevealValue where values are shown
  /// once).
  boost::asio::awaitable<Result<Outcome>> submit(Submission submission);

  /// Refuses what comes from now on, carries out what is queued, and returns.
  void stop();

  /// Whether commands are taken: from lead() on, until stop() or a write whose outcome is unknown.
  bool leads() const { return leads_.load(std::memory_order_acquire); }

  const Stats& stats() const { return stats_; }

 private:
  using Handler = boost::asio::any_completion_handler<void(Result<Outcome>)>;
  struct Pending {
    Submission submission;
    boost::asio::any_io_executor executor;
    Handler handler;
  };

  void enqueue(Submission submission, boost::asio::any_io_executor executor, Handler handler);
  void run();
  std::vector<Pending> take();
  void carry_out(std::vector<Pending> batch);
  static void answer(Pending& pending, Result<Outcome> outcome);
  void answer_again(const TermContext& context, Pending pending,
                    projections::IdempotencyRecord record);
  void put_back(std::vector<Pending> deferred);
  std::optional<Error> find_obstacle(Instant now);
  void erase_due_envelopes(Instant now);

  log::EventLog& log_;
  const projections::ReadModel& model_;
  projections::PositionGate& gate_;
  const security::KeyRing& ring_;
  logging::Logger& logger_;
  const Options options_;
  Stats stats_;
  std::atomic<bool> leads_{false};

  // Of the writer's thread alone, once it runs.
  std::string log_id_;
  Term term_;
  Instant last_time_;
  ClockGuard clock_guard_;
  Position last_appended_;  ///< What is decided next must rest on everything up to here.

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Pending> queue_;  ///< Guarded by mutex_.
  bool stopping_ = false;      ///< Guarded by mutex_.
  std::thread thread_;
  boost::asio::thread_pool replays_{1};  ///< Answers repeated requests.
};

}  // namespace keyledger::commands
