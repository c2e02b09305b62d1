#include "services/keyledger/node.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "events/log/kafka/candidates.h"
#include "events/log/kafka/replicas.h"
#include "events/log/kafka/topics.h"
#include "events/log/pause.h"
#include "services/http/problem.h"
#include "services/keyledger/envelope_use.h"
#include "services/keyledger/metrics.h"
#include "services/keyledger/node_id.h"
#include "services/keyledger/progress.h"
#include "services/keyledger/read_model_start.h"
#include "services/keyledger/repair.h"
#include "services/keyledger/status.h"
#include "services/page/routes.h"

namespace keyledger {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t kQueryThreads = 2;
/// Subscribers who catch up must not keep others from their lists.
constexpr std::size_t kFeedThreads = 1;
constexpr std::chrono::seconds kLeadAgainAfter{1};
constexpr std::chrono::seconds kLeaseWithin{5};
/// How long who quarantines an event waits to hear how the projector goes on.
constexpr std::chrono::seconds kFollowWithin{10};

/// The ring in `file`; with `make`, a new one where there is none.
Result<security::KeyRing> load_or_make(const std::filesystem::path& file, bool make) {
  auto ring = security::KeyRing::load(file);
  if (ring || ring.error().code != Errc::not_found || !make) return ring;
  auto made = security::KeyRing::generate();
  if (auto saved = made.save(file, /*exclusive=*/true); !saved) {
    return fail(std::move(saved.error()));
  }
  return made;
}

/// The address of a listener for who is on the same machine: an address that stands for all of a
/// machine's own can't be asked for by every browser.
std::string reachable_address(std::string address) {
  for (const auto& [any, loopback] : {std::pair{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}}) {
    if (address.starts_with(any)) address.replace(0, std::string_view(any).size(), loopback);
  }
  return address;
}

/// Why a projector doesn't go on, and what to do about it.
std::string advice(const projections::Halt& halt) {
  if (!halt.event) return halt.why.message;
  return halt.why.message + "; the only way past it is keyledger projection quarantine " +
         std::to_string(halt.event->value) + " --reason …, see docs/operations.md";
}

}  // namespace

Node::Node(const ServeConfig& config, logging::Logger& logger) : config_(config), logger_(logger) {}

Node::~Node() { stop(); }

Result<void> Node::open() {
  if (auto opened = open_storage(); !opened) return opened;
  return catch_up();
}

Result<void> Node::open_storage() {
  const DataDir data(config_.data_dir);
  std::error_code error;
  std::filesystem::create_directories(data.root(), error);
  if (error) {
    return fail(Errc::io, "can't make the data directory " + data.root().string() + ": " +
                              error.message() + "; name another with --data-dir");
  }
  if (auto opened = open_log(data); !opened) return opened;
  if (auto opened = open_key_ring(); !opened) return opened;
  projections::ReadModelOptions options;
  options.cache_bytes = config_.cache_bytes;
  ProgressLine progress("rebuilding", &logger_);
  const auto tell = [this](const Error& why) {
    logger_.warn("folding the log into a new read model", {{"because", why.message}});
  };
  auto model = open_or_rebuild_read_model(*log_, data.read_model(), options, progress, tell);
  if (!model) return fail(std::move(model.error()));
  model_ = std::move(*model);
  return {};
}

