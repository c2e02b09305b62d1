#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/position_gate.h"
#include "services/api/issuer_keys.h"
#include "services/http/message.h"
#include "services/http/query.h"
#include "services/security/access.h"
#include "services/security/key_ring.h"
#include "services/security/sessions.h"
#include "services/security/token.h"

namespace keyledger::api {

/// A caller whose token was checked, and the account in the path that it may act on.
struct Caller {
  security::Principal principal;
  AccountId account;
};

/// Lets requests in: who asks, whether they may, and whether the read model is new enough for them.
/// Who asks is said by a bearer token, or else by the cookie of a session.
/// Thread safety: all members, from any thread.
class Admission {
 public:
  /// All are used until the Admission is gone. `sessions` is null where nobody signs in, `issuer`
  /// where only this deployment's own tokens are good.
  Admission(const security::KeyRing& ring, projections::PositionGate& gate,
            security::Sessions* sessions = nullptr, const IssuerKeys* issuer = nullptr);

  /// Who asks; no other node. Errors: unauthenticated, forbidden (a session whose page doesn't
  /// prove, with Keyledger-CSRF, that it is ours, where this isn't only read).
  Result<security::Principal> principal(const http::Request& request) const;

  /// The same, for an answer that goes on and on: isn't counted as a use of the session. Errors:
  /// unauthenticated, as soon as token or session have ended.
  Result<security::Principal> still(const http::Request& request) const;

  /// The caller, who may use `scope` on the account that is the first path parameter.
  /// Errors: unauthenticated, forbidden (also for a change that a page of another origin asks for),
  /// not_found (another account, or one that can't be).
  Result<Caller> admit(const http::Request& request, security::Scope scope) const;

  /// The same for a request that changes something, which another node may have passed on for its
  /// caller.
  Result<Caller> admit_command(const http::Request& request, security::Scope scope) const;

  /// As principal(), of a request that changes something.
  Result<security::Principal> commander(const http::Request& request) const;

  /// Waits until the read model has reached the request's Keyledger-Min-Position header and its
  /// `min_position` parameter, 5 s at most, and returns where it is then: what an answer that is
  /// read after this is at least as new as. Errors: malformed, not_caught_up, unavailable.
  boost::asio::awaitable<Result<std::uint64_t>> min_position(const http::Request& request,
                                                             const http::Query& query) const;

 private:
  Result<security::Principal> by_session(const http::Request& request,
                                         std::string_view secret) const;
  static Result<Caller> authorize(const http::Request& request, security::Scope scope,
                                  Result<security::Principal> caller);

  const security::KeyRing& ring_;
  projections::PositionGate& gate_;
  security::Sessions* const sessions_;
  const IssuerKeys* const issuer_;
  mutable security::ProvenTokens proven_;
};

/// Refuses what a browser asks for a page of another origin, unless it only reads. Errors:
/// forbidden.
Result<void> refuse_foreign(const http::Request& request);

/// The key id in the second path parameter. Errors: not_found, for what can't be one as well.
Result<KeyId> key_in_path(const http::Request& request);

/// What the log records of who asks.
Actor actor_of(const http::Request& request, const security::Principal& principal);

/// Now, as events count time.
Instant now();

}  // namespace keyledger::api
