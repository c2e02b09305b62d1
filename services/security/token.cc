#include "services/security/token.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include <jwt.h>
#include <openssl/err.h>

#include "services/security/crypto.h"
#include "services/security/handle.h"
#include "services/security/token_parts.h"

namespace keyledger::security {
namespace {

using Jwt = Handle<jwt_t, jwt_free>;
using JwtText = Handle<char, std::free>;

std::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

/// libjwt answers an errno; what makes it fail while signing is a promise of this program broken.
void require(int answer) {
  if (answer != 0) throw std::runtime_error("libjwt could not make a token");
}

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string scope_names(const Principal& principal) {
  std::string names;
  for (const Scope scope : kAllScopes) {
    if (!principal.has(scope)) continue;
    if (!names.empty()) names += ' ';
    names += scope_name(scope);
  }
  return names;
}

/// Whether `token` is signed with ES256 by `key`.
bool is_signed_by(const KeyRing::SigningKey& key, std::string_view token) {
  jwt_t* decoded = nullptr;
  const int answer = jwt_decode(&decoded, std::string(token).c_str(), octets(key.public_pem),
                                static_cast<int>(key.public_pem.size()));
  const Jwt jwt(decoded);
  ERR_clear_error();
  return answer == 0 && jwt && jwt_get_alg(jwt.get()) == JWT_ALG_ES256;
}

}  // namespace

Result<std::string> sign_token(const KeyRing& ring, const Principal& principal, Instant now,
                               std::chrono::seconds ttl) {
  const auto& keys = ring.signing_keys();
  if (keys.empty()) {
    return fail(Errc::incompatible, "this key ring is for validation and signs no tokens");
  }
  if (!is_subject(principal.subject)) {
    return fail(Errc::invalid,
                "a token's subject must be 1 to 256 bytes of UTF-8 without control characters");
  }
  const KeyRing::SigningKey& key = keys.front();
  const long issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  jwt_t* made = nullptr;
  require(jwt_new(&made));
  const Jwt jwt(made);
  const auto add = [&jwt](const char* name, const std::string& value) {
    require(jwt_add_grant(jwt.get(), name, value.c_str()));
  };
  require(jwt_add_header(jwt.get(), "kid", key.id.c_str()));
  add("iss", "keyledger");
  add("aud", principal.relay ? "keyledger-leader" : "keyledger");
  add("sub", principal.subject);
  if (principal.account) add("account", principal.account->value);
  if (principal.username) add("username", principal.username->value);
  add("scope", scope_names(principal));
  if (principal.relay) {
    add("client_address", principal.relay->address);
    add("client_agent", principal.relay->user_agent);
    add("request_id", principal.relay->request_id);
    require(jwt_add_grant_int(jwt.get(), "within_ms", principal.relay->answer_within.count()));
  }
  require(jwt_add_grant_int(jwt.get(), "iat", issued));
  require(jwt_add_grant_int(jwt.get(), "nbf", issued));
  require(jwt_add_grant_int(jwt.get(), "exp", issued + ttl.count()));
  require(jwt_set_alg(jwt.get(), JWT_ALG_ES256, octets(key.private_pem),
                      static_cast<int>(key.private_pem.size())));
  const JwtText text(jwt_encode_str(jwt.get()));
  if (!text) throw std::runtime_error("libjwt could not sign a token");
  return std::string(text.get());
}

namespace {

Result<Principal> check(const KeyRing& ring, ProvenTokens* proven, std::string_view token,
                        Instant now) {
  const auto parts = take_apart(token);
  if (!parts) return fail(parts.error());
  // Before the key is touched: it is a public text, and good as such for HMAC algorithms.
  if (parts->header.algorithm != "ES256") return refuse("the token is not signed with ES256");
  const auto& keys = ring.signing_keys();
  const auto key = std::ranges::find(keys, parts->header.key_id, &KeyRing::SigningKey::id);
  if (key == keys.end()) {
    return refuse("the token is signed with a key that is not in this node's key ring");
  }
  const Digest digest = sha256(token);
  if (proven == nullptr || !proven->contains(digest)) {
    if (!is_signed_by(*key, token)) return refuse("the token's signature does not hold");
    if (proven != nullptr) proven->add(digest);
  }
  return read_claims(parts->claims, now);
}

}  // namespace

Result<Principal> check_token(const KeyRing& ring, std::string_view token, Instant now) {
  return check(ring, nullptr, token, now);
}

bool ProvenTokens::contains(const Digest& token) const {
  const std::scoped_lock lock(mutex_);
  return tokens_[place_of(token)] == token;
}

void ProvenTokens::add(const Digest& token) {
  const std::scoped_lock lock(mutex_);
  tokens_[place_of(token)] = token;
}

std::size_t ProvenTokens::place_of(const Digest& token) {
  return (std::to_integer<std::size_t>(token[0]) << 8U | std::to_integer<std::size_t>(token[1])) %
         kTokens;
}

Result<Principal> check_authorization(const KeyRing& ring, ProvenTokens& proven,
                                      std::string_view header, Instant now) {
  const auto token = bearer_token(header);
  if (!token) return fail(token.error());
  return check(ring, &proven, *token, now);
}

}  // namespace keyledger::security
