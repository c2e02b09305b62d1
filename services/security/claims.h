#pragma once

#include <optional>
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

/// Somebody else who signs tokens, what these must say, and the names under which they say it.
struct Issuer {
  std::string name;      ///< `iss`.
  std::string audience;  ///< `aud`, or one of them.
  std::string account_claim = "account";
  std::string username_claim = "username";
  std::string scope_claim = "scope";  ///< A text of names with spaces between them, or a list.
};

/// Reads a claims set (RFC 7519 §4) of this deployment's own token whose signature was checked
/// before: issuer, audience, times with 30 s of leeway, and who it is. Refuses a claim that is
/// there twice. Errors: unauthenticated.
Result<Principal> read_claims(std::string_view json, Instant now);

/// The same of another issuer's token, which never speaks for another node.
Result<Principal> read_claims(std::string_view json, const Issuer& issuer, Instant now);

/// What a claims set calls its issuer; nothing where it doesn't. Nobody vouched for it.
std::optional<std::string> read_issuer(std::string_view json);

}  // namespace keyledger::security
