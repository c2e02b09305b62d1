#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "events/result.h"
#include "services/security/claims.h"

namespace keyledger::security {

inline constexpr std::size_t kMaxTokenBytes = 8 * 1024;

/// A compact JWS (RFC 7515 §7.1) taken apart; nothing of it is vouched for.
struct TokenParts {
  TokenHeader header;
  std::string claims;        ///< JSON, or what stands in its place.
  std::string_view signed_;  ///< What the signature is of: a view into the token.
  std::string signature;
};

/// Errors: unauthenticated, for what is longer than kMaxTokenBytes or no JWS whose header names an
/// algorithm and a key.
Result<TokenParts> take_apart(std::string_view token);

/// What stands behind "Bearer " in an `Authorization` header's value. Errors: unauthenticated.
Result<std::string_view> bearer_token(std::string_view authorization);

}  // namespace keyledger::security
