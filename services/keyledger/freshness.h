#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace keyledger {

/// Whether the read model may still be trusted: it follows the log, or stopped doing so less than
/// `max_staleness` ago. Not before it has caught up once. Thread safety: any thread; fresh() is one
/// load while all is well.
class Freshness {
 public:
  explicit Freshness(std::chrono::milliseconds max_staleness) : max_staleness_(max_staleness) {}

  /// The projector is at the log's end, now, and follows it.
  void caught_up() { halted_at_.store(kFollows, std::memory_order_release); }

  /// The projector has halted, now. Only the first call after caught_up() counts.
  void halted() {
    std::int64_t follows = kFollows;
    halted_at_.compare_exchange_strong(follows, now());
  }

  bool fresh() const {
    const std::int64_t since = halted_at_.load(std::memory_order_acquire);
    if (since == kFollows) return true;
    return since != kNever && now() - since < std::chrono::nanoseconds(max_staleness_).count();
  }

 private:
  static constexpr std::int64_t kFollows = 0;
  static constexpr std::int64_t kNever = -1;

  static std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  const std::chrono::milliseconds max_staleness_;
  std::atomic<std::int64_t> halted_at_{kNever};  ///< Steady clock, nanoseconds, or one of those.
};

}  // namespace keyledger
