#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::projections {

/// Lets coroutines and threads wait until a read model has reached a position.
///
/// Thread safety: all members, from any thread. A waiting coroutine always resumes on its own
/// executor, never inside advance(). The gate must outlive its waiters.
class PositionGate {
 public:
  /// Waits until every event up to and including `target` has been applied.
  ///
  /// Errors: not_caught_up when `deadline` (steady clock) passes first, unavailable after close().
  /// Cancellation: total (asio's); it then throws system_error(operation_aborted).
  boost::asio::awaitable<Result<void>> reached(Position target,
                                               std::chrono::steady_clock::time_point deadline);

  /// The same for a plain thread: blocks.
  Result<void> wait_for(Position target, std::chrono::steady_clock::time_point deadline);

  void advance(Position position);

  /// Ends all waits, those now and those to come, with `unavailable`.
  void close();

  Position position() const;
};

}  // namespace keyledger::projections
