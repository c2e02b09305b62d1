#pragma once

#include <chrono>

#include "services/commands/clocks.h"
#include "tests/support/events.h"

namespace keyledger::commands::simulation {

/// The time of a run, which passes when the simulation says so.
class VirtualTime {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  TimePoint now() const { return now_; }
  void pass(std::chrono::nanoseconds time) { now_ += time; }
  std::chrono::nanoseconds since_begin() const { return now_ - kBegin; }

  /// What a clock that is right shows.
  Instant wall() const {
    return kStoryBegins + std::chrono::duration_cast<std::chrono::microseconds>(since_begin());
  }

  /// The clocks of a machine of which `ahead` says how wrong its wall clock is. Both references are
  /// used as long as the clocks are.
  Clocks clocks(const std::chrono::microseconds& ahead) const {
    return {.wall = [this, &ahead] { return wall() + ahead; },
            .uptime = [this] { return now_.time_since_epoch(); },
            .steady = [this] { return now_; }};
  }

 private:
  static constexpr TimePoint kBegin{std::chrono::hours{5}};
  TimePoint now_ = kBegin;
};

}  // namespace keyledger::commands::simulation
