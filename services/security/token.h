#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/security/access.h"
#include "services/security/key_ring.h"

namespace keyledger::security {

/// Signs a JWT (RFC 7519; ES256, `iss` "keyledger", `kid` of the ring's newest signing key) for
/// `principal`, good from `now` for `ttl`. Its `aud` is "keyledger"; with a relay it is
/// "keyledger-leader", for the node that carries the request out and nobody else. Errors:
/// incompatible (a ring without signing keys), invalid (a subject that check_token() would not
/// take).
Result<std::string> sign_token(const KeyRing& ring, const Principal& principal, Instant now,
                               std::chrono::seconds ttl);

/// Checks a bearer token: ES256 by one of the ring's keys and nothing else, `iss`, `aud`, `exp` and
/// `nbf` (30 s of leeway), its claims well-formed, at most 8 KiB. The principal has a relay where
/// another node signed for a request that it passes on. Thread safety: any thread.
///
/// Errors: unauthenticated; the text says why, for the log and the caller alike, and repeats
/// nothing of the token.
Result<Principal> check_token(const KeyRing& ring, std::string_view token, Instant now);

/// Tokens whose signature was found to hold, so that it needn't be checked at each request: that
/// costs more than all else a command does. What else check_token() checks is checked each time.
/// Thread safety: all members, from any thread.
class ProvenTokens {
 public:
  bool contains(const Digest& token) const;
  void add(const Digest& token);

 private:
  static constexpr std::size_t kTokens = 1024;

  static std::size_t place_of(const Digest& token);

  mutable std::mutex mutex_;
  /// By the SHA-256 of the whole token; a newer one takes the place of an older. Guarded by mutex_.
  std::array<std::optional<Digest>, kTokens> tokens_;
};

/// check_token() for an `Authorization` header's value ("Bearer …"). `proven` are tokens of this
/// very ring. Errors: unauthenticated.
Result<Principal> check_authorization(const KeyRing& ring, ProvenTokens& proven,
                                      std::string_view header, Instant now);

}  // namespace keyledger::security
