#include "services/api/admission.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "events/text.h"
#include "services/api/session_cookie.h"
#include "services/security/crypto.h"
#include "services/security/token.h"
#include "services/security/token_parts.h"

namespace keyledger::api {
namespace {

constexpr std::chrono::seconds kMaxWait{5};
constexpr std::size_t kMaxUserAgentBytes = 256;

Result<std::uint64_t> parse_position(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return fail(Errc::malformed, "Keyledger-Min-Position must be a decimal number");
  }
  return value;
}

/// A "safe" method (RFC 9110 §9.2.1).
bool only_reads(const http::Request& request) {
  return request.method == http::Method::get || request.method == http::Method::head;
}

/// Whether a browser sent this for a page of another origin (RFC 6454): what only reads is let
/// through, because its answer is kept from that page.
bool is_foreign(const http::Request& request) {
  if (only_reads(request) || request.count("origin") == 0) return false;
  std::string_view origin = request.header("origin");
  const auto scheme = origin.find("://");
  if (scheme == origin.npos || request.count("origin") > 1) return true;
  // Who could put a page of plain text in its place must not speak for one that came over TLS.
  if (request.is_secure && origin.substr(0, scheme) != "https") return true;
  origin.remove_prefix(scheme + 3);
  return origin != request.header("host");
}

}  // namespace

Result<void> refuse_foreign(const http::Request& request) {
  if (!is_foreign(request)) return {};
  return fail(Errc::forbidden,
              "a page of another origin may not do this here; or a proxy in front does not pass on "
              "the Host that the browser named");
}

Admission::Admission(const security::KeyRing& ring, projections::PositionGate& gate,
                     security::Sessions* sessions, const IssuerKeys* issuer)
    : ring_(ring), gate_(gate), sessions_(sessions), issuer_(issuer) {}

Result<security::Principal> Admission::principal(const http::Request& request) const {
  auto caller = commander(request);
  if (caller && caller->relay) {
    return fail(Errc::unauthenticated, "this token is for requests that change something");
  }
  return caller;
}

Result<security::Principal> Admission::commander(const http::Request& request) const {
  const std::size_t authorizations = request.count("authorization");
  if (authorizations > 1) {
    return fail(Errc::unauthenticated, "more than one Authorization header");
  }
  if (authorizations == 0 && sessions_ != nullptr) {
    if (const auto secret = session_cookie(request)) return by_session(request, *secret);
  }
  if (issuer_ != nullptr) {
    const auto token = security::bearer_token(request.header("authorization"));
    if (token && issuer_->claims_to_issue(*token)) return issuer_->check(*token, now());
  }
  return security::check_authorization(ring_, proven_, request.header("authorization"), now());
}

Result<security::Principal> Admission::by_session(const http::Request& request,
                                                  std::string_view secret) const {
  auto session = sessions_->use(secret, now());
  if (!session) return fail(Errc::unauthenticated, "the session has ended; sign in again");
  if (!only_reads(request) &&
      (request.count("keyledger-csrf") != 1 ||
       !security::equal_in_constant_time(request.header("keyledger-csrf"), session->csrf_token))) {
    return fail(Errc::forbidden,
                "a session may do this only with its csrf_token in the header Keyledger-CSRF");
  }
  return std::move(session->principal);
}

Result<security::Principal> Admission::still(const http::Request& request) const {
  const bool by_cookie = request.count("authorization") == 0 && sessions_ != nullptr;
  const auto secret = by_cookie ? session_cookie(request) : std::nullopt;
  if (!secret) return principal(request);
  auto session = sessions_->find(*secret, now());
  if (!session) return fail(Errc::unauthenticated, "the session has ended; sign in again");
  return std::move(session->principal);
}

Result<Caller> Admission::admit(const http::Request& request, security::Scope scope) const {
  return authorize(request, scope, principal(request));
}

Result<Caller> Admission::admit_command(const http::Request& request, security::Scope scope) const {
  return authorize(request, scope, commander(request));
}

Result<Caller> Admission::authorize(const http::Request& request, security::Scope scope,
                                    Result<security::Principal> caller) {
  if (auto own = refuse_foreign(request); !own) return fail(std::move(own.error()));
  if (!caller) return fail(std::move(caller.error()));
  const auto account = AccountId::parse(request.path_parameters.at(0));
  if (!account) return fail(Errc::not_found, "there is no such account or key");
  if (auto allowed = security::authorize(*caller, scope, *account); !allowed) {
    return fail(std::move(allowed.error()));
  }
  return Caller{std::move(*caller), *account};
}

boost::asio::awaitable<Result<std::uint64_t>> Admission::min_position(
    const http::Request& request, const http::Query& query) const {
  std::uint64_t wanted = 0;
  if (const std::size_t count = request.count("keyledger-min-position"); count > 0) {
    if (count > 1) co_return fail(Errc::malformed, "Keyledger-Min-Position is there twice");
    const auto header = parse_position(request.header("keyledger-min-position"));
    if (!header) co_return fail(header.error());
    wanted = *header;
  }
  const auto parameter = query.number("min_position", 0, UINT64_MAX);
  if (!parameter) co_return fail(parameter.error());
  wanted = std::max(wanted, parameter->value_or(0));
  if (wanted > gate_.position().value) {
    const auto deadline = std::min(request.deadline, std::chrono::steady_clock::now() + kMaxWait);
    auto reached = co_await gate_.reached(Position{wanted}, deadline);
    if (!reached) co_return fail(std::move(reached.error()));
  }
  co_return gate_.position().value;
}

Result<KeyId> key_in_path(const http::Request& request) {
  auto key = KeyId::parse(request.path_parameters.at(1));
  if (!key) return fail(Errc::not_found, "there is no such account or key");
  return key;
}

Actor actor_of(const http::Request& request, const security::Principal& principal) {
  std::string username = principal.username ? principal.username->value : std::string{};
  if (const auto& relay = principal.relay) {
    return Actor{principal.subject, std::move(username), relay->address, relay->user_agent,
                 relay->request_id};
  }
  return Actor{principal.subject, std::move(username), std::string(request.origin_address()),
               sanitize(request.header("user-agent"), kMaxUserAgentBytes),
               std::string(request.request_id)};
}

Instant now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace keyledger::api
