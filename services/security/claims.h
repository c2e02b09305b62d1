#pragma once

#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/security/access.h"

namespace keyledger::security {

/// What a token's header says of its signature.
struct TokenHeader {
  std::string algorithm;
  std::string key_id;
};

/// Whether `text` may be a token's subject: 1 to 256 bytes of UTF-8 without control characters.
bool is_subject(std::string_view text);

/// Reads a JOSE header (RFC 7515 §4). Refuses a member that is there twice, and `crit`: there is no
/// extension that this program understands. Errors: unauthenticated.
Result<TokenHeader> read_header(std::string_view json);

/// Reads a claims set (RFC 7519 §4) whose signature was checked before: issuer, audience, times
/// with 30 s of leeway, and who it is. Refuses a claim that is there twice. Errors:
/// unauthenticated.
Result<Principal> read_claims(std::string_view json, Instant now);

}  // namespace keyledger::security
