#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json_fwd.hpp>

#include "events/log/embedded/embedded_log.h"
#include "events/log/kafka/kafka_log.h"
#include "events/result.h"
#include "projections/projector.h"
#include "projections/read_model.h"
#include "services/api/admission.h"
#include "services/api/issuer_keys.h"
#include "services/api/throttle.h"
#include "services/audit/publisher.h"
#include "services/audit/routes.h"
#include "services/commands/eraser.h"
#include "services/commands/forwarder.h"
#include "services/commands/routes.h"
#include "services/commands/writer.h"
#include "services/feed/routes.h"
#include "services/feed/subscription.h"
#include "services/http/client.h"
#include "services/http/router.h"
#include "services/http/server.h"
#include "services/http/tls.h"
#include "services/keyledger/admin_server.h"
#include "services/keyledger/config.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/freshness.h"
#include "services/keyledger/lag.h"
#include "services/keyledger/request_metrics.h"
#include "services/logging/logger.h"
#include "services/queries/routes.h"
#include "services/replicas/lease_keeper.h"
#include "services/replicas/propagation.h"
#include "services/security/key_ring.h"
#include "services/security/sessions.h"
#include "services/sessions/routes.h"
#include "services/verify/routes.h"
#include "services/verify/verifier.h"

namespace keyledger {

/// The composition root: owns every part of a running node, in the order in which they are made,
/// which reversed is the order in which they end.
class Node {
 public:
  /// `config` and `logger` are used until the Node is gone.
  Node(const ServeConfig& config, logging::Logger& logger);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Opens what is stored, and catches up. Errors: of the parts, with advice; unavailable where no
  /// broker answers, or none leads: another Node may be made and opened later.
  Result<void> open();

  /// Opens a term and serves, after open(). Where an event couldn't be read or applied, serves
  /// without being ready, until that is quarantined. Errors: of the parts, with advice.
  Result<void> start();

  /// Finishes what is in flight and closes everything. Also where something above failed.
  void stop();

  const http::Server& server() const { return *server_; }

  /// Reads again what may change while the node runs: the key ring's renewed keys, and certificate
  /// and key for new connections.
  void reload();

  /// "https" where listeners speak TLS, else "http".
  const char* scheme() const { return tls_ ? "https" : "http"; }

  /// A new link by which the owner of the page's account signs in, once; nothing where this node
  /// has no page.
  std::optional<std::string> make_sign_in_link();

 private:
  Result<void> open_storage();
  Result<void> open_log(const DataDir& data);
  log::KafkaLogger kafka_complaints() const;
  Result<void> catch_up();
  Result<void> check_pepper() const;
  Result<void> open_key_ring();
  Result<void> resume_checkpoints();
  Result<void> lead();
  std::string own_url() const;
  void lead_when_caught_up(const std::stop_token& stop);
  void keep_lease();
  void start_admin_server();
  std::string answer_admin(const std::string& line, unsigned uid);
  nlohmann::ordered_json status() const;
  std::string answer_sign_in(unsigned uid);
  std::string answer_envelope_keys() const;
  void reload_key_ring();
  void follow(Position last, Position fact) const;

  std::vector<http::Route> service_routes();
  http::Response health(const http::Request& request) const;
  http::Response readiness(const http::Request& request) const;
  http::Response metrics(const http::Request& request) const;
  std::vector<std::string> why_not_ready() const;
  std::size_t count_replicas() const;
  void observe(const http::Exchange& exchange);

  const ServeConfig& config_;
  logging::Logger& logger_;
  std::optional<security::KeyRing> ring_;
  std::string id_;
  std::unique_ptr<log::EventLog> log_;
  const log::EmbeddedLog* embedded_ = nullptr;  ///< log_, where it is that.
  const log::KafkaLog* kafka_ = nullptr;        ///< log_, where it is that.
  std::unique_ptr<projections::ReadModel> model_;
  std::unique_ptr<projections::Projector> projector_;
  std::unique_ptr<log::ReplicaRegistry> registry_;  ///< Null where this is the only node.
  std::unique_ptr<Freshness> freshness_;
  std::unique_ptr<Lag> lag_;
  security::Sessions sessions_;
  std::unique_ptr<api::IssuerKeys> issuer_keys_;  ///< Null without another issuer.
  std::unique_ptr<api::Throttle> throttle_;       ///< Null where failures aren't throttled.
  std::unique_ptr<api::Admission> admission_;
  std::unique_ptr<boost::asio::thread_pool> query_threads_;
  std::unique_ptr<commands::Writer> writer_;
  std::unique_ptr<commands::Eraser> eraser_;
  std::unique_ptr<replicas::LeaseKeeper> lease_;  ///< Null without a registry or its role.
  std::unique_ptr<replicas::Propagation> propagation_;
  http::Client peers_;
  std::unique_ptr<commands::Forwarder> forwarder_;
  std::unique_ptr<commands::Routes> command_routes_;
  std::unique_ptr<queries::Routes> query_routes_;
  std::unique_ptr<boost::asio::thread_pool> feed_threads_;
  std::unique_ptr<feed::Source> feed_;
  std::unique_ptr<feed::Routes> feed_routes_;
  std::unique_ptr<audit::Publisher> publisher_;  ///< Null without the role query, or without a key.
  std::unique_ptr<audit::Routes> audit_routes_;
  std::unique_ptr<verify::Verifier> verifier_;
  std::unique_ptr<verify::Routes> verify_routes_;
  std::unique_ptr<sessions::Routes> session_routes_;
  std::unique_ptr<RequestMetrics> request_metrics_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<http::ServerTls> tls_;  ///< Null where listeners take plain text.
  std::unique_ptr<http::Server> server_;
  std::jthread leading_;  ///< Where the node started halted: leads when it may.
  std::unique_ptr<AdminServer> admin_;
};

}  // namespace keyledger
