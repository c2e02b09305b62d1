#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "events/log/boot_clock.h"
#include "events/log/replica_registry.h"
#include "events/vocabulary.h"
#include "services/logging/logger.h"
#include "services/replicas/spread.h"

namespace keyledger::replicas {

/// Lets requests wait until every live replica has applied a change. A thread of its own reads the
/// registry, once for all who came before it began.
///
/// Thread safety: applied_everywhere() and stats() from any thread; the rest from the owner.
class Propagation {
 public:
  struct Options {
    std::size_t max_waiting = 1'024;
    std::function<log::BootClock::time_point()> now = log::BootClock::now;
  };

  struct Stats {
    std::atomic<std::uint64_t> everywhere{0};      ///< Waits that ended so.
    std::atomic<std::uint64_t> not_everywhere{0};  ///< Waits that ended otherwise.
  };

  /// Both are used until the Propagation is gone.
  Propagation(log::ReplicaRegistry& registry, logging::Logger& logger, Options options);
  Propagation(log::ReplicaRegistry& registry, logging::Logger& logger)
      : Propagation(registry, logger, Options{}) {}

  /// As stop().
  ~Propagation();
  Propagation(const Propagation&) = delete;
  Propagation& operator=(const Propagation&) = delete;

  /// Waits until every live replica has applied `position`, or `patience` has passed. This process
  /// must have applied it itself. Says that it isn't everywhere, too, where that can't be known
  /// (the registry can't be read, too many wait already, or stop() was called): `missing` then has
  /// whom it knows to lack it, if anybody.
  ///
  /// The coroutine's executor runs one handler at a time, and lives until the coroutine has ended
  /// or stop() has returned. Cancellation: total.
  boost::asio::awaitable<Spread> applied_everywhere(Position position,
                                                    std::chrono::nanoseconds patience);

  /// Ends all waits, those now and those to come.
  void stop();

  const Stats& stats() const { return stats_; }

 private:
  /// One wait. Its coroutine's own, but for what is guarded by mutex_.
  struct Waiter {
    /// Whether the registry was read to an end that was asked for after this one came.
    enum class Registry { unread, being_read, read };

    Position position;
    boost::asio::any_io_executor executor;
    /// Shared with the handlers that end its wait.
    std::shared_ptr<boost::asio::steady_timer> timer;
    Registry registry = Registry::unread;
    bool is_everywhere = false;
  };
  using Waiters = std::list<Waiter>;
  class Membership;

  /// The end of the list if too many wait already, or stop() was called.
  Waiters::iterator join(Waiter waiter);
  Spread result_of(const Waiter& waiter);
  void leave(Waiters::iterator waiter);

  void run();
  void wake();
  // The caller of these holds mutex_.
  void read_registry(std::unique_lock<std::mutex>& lock);
  void judge_all();
  void end_wait(const Waiter& waiter) const;
  bool has_unread() const;
  std::chrono::nanoseconds until_next_step() const;

  log::ReplicaRegistry& registry_;
  logging::Logger& logger_;
  const Options options_;
  Stats stats_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Waiters waiters_;        ///< This and what follows are guarded by mutex_.
  bool is_woken_ = false;  ///< Something changed since the thread looked.
  bool is_stopped_ = false;
  bool has_failed_ = false;  ///< The registry could not be read, the last time.
  std::optional<log::BootClock::time_point> next_lapse_;

  std::thread thread_;  ///< Last: it uses all of the above.
};

}  // namespace keyledger::replicas