Result<void> Node::open_key_ring() {
  const auto end = log_->end();
  if (!end) return fail(end.error());
  // A ring made anew over a log that has events would have another pepper than its digests; and
  // several nodes have one ring.
  const bool may_make = !config_.key_ring && embedded_ != nullptr && *end == Position{};
  const auto file = config_.key_ring.value_or(DataDir(config_.data_dir).key_ring());
  auto ring = load_or_make(file, may_make);
  if (!ring && kafka_ != nullptr && ring.error().code == Errc::not_found) {
    return fail(Errc::not_found,
                ring.error().message +
                    ": the nodes of a deployment share one, made once by keyledger "
                    "keyring init FILE; name it with --key-ring");
  }
  if (!ring) return fail(std::move(ring.error()));
  if (!ring->can_issue() && config_.has_role("command")) {
    return fail(Errc::incompatible,
                "this key ring is for validation alone; start with --roles verify, or name a whole "
                "one with --key-ring");
  }
  ring_ = std::move(*ring);
  // A ring of before there were checkpoints. One that others have too is its owner's to renew.
  const bool is_own = !config_.key_ring && embedded_ != nullptr;
  if (is_own && ring_->add_checkpoint_key()) {
    if (auto saved = ring_->save(file, /*exclusive=*/false); !saved) return saved;
    logger_.info("the key ring has got a key for checkpoints");
  }
  return {};
}

Result<void> Node::open_log(const DataDir& data) {
  if (config_.log.kind == LogConfig::Kind::embedded) {
    auto log = log::open_embedded_log(data.log());
    if (!log) return fail(std::move(log.error()));
    embedded_ = log->get();
    log_ = std::move(*log);
    return {};
  }
  auto id = open_node_id(data.node_id());
  if (!id) return fail(std::move(id.error()));
  id_ = std::move(*id);
  log::KafkaOptions options = config_.log.kafka(id_);
  const bool writes = config_.has_role("command");
  if (writes) options.secrets = data.secrets();
  const auto use = writes ? log::TopicUse::all : log::TopicUse::following;
  if (auto fit = log::check_topics(options, kafka_complaints(), use); !fit) {
    if (fit.error().code != Errc::forbidden) return fit;
    logger_.warn("the topics' settings can't be checked", {{"error", fit.error().message}});
  }
  auto log = log::open_kafka_log(options, kafka_complaints());
  if (!log) return fail(std::move(log.error()));
  kafka_ = log->get();
  log_ = std::move(*log);
  auto registry = log::open_kafka_replicas(options, kafka_complaints());
  if (!registry) return fail(std::move(registry.error()));
  registry_ = std::move(*registry);
  return {};
}

/// Where the lines of Kafka's clients go.
log::KafkaLogger Node::kafka_complaints() const {
  return [this](const std::string& line) { logger_.warn("kafka", {{"line", line}}); };
}

