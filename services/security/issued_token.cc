#include "services/security/issued_token.h"

#include <utility>

#include "services/security/crypto.h"
#include "services/security/token_parts.h"

namespace keyledger::security {
namespace {

std::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

}  // namespace

std::optional<TokenOrigin> claimed_origin(std::string_view token) {
  auto parts = take_apart(token);
  if (!parts) return std::nullopt;
  auto issuer = read_issuer(parts->claims);
  if (!issuer) return std::nullopt;
  return TokenOrigin{*std::move(issuer), std::move(parts->header.key_id)};
}

Result<Principal> check_issued_token(const Issuer& issuer, const KeySet& keys, ProvenTokens& proven,
                                     std::string_view token, Instant now) {
  const auto parts = take_apart(token);
  if (!parts) return fail(parts.error());
  const TokenHeader& header = parts->header;
  if (header.algorithm != "RS256" && header.algorithm != "ES256") {
    return refuse("the token is signed with neither RS256 nor ES256");
  }
  if (!keys.contains(header.key_id)) {
    return refuse("the token is signed with a key that its issuer's JWK Set does not have");
  }
  const Digest digest = sha256(token);
  if (!proven.contains(digest)) {
    if (!keys.verify(header.key_id, header.algorithm, parts->signed_, parts->signature)) {
      return refuse("the token's signature does not hold");
    }
    proven.add(digest);
  }
  return read_claims(parts->claims, issuer, now);
}

}  // namespace keyledger::security
