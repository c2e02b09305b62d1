#include "services/commands/clocks.h"

#include <ctime>

namespace keyledger::commands {
namespace {

Instant wall_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::chrono::nanoseconds uptime_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Clocks system_clocks() { return {wall_now, uptime_now, std::chrono::steady_clock::now}; }

ClockGuard::ClockGuard(const Clocks& clocks)
    : uptime_(clocks.uptime), trusted_wall_(clocks.wall()), trusted_uptime_(uptime_()) {}

std::optional<std::chrono::seconds> ClockGuard::find_jump(Instant wall) {
  const auto uptime = uptime_();
  const auto ahead = (wall - trusted_wall_) - (uptime - trusted_uptime_);
  if (ahead > kTolerance) return std::chrono::duration_cast<std::chrono::seconds>(ahead);
  if (ahead >= -kTolerance) {
    trusted_wall_ = wall;  // Slow corrections add up to anything, and are right.
    trusted_uptime_ = uptime;
  }  // Else it was set back, and may be set right again: that's no jump ahead.
  return std::nullopt;
}

}  // namespace keyledger::commands
