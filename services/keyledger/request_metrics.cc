#include "services/keyledger/request_metrics.h"

#include <algorithm>
#include <utility>

namespace keyledger {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string method_name(http::Method method) {
  switch (method) {
    case http::Method::get:
      return "GET";
    case http::Method::head:
      return "HEAD";
    case http::Method::post:
      return "POST";
    case http::Method::put:
      return "PUT";
    case http::Method::patch:
      return "PATCH";
    case http::Method::delete_:
      return "DELETE";
    case http::Method::other:
      return "ANY";
  }
  std::unreachable();
}

}  // namespace

RequestMetrics::RequestMetrics(const std::vector<http::Route>& routes)
    : counters_(routes.size() + 1) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    counters_[i].method = method_name(routes[i].method);
    counters_[i].pattern = routes[i].pattern;
  }
  counters_.back().method = "ANY";
  counters_.back().pattern = "none";
}

void RequestMetrics::observe(const http::Route* route, unsigned status,
                             std::chrono::nanoseconds duration) {
  Counters& counters = counters_[route == nullptr ? counters_.size() - 1 : route->index];
  const std::size_t status_class = std::min(status / 100U, 5U);
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto bound = std::ranges::lower_bound(kBoundSeconds, seconds);
  const auto bucket = static_cast<std::size_t>(bound - kBoundSeconds.begin());
  counters.by_class[status_class].fetch_add(1, std::memory_order_relaxed);
  counters.by_duration[bucket].fetch_add(1, std::memory_order_relaxed);
  counters.nanoseconds.fetch_add(static_cast<std::uint64_t>(duration.count()),
                                 std::memory_order_relaxed);
}

std::vector<MetricFamily> RequestMetrics::collect() const {
  MetricFamily requests{"keyledger_http_requests_total",
                        "Answers by route and class of status",
                        MetricType::Counter,
                        {}};
  MetricFamily durations{"keyledger_http_request_duration_seconds",
                         "From a request's last byte to its answer",
                         MetricType::Histogram,
                         {}};
  for (const Counters& counters : counters_) {
    const std::vector<ClientMetric::Label> route{{"method", counters.method},
                                                 {"route", counters.pattern}};
    for (std::size_t status_class = 1; status_class < counters.by_class.size(); ++status_class) {
      const auto count = counters.by_class[status_class].load(std::memory_order_relaxed);
      if (count == 0) continue;
      ClientMetric metric;
      metric.label = route;
      metric.label.push_back({"status", std::to_string(status_class) + "xx"});
      metric.counter.value = static_cast<double>(count);
      requests.metric.push_back(std::move(metric));
    }
    ClientMetric metric;
    metric.label = route;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < kBoundSeconds.size(); ++i) {
      cumulative += counters.by_duration[i].load(std::memory_order_relaxed);
      metric.histogram.bucket.push_back({cumulative, kBoundSeconds[i]});
    }
    cumulative += counters.by_duration.back().load(std::memory_order_relaxed);
    if (cumulative == 0) continue;
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum =
        static_cast<double>(counters.nanoseconds.load(std::memory_order_relaxed)) / 1e9;
    durations.metric.push_back(std::move(metric));
  }
  return {std::move(requests), std::move(durations)};
}

}  // namespace keyledger
