#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/position_gate.h"
#include "projections/read_model.h"
#include "services/commands/clocks.h"
#include "services/commands/command_queue.h"
#include "services/commands/leader.h"
#include "services/commands/submission.h"
#include "services/logging/logger.h"
#include "services/security/key_ring.h"

namespace keyledger::commands {

/// Carries commands out: a Leader on a thread of its own.
///
/// Thread safety: submit(), the counters and leads() from any thread; the rest from the owner.
class Writer {
 public:
  struct Options {
    std::string node = "local";
    bool values_once = false;  ///< Values can't be read again; see design §7.
    std::size_t max_queue = 4096;
    std::size_t max_batch = 512;
    Clocks clocks = system_clocks();
  };

  /// All references are used until the Writer is gone. `model` must be caught up with
  /// `log`, and the ring's pepper be the log's.
  Writer(log::EventLog& log, const projections::ReadModel& model, projections::PositionGate& gate,
         const security::KeyRing& ring, logging::Logger& logger, Options options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Opens a term and takes commands from then on: for a log that elects whoever has it open. `url`
  /// is where this node is reached: WriterElected tells it. After an error it may be tried again.
  /// Errors: those of the log's take_over() and append(), not_caught_up.
  Result<void> lead(const std::string& url);

  /// Stands for election, and takes commands whenever this node leads.
  void stand(const std::string& url);

  /// Lets another node lead, where one stands; goes on until that has taken over.
  void hand_over();

  /// Carries a command out. The answer means what it says: a value is durable and applied.
  ///
  /// Errors: those of decide(), overloaded (queue full), unavailable (stopped; the log can't be
  /// written), not_leader, outcome_unknown, idempotency_mismatch, gone (RevealValue where values
  /// are shown once).
  boost::asio::awaitable<Result<Outcome>> submit(Submission submission);

  /// Refuses what comes from now on, carries out what is queued, and returns.
  void stop();

  /// Whether commands are carried out here,
  bool leads() const;
  /// or may be soon: submit() waits for that.
  bool takes_commands() const { return queue_.is_open(); }

  const Leader::Stats& stats() const { return leader_.stats(); }
  std::uint64_t refused_for_load() const {
    return refused_for_load_.load(std::memory_order_relaxed);
  }

 private:
  void run();
  void wait(const Wait& wait);

  log::EventLog& log_;
  projections::PositionGate& gate_;
  CommandQueue queue_;
  boost::asio::thread_pool replays_{1};  ///< Answers repeated requests.
  Leader leader_;
  std::atomic<std::uint64_t> refused_for_load_{0};
  std::atomic<bool> stopping_{false};
  bool stands_ = false;
  std::thread thread_;
};

}  // namespace keyledger::commands
