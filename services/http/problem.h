#pragma once

#include <string_view>

#include "events/result.h"
#include "services/http/message.h"

namespace keyledger::http {

/// An RFC 9457 answer for `error`: its status, a stable `type` ("urn:keyledger:problem:not-found"),
/// `title`, `status`, `detail`, `instance` (the request id) and, for input, `errors`. 503 carries
/// `Retry-After`, 401 a `WWW-Authenticate: Bearer`. `internal`, `io` and `damaged` are 500 and keep
/// their text to the log.
Response problem(const Error& error, std::string_view request_id);

/// The same for what the protocol itself refuses: 404, 405, 406, 408, 413, 415, 431, … With 401 it
/// is the caller's to say which scheme is wanted.
Response problem(unsigned status, std::string_view detail, std::string_view request_id);

}  // namespace keyledger::http
