#pragma once

#include <optional>
#include <string>

#include "events/result.h"
#include "services/http/message.h"

namespace keyledger::verify {

/// What a program signs in with: a key value and, if it named one, the username that goes with it.
struct Credential {
  std::string value;
  std::optional<std::string> username;
};

/// The one credential of a request: `Authorization: Basic` (RFC 7617; username and key, or the key
/// with an empty password), `Authorization: Bearer` or `X-API-Key`.
///
/// Errors: unauthenticated, for none, more than one, or one that can't be read. The text repeats
/// nothing of the credential.
Result<Credential> read_credential(const http::Request& request);

}  // namespace keyledger::verify
