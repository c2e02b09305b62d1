#include "services/security/claims.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "events/text.h"

namespace keyledger::security {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kLeeway{30};
constexpr std::size_t kMaxSubjectBytes = 256;
constexpr std::string_view kOwnName = "keyledger";
constexpr std::string_view kLeader = "keyledger-leader";

std::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

/// The JSON object in `text`; nothing where it is none, or has a member twice.
std::optional<Json> parse_object(std::string_view text) {
  std::set<std::string> names;
  bool twice = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth == 1 && event == Json::parse_event_t::key) {
      twice = !names.insert(parsed.get<std::string>()).second || twice;
    }
    return true;
  };
  Json json = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (!json.is_object() || twice) return std::nullopt;
  return json;
}

/// A claim's text; empty where the claim is absent.
Result<std::optional<std::string>> text_claim(const Json& claims, const std::string& name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::nullopt;
  if (!found->is_string()) return refuse("the token's " + name + " is not a text");
  return found->get<std::string>();
}

bool is_audience(const Json& audience, const std::string& wanted) {
  if (audience.is_array()) return std::ranges::find(audience, Json(wanted)) != audience.end();
  return audience == wanted;
}

/// What the node says that passes the request on; nothing in a token of another audience.
Result<std::optional<Relay>> read_relay(const Json& claims) {
  if (claims.value("aud", Json()) != kLeader) return std::nullopt;
  const auto address = text_claim(claims, "client_address");
  const auto agent = text_claim(claims, "client_agent");
  const auto request = text_claim(claims, "request_id");
  const auto within = claims.find("within_ms");
  const bool is_whole = address && *address && agent && *agent && request && *request &&
                        within != claims.end() && within->is_number_integer();
  if (!is_whole) return refuse("the token of another node does not say whose request it is");
  return Relay{**address, **agent, **request,
               std::chrono::milliseconds(within->get<std::int64_t>())};
}

/// Issuer, audience and times.
Result<void> check_frame(const Json& claims, const Issuer& issuer, Instant now) {
  if (claims.value("iss", Json()) != issuer.name) {
    return refuse("the token is of another issuer than " + issuer.name);
  }
  if (!is_audience(claims.value("aud", Json()), issuer.audience)) {
    return refuse("the token is for another audience than " + issuer.audience);
  }
  // A double holds the microseconds of any year that a token may name well enough for seconds of
  // leeway.
  const double now_seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const double leeway = std::chrono::duration<double>(kLeeway).count();
  const auto expires = claims.find("exp");
  if (expires == claims.end() || !expires->is_number()) {
    return refuse("the token says no time at which it expires (exp)");
  }
  if (now_seconds >= expires->get<double>() + leeway) return refuse("the token has expired");
  const auto not_before = claims.find("nbf");
  if (not_before == claims.end()) return {};
  if (!not_before->is_number()) return refuse("the token's nbf is not a time");
  if (now_seconds + leeway < not_before->get<double>()) {
    return refuse("the token is not valid yet");
  }
  return {};
}

Result<std::string> read_subject(const Json& claims) {
  auto subject = text_claim(claims, "sub");
  if (!subject) return fail(std::move(subject.error()));
  if (!*subject) return refuse("the token names no subject (sub)");
  std::string text = **std::move(subject);
  if (!is_subject(text)) {
    return refuse("the token's sub must be 1 to 256 bytes without control characters");
  }
  return text;
}

/// The optional claim `name` as a `Value`, which knows how to parse itself.
template <typename Value>
Result<std::optional<Value>> read_optional(const Json& claims, const std::string& name) {
  const auto text = text_claim(claims, name);
  if (!text) return fail(text.error());
  if (!*text) return std::nullopt;
  auto value = Value::parse(**text);
  if (!value) return refuse("the token's " + name + " " + value.error().message);
  return *std::move(value);
}

/// Names that this program does not know are other services' and are passed over.
unsigned read_scopes(std::string_view names) {
  unsigned scopes = 0;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    if (const auto scope = parse_scope(names.substr(0, end))) {
      scopes |= static_cast<unsigned>(*scope);
    }
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return scopes;
}

/// Whom the token is of, without scopes.
Result<Principal> read_bearer(const Json& claims, const Issuer& issuer, Instant now) {
  if (auto frame = check_frame(claims, issuer, now); !frame) return fail(std::move(frame.error()));
  auto subject = read_subject(claims);
  if (!subject) return fail(std::move(subject.error()));
  auto account = read_optional<AccountId>(claims, issuer.account_claim);
  if (!account) return fail(std::move(account.error()));
  auto username = read_optional<Username>(claims, issuer.username_claim);
  if (!username) return fail(std::move(username.error()));
  Principal principal;
  principal.subject = *std::move(subject);
  principal.account = *std::move(account);
  principal.username = *std::move(username);
  return principal;
}

}  // namespace

bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSubjectBytes && count_characters(text) &&
         !has_control_character(text);
}

Result<TokenHeader> read_header(std::string_view json) {
  const auto header = parse_object(json);
  if (!header) return refuse("the bearer token is not a JWT");
  if (header->contains("crit")) return refuse("the token demands an extension (crit)");
  auto algorithm = text_claim(*header, "alg");
  if (!algorithm) return fail(std::move(algorithm.error()));
  auto key_id = text_claim(*header, "kid");
  if (!key_id) return fail(std::move(key_id.error()));
  if (!*algorithm) return refuse("the token names no algorithm (alg)");
  if (!*key_id) return refuse("the token names no signing key (kid)");
  return TokenHeader{**std::move(algorithm), **std::move(key_id)};
}

Result<Principal> read_claims(std::string_view json, Instant now) {
  const auto claims = parse_object(json);
  if (!claims) return refuse("the token's claims are not a JSON object with each name once");
  auto relay = read_relay(*claims);
  if (!relay) return fail(std::move(relay.error()));
  const Issuer own{.name = std::string(kOwnName),
                   .audience = std::string(*relay ? kLeader : kOwnName)};
  auto scope = text_claim(*claims, own.scope_claim);
  if (!scope) return fail(std::move(scope.error()));
  auto principal = read_bearer(*claims, own, now);
  if (!principal) return principal;
  principal->scopes = read_scopes(scope->value_or(""));
  principal->relay = *std::move(relay);
  return principal;
}

Result<Principal> read_claims(std::string_view json, const Issuer& issuer, Instant now) {
  const auto claims = parse_object(json);
  if (!claims) return refuse("the token's claims are not a JSON object with each name once");
  auto principal = read_bearer(*claims, issuer, now);
  if (!principal) return principal;
  const auto scope = claims->find(issuer.scope_claim);
  if (scope == claims->end()) return principal;
  const Json names = scope->is_array() ? *scope : Json::array({*scope});
  for (const Json& name : names) {
    if (!name.is_string()) {
      return refuse("the token's " + issuer.scope_claim + " is neither a text nor a list of them");
    }
    principal->scopes |= read_scopes(name.get<std::string>());
  }
  return principal;
}

std::optional<std::string> read_issuer(std::string_view json) {
  const auto claims = parse_object(json);
  if (!claims) return std::nullopt;
  auto issuer = text_claim(*claims, "iss");
  return issuer ? *std::move(issuer) : std::nullopt;
}

}  // namespace keyledger::security
