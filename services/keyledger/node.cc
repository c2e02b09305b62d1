#include "services/keyledger/node.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "events/log/embedded/embedded_log.h"
#include "projections/rebuild.h"
#include "services/http/problem.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/metrics.h"
#include "services/keyledger/openapi.h"
#include "services/keyledger/progress.h"

namespace keyledger {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t kQueryThreads = 2;

/// The ring in `file`; with `make`, a new one where there is none.
Result<security::KeyRing> open_key_ring(const std::filesystem::path& file, bool make) {
  auto ring = security::KeyRing::load(file);
  if (ring || ring.error().code != Errc::not_found || !make) return ring;
  auto made = security::KeyRing::generate();
  if (auto saved = made.save(file, /*exclusive=*/true); !saved) {
    return fail(std::move(saved.error()));
  }
  return made;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
}

}  // namespace

Node::Node(const ServeConfig& config, logging::Logger& logger) : config_(config), logger_(logger) {}

Node::~Node() { stop(); }

Result<void> Node::start() {
  if (auto opened = open_storage(); !opened) return opened;
  if (auto ready = catch_up(); !ready) return ready;
  return start_server();
}

Result<void> Node::open_storage() {
  const DataDir data(config_.data_dir);
  std::error_code error;
  std::filesystem::create_directories(data.root(), error);
  if (error) {
    return fail(Errc::io, "can't make the data directory " + data.root().string() + ": " +
                              error.message() + "; name another with --data-dir");
  }
  auto log = log::open_embedded_log(data.log());
  if (!log) return fail(std::move(log.error()));
  log_ = std::move(*log);
  const auto end = log_->end();
  if (!end) return fail(end.error());

  // A ring made anew over a log that has events would have another pepper than its digests.
  auto ring = open_key_ring(config_.key_ring.value_or(data.key_ring()),
                            !config_.key_ring && *end == Position{});
  if (!ring) return fail(std::move(ring.error()));
  if (!ring->can_issue() && config_.has_role("command")) {
    return fail(Errc::incompatible,
                "this key ring is for validation alone; start with --roles verify, or name a whole "
                "one with --key-ring");
  }
  ring_ = std::move(*ring);

  projections::ReadModelOptions options;
  options.cache_bytes = config_.cache_bytes;
  auto model = projections::open_read_model(data.read_model(), options);
  if (!model && model.error().code == Errc::incompatible) {
    logger_.warn("folding the log into a new read model", {{"because", model.error().message}});
    ProgressLine line("rebuilding");
    const auto rebuilt = projections::rebuild_read_model(*log_, data.read_model(), line.callback());
    line.end();
    if (!rebuilt) return fail(rebuilt.error());
    model = projections::open_read_model(data.read_model(), options);
  }
  if (!model) return fail(std::move(model.error()));
  model_ = std::move(*model);
  return {};
}

Result<void> Node::catch_up() {
  freshness_ = std::make_unique<Freshness>(config_.max_staleness);
  projector_ = std::make_unique<projections::Projector>(*log_, *model_, [this](const Error& error) {
    freshness_->halted();
    logger_.error("projector halted", {{"error", error.message}});
  });
  ProgressLine line("catching up");
  auto caught_up = projector_->catch_up(line.callback());
  line.end();
  if (!caught_up) return caught_up;
  if (auto fits = check_pepper(); !fits) return fits;
  projector_->start();
  return {};
}

/// With another pepper than the log's digests were made with, no key would hold.
Result<void> Node::check_pepper() const {
  const auto meta = model_->meta();
  if (!meta) return fail(meta.error());
  const bool is_new = meta->log_id.empty();
  if (is_new || meta->pepper_fingerprint == ring_->pepper_fingerprint()) return {};
  return fail(Errc::incompatible,
              "the key ring's pepper is not the one that this log's digests were made with; start "
              "with the key ring that the log was created with");
}

Result<void> Node::start_server() {
  admission_ = std::make_unique<api::Admission>(*ring_, projector_->gate());
  query_threads_ = std::make_unique<boost::asio::thread_pool>(kQueryThreads);
  if (config_.has_role("command")) {
    commands::Writer::Options options;
    options.node = host_name();
    options.values_once = config_.values_once;
    writer_ = std::make_unique<commands::Writer>(*log_, *model_, projector_->gate(), *ring_,
                                                 logger_, options);
  }
  auto routes = service_routes();
  for (std::size_t i = 0; i < routes.size(); ++i) routes[i].index = i;
  request_metrics_ = std::make_unique<RequestMetrics>(routes);
  router_ = std::make_unique<http::Router>(std::move(routes));

  const unsigned threads =
      config_.threads != 0 ? config_.threads : std::max(1U, std::thread::hardware_concurrency());
  server_ = std::make_unique<http::Server>(
      *router_, config_.limits, threads, [this] { return projector_->gate().position().value; },
      [this](const http::Exchange& exchange) { observe(exchange); });
  std::vector<http::Server::Endpoint> endpoints;
  endpoints.reserve(config_.listen.size() + config_.verify_listen.size());
  for (const auto& address : config_.listen) {
    endpoints.push_back({address, http::ListenerKind::main});
  }
  for (const auto& address : config_.verify_listen) {
    endpoints.push_back({address, http::ListenerKind::verify});
  }
  if (auto bound = server_->listen(endpoints); !bound) return bound;
  // Not before: a start that fails for its address, over and over, must leave nothing in the log.
  if (writer_) {
    const bool named = !config_.advertise.empty();
    auto leads =
        writer_->lead(named ? config_.advertise : "http://" + server_->addresses().front());
    if (!leads) return leads;
  }
  server_->start();
  return {};
}

