#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <sys/resource.h>
#include <sys/time.h>
#include <vector>

namespace keyledger::bench {

using Seconds = std::chrono::duration<double>;

/// What this process has used so far, user and system.
inline double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Prints what bench/commands reads: commands per second, p50 and p99 in ms, CPU µs per command.
/// `latencies` are in seconds, and not empty.
inline void print_figures(std::vector<double> latencies, std::size_t commands, Seconds took,
                          double cpu) {
  std::ranges::sort(latencies);
  const auto percentile = [&](double part) {
    return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))];
  };
  const auto count = static_cast<double>(commands);
  std::printf("%.1f %.3f %.3f %.2f\n", count / took.count(), percentile(0.5) * 1e3,
              percentile(0.99) * 1e3, cpu / count * 1e6);
}

}  // namespace keyledger::bench
