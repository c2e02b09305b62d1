#pragma once

#include <string>
#include <string_view>

#include "events/result.h"
#include "services/security/key_ring.h"

namespace keyledger::security {

/// An opaque text that carries `payload` and is good for `scope` alone (account, filters, sort, …):
/// base64url of the payload and an HMAC over scope and payload. The payload is not hidden.
std::string make_cursor(const KeyRing& ring, std::string_view scope, std::string_view payload);

/// Errors: malformed, for everything that make_cursor() with this scope and ring (retired keys too)
/// didn't make.
Result<std::string> read_cursor(const KeyRing& ring, std::string_view scope,
                                std::string_view cursor);

}  // namespace keyledger::security