void Node::stop() {
  if (server_) server_->drain(config_.drain_timeout);
  if (writer_) writer_->stop();
  if (projector_) projector_->stop();
  if (query_threads_) query_threads_->join();
  server_.reset();
}

std::vector<http::Route> Node::service_routes() {
  std::vector<http::Route> routes;
  const auto append = [&routes](std::vector<http::Route> table) {
    std::ranges::move(table, std::back_inserter(routes));
  };
  if (config_.has_role("verify")) {
    verifier_ = std::make_unique<verify::Verifier>(*model_, ring_->pepper(), config_.key_prefix,
                                                   [this] { return freshness_->fresh(); });
    verify_routes_ = std::make_unique<verify::Routes>(
        *verifier_, *admission_, [this] { return projector_->gate().position().value; }, logger_);
    append(verify_routes_->table());
  }
  if (writer_) {
    command_routes_ =
        std::make_unique<commands::Routes>(*writer_, *admission_, *ring_, config_.key_prefix);
    append(command_routes_->table());
  }
  if (config_.has_role("query")) {
    query_routes_ =
        std::make_unique<queries::Routes>(*model_, *admission_, *ring_, *query_threads_);
    append(query_routes_->table());
  }
  const auto row = [this](const char* pattern, Response (Node::*handler)(const Request&) const) {
    http::Route route;
    route.method = Method::get;
    route.pattern = pattern;
    route.verify_listener = true;
    route.handler = http::InlineHandler(
        [this, handler](const Request& request) { return (this->*handler)(request); });
    return route;
  };
  routes.push_back(row("/healthz", &Node::health));
  routes.push_back(row("/readyz", &Node::readiness));
  routes.push_back(row("/metrics", &Node::metrics));
  http::Route openapi;
  openapi.pattern = "/openapi.yaml";
  openapi.handler = http::InlineHandler([](const Request&) {
    Response response;
    response.set("Content-Type", "application/yaml");
    response.body = openapi_yaml();
    return response;
  });
  routes.push_back(std::move(openapi));
  return routes;
}

Response Node::health(const Request&) const {
  return http::json_response(200, R"({"alive":true})");
}

std::vector<std::string> Node::why_not_ready() const {
  std::vector<std::string> reasons;
  if (const auto halted = projector_->halted()) reasons.push_back("halted: " + halted->why.message);
  if (config_.has_role("command") && !writer_->leads())
    reasons.emplace_back("this node takes no commands: its log says why, or it is stopping");
  return reasons;
}

Response Node::readiness(const Request&) const {
  const auto reasons = why_not_ready();
  const auto end = log_->end();
  const nlohmann::ordered_json body{{"ready", reasons.empty()},
                                    {"position", projector_->gate().position().value},
                                    {"log_end", end ? end->value : 0},
                                    {"reasons", reasons}};
  return http::json_response(reasons.empty() ? 200 : 503, body.dump());
}

Response Node::metrics(const Request&) const {
  MetricSources sources{*server_,      *request_metrics_,      *projector_, *log_, verifier_.get(),
                        writer_.get(), why_not_ready().empty()};
  Response response;
  response.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = render_metrics(sources);
  return response;
}

void Node::observe(const http::Exchange& exchange) {
  request_metrics_->observe(exchange.route, exchange.status, exchange.duration);
  const bool broken = exchange.status >= 500;
  if (!broken && !logger_.enabled(logging::Level::debug)) return;
  const auto write = broken ? &logging::Logger::warn : &logging::Logger::debug;
  (logger_.*write)(
      "request", {{"method", exchange.request.method_text},
                  {"route", exchange.route == nullptr ? std::string_view("none")
                                                      : std::string_view(exchange.route->pattern)},
                  {"status", std::uint64_t{exchange.status}},
                  {"microseconds", static_cast<std::int64_t>(exchange.duration.count() / 1000)},
                  {"address", exchange.request.remote_address},
                  {"request_id", exchange.request.request_id},
                  {"traceparent", exchange.request.traceparent},
                  {"error", exchange.log_text}});
}

}  // namespace keyledger
