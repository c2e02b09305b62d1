#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace keyledger {

/// Whether the read model may still be trusted: it follows the log, or stopped doing so less than
/// `max_staleness` ago. Thread safety: any thread; fresh() is one relaxed load while all is well.
class Freshness {
 public:
  explicit Freshness(std::chrono::milliseconds max_staleness) : max_staleness_(max_staleness) {}

  /// The projector has halted, now. Only the first call counts.
  void halted() {
    std::int64_t never = 0;
    halted_at_.compare_exchange_strong(never, now());
  }

  bool fresh() const {
    const std::int64_t since = halted_at_.load(std::memory_order_acquire);
    return since == 0 || now() - since < std::chrono::nanoseconds(max_staleness_).count();
  }

 private:
  static std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

  const std::chrono::milliseconds max_staleness_;
  std::atomic<std::int64_t> halted_at_{0};  ///< Steady clock, nanoseconds; 0: it follows the log.
};

}  // namespace keyledger
