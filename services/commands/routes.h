#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/api/admission.h"
#include "services/commands/forwarder.h"
#include "services/commands/writer.h"
#include "services/http/query.h"
#include "services/http/router.h"
#include "services/replicas/propagation.h"
#include "services/security/crypto.h"
#include "services/security/key_ring.h"

namespace keyledger::commands {

/// Answers the requests that change something: creating, changing, deleting and revealing keys, and
/// registering accounts. Immutable; any thread.
class Routes {
 public:
  /// All references are used until the Routes are gone. `forwarder` is null where no other node
  /// takes commands, `propagation` where no other node validates.
  Routes(Writer& writer, const api::Admission& admission, const security::KeyRing& ring,
         std::string key_prefix, const Forwarder* forwarder = nullptr,
         replicas::Propagation* propagation = nullptr);

  /// The rows of the routing table. They refer to this object.
  std::vector<http::Route> table() const;

 private:
  using Answer = boost::asio::awaitable<http::Response>;
  using Handler = Answer (Routes::*)(const http::Request&) const;

  /// Carries a request out here, or has it carried out by the node that leads.
  Answer serve(const http::Request& request, Handler handler) const;

  Answer put_account(const http::Request& request) const;
  Answer create_key(const http::Request& request) const;
  Answer change_key(const http::Request& request) const;
  Answer delete_key(const http::Request& request) const;
  Answer reveal(const http::Request& request) const;

  /// Has a command carried out, on a read model that is as new as the request asks for.
  boost::asio::awaitable<Result<Outcome>> carry_out(const http::Request& request,
                                                    const http::Query& query,
                                                    Submission submission) const;

  /// Where the request prefers to wait until its change is applied everywhere: does so, and says
  /// in `response`, whose body is `body`, how that went.
  boost::asio::awaitable<void> add_applied_everywhere(const http::Request& request,
                                                      const api::Caller& caller,
                                                      nlohmann::ordered_json& body,
                                                      http::Response& response) const;

  /// What all submissions have in common. Errors: malformed (Idempotency-Key).
  Result<Submission> submission(const http::Request& request, const api::Caller& caller, Wish wish,
                                std::string_view canonical_body) const;

  Writer& writer_;
  const Forwarder* forwarder_;
  replicas::Propagation* propagation_;
  const api::Admission& admission_;
  const security::Hmac pepper_;
  const security::Hmac idempotency_;
  const std::string key_prefix_;
};

}  // namespace keyledger::commands
