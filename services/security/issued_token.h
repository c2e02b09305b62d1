#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/security/access.h"
#include "services/security/claims.h"
#include "services/security/key_set.h"
#include "services/security/token.h"

namespace keyledger::security {

/// Which issuer and which of its keys a token claims to be from. Nobody vouched for it.
struct TokenOrigin {
  std::string issuer;
  std::string key_id;
};

/// Nothing where that can't be read.
std::optional<TokenOrigin> claimed_origin(std::string_view token);

/// Checks a bearer token (a JWT, RFC 7519) of another issuer: RS256 or ES256 by the one of `keys`
/// that its `kid` names, and whose algorithm that is; `iss`, `aud`, `exp` and `nbf` (30 s of
/// leeway) as check_token() does; at most 8 KiB. The principal never has a relay. `proven` are
/// tokens of these very keys.
///
/// Errors: unauthenticated; the text says why and repeats nothing of the token.
Result<Principal> check_issued_token(const Issuer& issuer, const KeySet& keys, ProvenTokens& proven,
                                     std::string_view token, Instant now);

}  // namespace keyledger::security
