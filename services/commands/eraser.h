#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "events/log/event_log.h"
#include "services/logging/logger.h"

namespace keyledger::commands {

/// Sees to it that what was erased is gone from the disk too, soon after: in a thread of its own,
/// because rewriting takes longer than a command may wait.
///
/// Thread safety: stats() from any thread; the rest from the owner.
class Eraser {
 public:
  struct Stats {
    std::atomic<std::uint64_t> purges{0};  ///< Those that had something to do.
    std::atomic<std::uint64_t> failures{0};
  };

  /// Purges once at its start, for what an earlier run left, and then every `interval`. `log` and
  /// `logger` are used until the Eraser is gone.
  Eraser(log::EventLog& log, logging::Logger& logger, std::chrono::milliseconds interval);

  /// Waits for a purge that is under way; what was erased since the last is left to the next run.
  ~Eraser();
  Eraser(const Eraser&) = delete;
  Eraser& operator=(const Eraser&) = delete;

  const Stats& stats() const { return stats_; }

 private:
  void run(const std::stop_token& stop);
  void purge();

  log::EventLog& log_;
  logging::Logger& logger_;
  const std::chrono::milliseconds interval_;
  Stats stats_;
  std::jthread thread_;
};

}  // namespace keyledger::commands
