#include "services/keyledger/metrics.h"

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include <prometheus/text_serializer.h>

namespace keyledger {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

template <typename Number>
MetricFamily gauge(const char* name, const char* help, Number value) {
  ClientMetric metric;
  metric.gauge.value = static_cast<double>(value);
  return {name, help, MetricType::Gauge, {std::move(metric)}};
}

template <typename Number>
MetricFamily counter(const char* name, const char* help, Number value) {
  ClientMetric metric;
  metric.counter.value = static_cast<double>(value);
  return {name, help, MetricType::Counter, {std::move(metric)}};
}

MetricFamily validations(const verify::Verifier& verifier) {
  MetricFamily family{
      "keyledger_validations_total", "Judged key values by code", MetricType::Counter, {}};
  for (std::size_t i = 0; i < verify::kCodes; ++i) {
    const auto code = static_cast<verify::Code>(i);
    ClientMetric metric;
    metric.label = {{"code", std::string(verify::code_name(code))}};
    metric.counter.value = static_cast<double>(verifier.count(code));
    family.metric.push_back(std::move(metric));
  }
  return family;
}

void add_kafka(std::vector<MetricFamily>& families, const log::KafkaStats& stats) {
  families.push_back(gauge("keyledger_kafka_brokers_up",
                           "Brokers that this node has a connection to", stats.brokers_up.load()));
  families.push_back(
      gauge("keyledger_kafka_brokers_down", "Brokers that it has lost", stats.brokers_down.load()));
  families.push_back(
      counter("keyledger_kafka_commits_total", "Transactions committed", stats.commits.load()));
  families.push_back(counter("keyledger_kafka_failed_commits_total",
                             "Transactions whose outcome was unknown when they failed",
                             stats.failed_commits.load()));
  families.push_back(counter("keyledger_kafka_take_overs_total",
                             "Times that this node became the writer", stats.take_overs.load()));
  families.push_back(counter("keyledger_kafka_fenced_total",
                             "Appends that failed because another node had taken over",
                             stats.fenced.load()));
  families.push_back(counter("keyledger_kafka_appended_bytes_total", "Bytes of events written",
                             stats.appended_bytes.load()));
  families.push_back(counter("keyledger_kafka_tailed_bytes_total", "Bytes of events received",
                             stats.tailed_bytes.load()));
}

void add_lease(std::vector<MetricFamily>& families, const replicas::Lease::Figures& figures) {
  families.push_back(
      gauge("keyledger_lease_holds", "Whether this node may validate now", figures.holds ? 1 : 0));
  if (figures.staleness) {
    families.push_back(gauge("keyledger_staleness_seconds",
                             "Since the read model was last known to be at the log's end",
                             std::chrono::duration<double>(*figures.staleness).count()));
  }
  families.push_back(
      counter("keyledger_lease_renewals_total", "Renewals that went well", figures.renewals));
  families.push_back(counter("keyledger_lease_failures_total",
                             "Renewals and announcements that failed", figures.failures));
}

}  // namespace

std::string render_metrics(const MetricSources& sources) {
  auto families = sources.requests.collect();
  const auto& connections = sources.server.stats();
  families.push_back(gauge("keyledger_ready", "Whether the node is ready", sources.ready ? 1 : 0));
  families.push_back(gauge("keyledger_http_connections_open", "Connections now",
                           connections.connections_open.load()));
  families.push_back(counter("keyledger_http_connections_accepted_total", "Connections accepted",
                             connections.connections_accepted.load()));
  families.push_back(counter("keyledger_http_connections_refused_total",
                             "Connections closed for the limit",
                             connections.connections_refused.load()));
  families.push_back(counter("keyledger_http_refused_for_memory_total",
                             "Requests refused because large bodies or answers held all memory",
                             connections.refused_for_memory.load()));

  const auto position = sources.projector.gate().position().value;
  const auto end = sources.log.known_end().value;
  families.push_back(
      gauge("keyledger_projection_position", "What the read model has applied", position));
  families.push_back(gauge("keyledger_log_end", "The log's last position", end));
  families.push_back(gauge("keyledger_projection_lag", "Positions that are not applied yet",
                           end - std::min(end, position)));
  families.push_back(gauge("keyledger_projection_halted", "Whether the projector has halted",
                           sources.projector.halted() ? 1 : 0));
  families.push_back(counter("keyledger_projection_events_total", "Events applied",
                             sources.projector.stats().applied_events.load()));
  families.push_back(counter("keyledger_projection_rejected_total",
                             "Runs skipped by the fold's guard; 0 on a healthy log",
                             sources.projector.stats().rejected_runs.load()));
  families.push_back(counter("keyledger_log_lines_dropped_total",
                             "Lines that nobody read from standard error in time",
                             sources.logger.dropped_lines()));
  if (sources.verifier != nullptr) families.push_back(validations(*sources.verifier));
  if (sources.writer != nullptr) {
    const auto& writer = sources.writer->stats();
    families.push_back(gauge("keyledger_writer_leads", "Whether this node takes commands",
                             sources.writer->leads() ? 1 : 0));
    families.push_back(
        counter("keyledger_commands_total", "Commands decided", writer.commands.load()));
    families.push_back(counter("keyledger_command_batches_total", "Groups of commands committed",
                               writer.batches.load()));
    families.push_back(counter("keyledger_commands_refused_for_load_total",
                               "Commands refused because the queue was full",
                               sources.writer->refused_for_load()));
    families.push_back(counter("keyledger_append_failures_total", "Appends that failed",
                               writer.failed_appends.load()));
  }
  if (sources.eraser != nullptr) {
    const auto& eraser = sources.eraser->stats();
    families.push_back(counter("keyledger_erasures_total",
                               "Times that erased values were purged from the disk",
                               eraser.purges.load()));
    families.push_back(counter("keyledger_erasure_failures_total",
                               "Times that this failed; it is tried again",
                               eraser.failures.load()));
  }
  if (sources.kafka != nullptr) add_kafka(families, sources.kafka->stats());
  if (sources.lease != nullptr) add_lease(families, sources.lease->figures());
  if (sources.propagation != nullptr) {
    const auto& waits = sources.propagation->stats();
    families.push_back(counter("keyledger_waits_applied_everywhere_total",
                               "Changes that all live replicas had applied in time",
                               waits.everywhere.load()));
    families.push_back(counter("keyledger_waits_not_applied_everywhere_total",
                               "Changes of which that is not known", waits.not_everywhere.load()));
  }
  if (sources.feed != nullptr) {
    const auto& feed = sources.feed->stats;
    families.push_back(
        gauge("keyledger_feed_subscribers", "Change feeds that are open", feed.subscribers.load()));
    families.push_back(counter("keyledger_feed_events_total", "Events sent, over all change feeds",
                               feed.events_sent.load()));
    families.push_back(counter("keyledger_feed_cut_off_total",
                               "Subscribers cut off: too slow, or no memory for a page",
                               feed.cut_off.load()));
  }
  if (sources.publisher != nullptr) {
    const auto latest = sources.publisher->latest();
    families.push_back(gauge("keyledger_checkpoint_size", "Events of the checkpoint signed last",
                             latest ? latest->checkpoint.size : 0));
    families.push_back(gauge("keyledger_checkpoint_failing",
                             "Whether the log's next checkpoint can't be signed or kept",
                             sources.publisher->failure() ? 1 : 0));
  }
  if (sources.throttle != nullptr) {
    families.push_back(counter("keyledger_throttled_total",
                               "Requests refused with 429 because their address failed too often",
                               sources.throttle->refused()));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace keyledger