Result<void> Node::catch_up() {
  freshness_ = std::make_unique<Freshness>(config_.max_staleness);
  lag_ = std::make_unique<Lag>(config_.max_staleness);
  projector_ = std::make_unique<projections::Projector>(
      *log_, *model_,
      [this](const Error& error) {
        freshness_->halted();
        const auto halted = projector_->halted();
        logger_.error("projector halted", {{"error", halted ? advice(*halted) : error.message}});
      },
      [this] {
        freshness_->caught_up();
        logger_.info("projector goes on");
      });
  ProgressLine line("catching up", &logger_);
  auto caught_up = projector_->catch_up(line.callback());
  line.end();
  if (caught_up) {
    freshness_->caught_up();
  } else if (const auto halted = projector_->halted(); !halted || !halted->event) {
    return caught_up;
  }
  if (auto fits = check_pepper(); !fits) return fits;
  if (auto resumed = resume_checkpoints(); !resumed) return resumed;
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

/// A log that contradicts what this node signed of it is served no further, in whatever roles; on
/// from there is signed where somebody can ask for it.
Result<void> Node::resume_checkpoints() {
  if (!ring_->can_issue()) return {};
  const bool publishes = config_.has_role("query");
  if (ring_->checkpoint_seed().empty()) {
    if (!publishes) return {};
    logger_.warn("no checkpoints are published: the key ring has no key for them",
                 {{"do", "run keyledger keyring rotate on it, and start the nodes anew"}});
    return {};
  }
  auto publisher = std::make_unique<audit::Publisher>(
      *model_, projector_->gate(), logger_,
      audit::Publisher::Options{ring_->checkpoint_seed(), DataDir(config_.data_dir).checkpoint()});
  auto resumed = publisher->resume(projector_->halted().has_value());
  if (resumed && publishes) publisher_ = std::move(publisher);
  return resumed;
}

Result<void> Node::start() {
  if (!config_.jwks.empty()) {
    issuer_keys_ = std::make_unique<api::IssuerKeys>(
        api::IssuerKeys::Options{.issuer = config_.issuer, .source = config_.jwks}, logger_);
    if (auto read = issuer_keys_->start(); !read) return read;
  }
  admission_ = std::make_unique<api::Admission>(*ring_, projector_->gate(),
                                                config_.has_role("page") ? &sessions_ : nullptr,
                                                issuer_keys_.get());
  query_threads_ = std::make_unique<boost::asio::thread_pool>(kQueryThreads);
  if (config_.has_role("command")) {
    commands::Writer::Options options;
    options.node = kafka_ != nullptr ? id_ : host_name();
    options.values_once = config_.values_once;
    writer_ = std::make_unique<commands::Writer>(*log_, *model_, projector_->gate(), *ring_,
                                                 logger_, options);
  }
  if (!config_.tls_certificate.empty()) {
    auto tls = http::ServerTls::load(config_.tls_certificate, config_.tls_key);
    if (!tls) return fail(std::move(tls.error()));
    tls_ = std::move(*tls);
  }
  auto routes = service_routes();
  if (issuer_keys_) {
    for (auto& route : routes) route.handler = issuer_keys_->guard(std::move(route.handler));
  }
  if (config_.throttle_per_minute > 0) {
    throttle_ = std::make_unique<api::Throttle>(config_.throttle_per_minute);
    for (auto& route : routes) {
      // Who asks there is a service, which asks for all of its clients.
      if (route.pattern.starts_with("/v1/verify")) continue;
      route.handler = throttle_->guard(std::move(route.handler));
    }
  }
  for (std::size_t i = 0; i < routes.size(); ++i) routes[i].index = i;
  request_metrics_ = std::make_unique<RequestMetrics>(routes);
  router_ = std::make_unique<http::Router>(std::move(routes));

  const unsigned threads =
      config_.threads != 0 ? config_.threads : std::max(1U, std::thread::hardware_concurrency());
  server_ = std::make_unique<http::Server>(
      *router_, config_.limits, threads, [this] { return projector_->gate().position().value; },
      [this](const http::Exchange& exchange) { observe(exchange); }, tls_.get(),
      // Checked with the other options.
      *http::TrustedProxies::parse(config_.trusted_proxies));
  std::vector<http::Server::Endpoint> endpoints;
  endpoints.reserve(config_.listen.size() + config_.verify_listen.size());
  for (const auto& address : config_.listen) {
    endpoints.push_back({address, http::ListenerKind::main});
  }
  for (const auto& address : config_.verify_listen) {
    endpoints.push_back({address, http::ListenerKind::verify});
  }
  if (auto bound = server_->listen(endpoints); !bound) return bound;
  if (registry_ && config_.has_role("verify")) keep_lease();
  // Not before: a start that fails for its address, over and over, must leave nothing in the log.
  if (writer_ && kafka_ != nullptr) {
    writer_->stand(own_url());
  } else if (writer_ && projector_->halted()) {
    leading_ = std::jthread([this](const std::stop_token& stop) { lead_when_caught_up(stop); });
  } else if (writer_) {
    if (auto leads = lead(); !leads) return leads;
  }
  if (writer_) {
    eraser_ = std::make_unique<commands::Eraser>(*log_, logger_, config_.erase_within);
  }
  // A node answers 503 to who validates until its first renewal: as a rule that takes no time.
  if (lease_ && !lease_->wait_until_fresh(kLeaseWithin)) {
    logger_.warn("this node serves before it may validate");
  }
  if (publisher_) publisher_->start();
  server_->start();
  start_admin_server();
  return {};
}

/// What this node validates by: see replicas::Lease.
void Node::keep_lease() {
  std::string roles;
  for (const std::string& role : config_.roles) roles += (roles.empty() ? "" : ",") + role;
  lease_ = std::make_unique<replicas::LeaseKeeper>(
      *registry_, *log_, projector_->gate(), [this] { return projector_->halted().has_value(); },
      logger_,
      replicas::Lease::Options{
          .node = id_, .length = config_.max_staleness, .url = own_url(), .roles = roles});
}

Result<void> Node::lead() { return writer_->lead(own_url()); }

/// Where other nodes reach this one.
std::string Node::own_url() const {
  const bool named = !config_.advertise.empty();
  return named ? config_.advertise : std::string(scheme()) + "://" + server_->addresses().front();
}

/// For a node that started halted: what is written must rest on everything that was.
void Node::lead_when_caught_up(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto end = log_->end();
    const bool at_end = end && projector_->gate().wait_for(
                                   *end, std::chrono::steady_clock::now() + kLeadAgainAfter);
    if (at_end && !projector_->halted()) {
      const auto leads = lead();
      if (leads) return;
      logger_.error("can't take commands yet", {{"error", leads.error().message}});
    }
    log::pause(stop, kLeadAgainAfter);
  }
}

