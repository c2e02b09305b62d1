#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "events/time.h"

namespace keyledger::commands {

/// What a writer goes by. Thread safety: as that of the functions.
struct Clocks {
  std::function<Instant()> wall;  ///< What events say: somebody may set it.
  /// Since some moment, on a clock that nobody sets and that runs while the machine is suspended.
  std::function<std::chrono::nanoseconds()> uptime;
  /// What deadlines are on.
  std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
};

/// The machine's own. Thread safety: any thread.
Clocks system_clocks();

/// Notices a wall clock that is set far ahead while a node runs. The log's times never go back, so
/// one event from far ahead would stop every writer until that time has come.
class ClockGuard {
 public:
  static constexpr std::chrono::seconds kTolerance{60};

  explicit ClockGuard(const Clocks& clocks);

  /// How far `wall` was set ahead, if by more than the tolerance since the last time it was
  /// trusted.
  std::optional<std::chrono::seconds> find_jump(Instant wall);

 private:
  const std::function<std::chrono::nanoseconds()> uptime_;
  Instant trusted_wall_;
  std::chrono::nanoseconds trusted_uptime_;
};

}  // namespace keyledger::commands
