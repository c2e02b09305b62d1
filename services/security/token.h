#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/security/access.h"
#include "services/security/key_ring.h"

namespace keyledger::security {

/// Signs a JWT (RFC 7519; ES256, `iss` and `aud` "keyledger", `kid` of the ring's newest signing
/// key) for `principal`, good from `now` for `ttl`. Errors: incompatible (a ring without signing
/// keys), invalid (a subject that check_token() would not take).
Result<std::string> sign_token(const KeyRing& ring, const Principal& principal, Instant now,
                               std::chrono::seconds ttl);

/// Checks a bearer token: ES256 by one of the ring's keys and nothing else, `iss`, `aud`, `exp` and
/// `nbf` (30 s of leeway), its claims well-formed, at most 8 KiB. Thread safety: any thread.
///
/// Errors: unauthenticated; the text says why, for the log and the caller alike, and repeats
/// nothing of the token.
Result<Principal> check_token(const KeyRing& ring, std::string_view token, Instant now);

/// The same for an `Authorization` header's value ("Bearer …"). Errors: unauthenticated.
Result<Principal> check_authorization(const KeyRing& ring, std::string_view header, Instant now);

}  // namespace keyledger::security