/// A node does its work without it too: what it is for can be done when the node is stopped.
void Node::start_admin_server() {
  auto admin = AdminServer::start(
      DataDir(config_.data_dir).admin_socket(),
      [this](const std::string& line, unsigned uid) { return answer_admin(line, uid); });
  if (admin) {
    admin_ = std::move(*admin);
  } else {
    logger_.warn("this node can't be asked to copy or repair while it runs",
                 {{"error", admin.error().message}});
  }
}

std::optional<std::string> Node::make_sign_in_link() {
  if (!config_.has_role("page")) return std::nullopt;
  security::Principal owner;
  owner.subject = config_.page_username;
  owner.account = *AccountId::parse(config_.page_account);
  owner.username = *Username::parse(config_.page_username);
  owner.scopes = security::kOwnerScopes;
  return std::string(scheme()) + "://" + reachable_address(server_->addresses().front()) +
         "/sign-in?token=" + sessions_.make_link(std::move(owner), api::now());
}

/// The link is a secret: it goes to who asked, and not to the log.
std::string Node::answer_sign_in(unsigned uid) {
  const auto link = make_sign_in_link();
  logger_.info("admin request", {{"uid", std::uint64_t{uid}},
                                 {"request", "sign-in"},
                                 {"answer", link ? "a link" : "no page"}});
  if (!link) return R"({"error":"this node has no page: it was started without that role"})";
  return nlohmann::json{{"link", *link}}.dump();
}

std::string Node::answer_envelope_keys() const {
  const auto use = count_envelopes(*log_);
  if (!use) return nlohmann::json{{"error", use.error().message}}.dump();
  const auto& keys = ring_->envelope_keys();
  return nlohmann::json{{"newest", keys.empty() ? "" : keys.front().id}, {"values", *use}}.dump();
}

