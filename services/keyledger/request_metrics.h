#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "services/http/router.h"

namespace keyledger {

/// Counts answers by route and class of status, and how long they took. Takes no lock.
/// Thread safety: observe() and collect() from any thread.
class RequestMetrics {
 public:
  /// Routes are told apart by their `index`, which must be their place in `routes`.
  explicit RequestMetrics(const std::vector<http::Route>& routes);

  /// `route` is null for a request that no route took.
  void observe(const http::Route* route, unsigned status, std::chrono::nanoseconds duration);

  std::vector<prometheus::MetricFamily> collect() const;

 private:
  static constexpr std::array<double, 10> kBoundSeconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                        0.005,  0.01,    0.05,   0.25,  1.0};
  struct Counters {
    std::string method;
    std::string pattern;
    std::array<std::atomic<std::uint64_t>, 6> by_class{};  ///< Index 4: the 4xx.
    std::array<std::atomic<std::uint64_t>, kBoundSeconds.size() + 1> by_duration{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };

  std::vector<Counters> counters_;  ///< One a route, and a last one for what no route took.
};

}  // namespace keyledger
