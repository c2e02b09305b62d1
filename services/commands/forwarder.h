#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "projections/position_gate.h"
#include "projections/read_model.h"
#include "services/http/client.h"
#include "services/http/message.h"
#include "services/security/access.h"
#include "services/security/key_ring.h"

namespace keyledger::commands {

/// Passes requests on to the node that carries commands out, which the last WriterElected names.
/// One hop: what was passed on is never passed on again. Immutable; any thread.
class Forwarder {
 public:
  /// All references are used until the Forwarder is gone. `own_url` is how this node calls itself
  /// in WriterElected.
  Forwarder(const projections::ReadModel& model, projections::PositionGate& gate,
            const security::KeyRing& ring, http::Client& client,
            std::function<std::string()> own_url);

  /// What the other node answers to `request` of `caller`, once this node's read model has reached
  /// the answer's position. A response whose `error` is not_leader says that there was nobody to
  /// pass it on to, now: it may be tried again, or carried out here by then.
  boost::asio::awaitable<http::Response> forward(const http::Request& request,
                                                 const security::Principal& caller) const;

 private:
  Result<http::ClientRequest> relayed(const http::Request& request,
                                      const security::Principal& caller) const;

  const projections::ReadModel& model_;
  projections::PositionGate& gate_;
  const security::KeyRing& ring_;
  http::Client& client_;
  const std::function<std::string()> own_url_;
};

}  // namespace keyledger::commands