std::string Node::answer_admin(const std::string& line, unsigned uid) {
  const LedgerParts parts{*log_, embedded_, *model_, *projector_,
                          [this](Position last, Position fact) { follow(last, fact); }};
  const auto request = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (request == sign_in_request()) return answer_sign_in(uid);
  if (request == envelope_keys_request()) return answer_envelope_keys();
  const auto answer = request == status_request() ? status() : carry_out(parts, request, uid);
  const auto text = [](const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  const std::string said = answer ? text(*answer) : text({{"error", answer.error().message}});
  logger_.info("admin request", {{"uid", std::uint64_t{uid}}, {"request", line}, {"answer", said}});
  return said;
}

nlohmann::ordered_json Node::status() const {
  StatusSources sources{
      .node = kafka_ != nullptr ? id_ : host_name(),
      .url = own_url(),
      .roles = config_.roles,
      .log = *log_,
      .log_kind = kafka_ != nullptr ? "kafka" : "embedded",
      .model = *model_,
      .position = projector_->gate().position(),
      .reasons = why_not_ready(),
      .registry = registry_.get(),
      .candidates = {},
  };
  if (kafka_ != nullptr) {
    sources.candidates = [this] {
      return log::read_candidates(config_.log.kafka("keyledger-tool"), kafka_complaints());
    };
  }
  return deployment_status(sources);
}

void Node::follow(Position last, Position fact) const {
  constexpr std::chrono::milliseconds kLook{50};
  const auto until = std::chrono::steady_clock::now() + kFollowWithin;
  while (std::chrono::steady_clock::now() < until) {
    const auto look = std::chrono::steady_clock::now() + kLook;
    const bool is_there = projector_->gate().wait_for(fact, look).has_value();
    const auto halted = projector_->halted();
    if (halted ? !halted->event || *halted->event > last : is_there) return;
  }
}

void Node::reload_key_ring() {
  const auto file = config_.key_ring.value_or(DataDir(config_.data_dir).key_ring());
  auto ring = security::KeyRing::load(file);
  auto adopted = ring ? ring_->adopt(*std::move(ring)) : fail(std::move(ring.error()));
  if (!adopted) {
    logger_.error("the key ring stays as it was",
                  {{"file", file.string()}, {"error", adopted.error().message}});
    return;
  }
  const auto& keys = ring_->envelope_keys();
  logger_.info("the key ring was read again",
               {{"file", file.string()},
                {"envelope_key", keys.empty() ? std::string_view{} : keys.front().id},
                {"envelope_keys", keys.size()}});
}

void Node::reload() {
  reload_key_ring();
  if (!tls_) {
    logger_.debug("listeners take plain text: there is no certificate to read again");
  } else if (const auto read = tls_->reload(); read) {
    logger_.info("certificate and key were read again",
                 {{"certificate", config_.tls_certificate.string()}});
  } else {
    logger_.error("certificate and key stay as they were", {{"error", read.error().message}});
  }
}

void Node::stop() {
  admin_.reset();
  leading_ = {};
  if (writer_) writer_->hand_over();
  if (propagation_) propagation_->stop();  // Whoever waits for other nodes is told at once.
  if (publisher_) publisher_->stop();      // So is whoever waits for a checkpoint.
  if (server_) server_->drain(config_.drain_timeout);
  eraser_.reset();
  if (writer_) writer_->stop();
  if (lease_) lease_->stop();
  if (projector_) projector_->stop();
  if (query_threads_) query_threads_->join();
  if (feed_threads_) feed_threads_->join();
  peers_.close_idle();
  server_.reset();
  if (issuer_keys_) issuer_keys_->stop();
}

std::vector<http::Route> Node::service_routes() {
  std::vector<http::Route> routes;
  const auto append = [&routes](std::vector<http::Route> table) {
    std::ranges::move(table, std::back_inserter(routes));
  };
  if (config_.has_role("verify")) {
    verifier_ = std::make_unique<verify::Verifier>(
        *model_, ring_->pepper(), config_.key_prefix,
        [this] { return lease_ ? lease_->fresh() : freshness_->fresh(); });
    verify_routes_ = std::make_unique<verify::Routes>(
        *verifier_, *model_, *admission_, [this] { return projector_->gate().position().value; },
        *query_threads_, logger_);
    append(verify_routes_->table());
  }
  if (writer_) {
    if (kafka_ != nullptr) {
      forwarder_ = std::make_unique<commands::Forwarder>(*model_, projector_->gate(), *ring_,
                                                         peers_, [this] { return own_url(); });
    }
    if (registry_) {
      propagation_ = std::make_unique<replicas::Propagation>(*registry_, logger_);
    }
    command_routes_ = std::make_unique<commands::Routes>(
        *writer_, *admission_, *ring_, config_.key_prefix, forwarder_.get(), propagation_.get());
    append(command_routes_->table());
  }
  if (config_.has_role("query")) {
    query_routes_ =
        std::make_unique<queries::Routes>(*model_, *admission_, *ring_, *query_threads_);
    append(query_routes_->table());
    feed_threads_ = std::make_unique<boost::asio::thread_pool>(kFeedThreads);
    feed_ = std::make_unique<feed::Source>(*model_, projector_->gate(), *feed_threads_, logger_);
    feed_routes_ = std::make_unique<feed::Routes>(*feed_, *admission_);
    append(feed_routes_->table());
    audit_routes_ = std::make_unique<audit::Routes>(*model_, *log_, *admission_, *query_threads_,
                                                    publisher_.get());
    append(audit_routes_->table());
  }
  if (config_.has_role("page")) {
    sessions::Deployment deployment{config_.values_once, [this] { return count_replicas(); }};
    session_routes_ =
        std::make_unique<sessions::Routes>(sessions_, *admission_, std::move(deployment), logger_);
    append(session_routes_->table());
    append(page::routes());
  }
  const auto row = [this](const char* pattern, Response (Node::*handler)(const Request&) const) {
    auto route = http::route_to(this, Method::get, pattern, handler);
    route.verify_listener = true;
    return route;
  };
  routes.push_back(row("/healthz", &Node::health));
  routes.push_back(row("/readyz", &Node::readiness));
  routes.push_back(row("/metrics", &Node::metrics));
  routes.push_back(page::openapi_route());
  return routes;
}

/// Those that are known to validate now.
std::size_t Node::count_replicas() const {
  if (!registry_) return 0;
  const auto known = registry_->known();
  if (!known) return 0;
  const auto now = log::BootClock::now();
  return static_cast<std::size_t>(std::ranges::count_if(
      *known, [now](const auto& one) { return one.read_at + one.replica.lease > now; }));
}

Response Node::health(const Request&) const {
  return http::json_response(200, R"({"alive":true})");
}

std::vector<std::string> Node::why_not_ready() const {
  std::vector<std::string> reasons;
  if (const auto halted = projector_->halted()) reasons.push_back("halted: " + advice(*halted));
  if (lag_->is_behind(projector_->gate().position(), log_->known_end(), Lag::Clock::now())) {
    reasons.emplace_back("the read model lags behind the log");
  }
  if (lease_ && !lease_->fresh()) {
    const std::string error = lease_->figures().last_error;
    reasons.push_back("this node may not validate: its lease has run out" +
                      (error.empty() ? "" : ": " + error));
  }
  if (publisher_) {
    const auto failure = publisher_->failure();
    if (failure && failure->code == Errc::damaged) {
      reasons.push_back("no checkpoint is published: " + failure->message);
    }
  }
  if (config_.has_role("command") && !writer_->leads()) {
    if (kafka_ == nullptr) {
      reasons.emplace_back("this node takes no commands: its log says why, or it is stopping");
    } else if (const auto meta = model_->meta(); !meta || meta->writer.url.empty()) {
      reasons.emplace_back("no node is known to take commands");
    }
  }
  return reasons;
}

Response Node::readiness(const Request&) const {
  const auto reasons = why_not_ready();
  const nlohmann::ordered_json body{{"ready", reasons.empty()},
                                    {"position", projector_->gate().position().value},
                                    {"log_end", log_->known_end().value},
                                    {"reasons", reasons}};
  return http::json_response(reasons.empty() ? 200 : 503, body.dump());
}

Response Node::metrics(const Request&) const {
  MetricSources sources{*server_,      *request_metrics_, *projector_,
                        *log_,         verifier_.get(),   writer_.get(),
                        eraser_.get(), logger_,           why_not_ready().empty(),
                        kafka_,        lease_.get(),      propagation_.get(),
                        feed_.get(),   publisher_.get(),  throttle_.get()};
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
                  {"address", exchange.request.origin_address()},
                  {"request_id", exchange.request.request_id},
                  {"traceparent", exchange.request.traceparent},
                  {"error", exchange.log_text}});
}

}  // namespace keyledger
