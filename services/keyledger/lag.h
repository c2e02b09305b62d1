#pragma once

#include <chrono>
#include <mutex>

#include "events/vocabulary.h"

namespace keyledger {

/// Whether the read model lags behind the log for longer than it may. A short lag is there all the
/// time: what is judged is whether the end that was seen a while ago has been reached since.
/// Thread safety: any thread.
class Lag {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Lag(std::chrono::milliseconds tolerance) : tolerance_(tolerance) {}

  bool is_behind(Position applied, Position end, Clock::time_point now) {
    const std::scoped_lock lock(mutex_);
    if (applied >= seen_end_) {
      seen_end_ = end;
      seen_at_ = now;
    }
    return applied < seen_end_ && now - seen_at_ > tolerance_;
  }

 private:
  const std::chrono::milliseconds tolerance_;
  std::mutex mutex_;
  Position seen_end_;          ///< Guarded by mutex_.
  Clock::time_point seen_at_;  ///< Guarded by mutex_. When `seen_end_` was the end.
};

}  // namespace keyledger
