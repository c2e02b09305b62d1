#pragma once

#include <chrono>

namespace keyledger::log {

/// Time since this machine was started. Nobody sets it, and it runs while the machine is suspended:
/// what ran out meanwhile has run out. Satisfies std's Clock. Thread safety: any thread.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming): std's name.

  static time_point now() noexcept;
};

}  // namespace keyledger::log
