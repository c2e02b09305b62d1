#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::projections {

/// Lets coroutines and threads wait until a read model has reached a position.
///
/// Thread safety: all members, from any thread. A waiting coroutine always resumes on its own
/// executor, never inside advance(). The gate must outlive its waiters.
class PositionGate {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Waits until every event up to and including `target` has been applied.
  ///
  /// Errors: not_caught_up when `deadline` passes first, unavailable after close().
  /// Cancellation: total (asio's); it then throws system_error(operation_aborted).
  boost::asio::awaitable<Result<void>> reached(Position target, Deadline deadline);

  /// The same for a plain thread: blocks.
  Result<void> wait_for(Position target, Deadline deadline);

  /// Has `listener` called whenever position() has moved, and at close(): on the thread that did
  /// it, which it must not hold up. Nobody is called any more when listen({}) has returned. There
  /// is one listener at a time, and it must not call listen().
  void listen(std::function<void()> listener);

  void advance(Position position);

  /// Ends all waits, those now and those to come, with `unavailable`.
  void close();
  bool is_closed() const { return closed_.load(std::memory_order_acquire); }

  /// Says that the projector has halted: what is waited for may be passed over in the end.
  void halted() { halts_.fetch_add(1, std::memory_order_acq_rel); }

  /// How often it has halted. Whoever waits for events of his own compares it before and after.
  std::uint64_t halts() const { return halts_.load(std::memory_order_acquire); }

  Position position() const { return Position{position_.load(std::memory_order_acquire)}; }

 private:
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code)>;

  struct Waiter {
    std::uint64_t ticket = 0;
    boost::asio::any_io_executor executor;
    Handler handler;
    /// Shared with its own completion handler, which runs after a cancelled wait too.
    std::shared_ptr<boost::asio::steady_timer> timer;
  };

  void enqueue(Position target, Deadline deadline, const boost::asio::any_io_executor& executor,
               Handler handler);
  /// Ends one waiter, if it still waits.
  void end(Position target, std::uint64_t ticket, boost::system::error_code ec);
  static void resume(Waiter waiter, boost::system::error_code ec);
  void tell_listener();

  std::atomic<std::uint64_t> position_{0};
  std::atomic<std::uint64_t> halts_{0};
  std::mutex mutex_;
  std::condition_variable moved_;
  std::atomic<bool> closed_{false};          ///< Set under mutex_.
  std::uint64_t next_ticket_ = 0;            ///< Guarded by mutex_.
  std::multimap<Position, Waiter> waiters_;  ///< Guarded by mutex_.
  std::mutex listener_mutex_;                ///< Held while the listener is called.
  std::function<void()> listener_;           ///< Guarded by listener_mutex_.
};

}  // namespace keyledger::projections
