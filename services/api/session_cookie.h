#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/http/message.h"

namespace keyledger::api {

/// The secret in the request's session cookie; nothing where there is none, or more than one: who
/// plants a second one must not choose whose session it is. Over TLS the cookie's name has the
/// prefix `__Host-`, and one without it is none.
std::optional<std::string_view> session_cookie(const http::Request& request);

/// `Set-Cookie`'s value (RFC 6265) for a session: not for scripts, not for what other sites begin,
/// and with `secure` for TLS alone. Ends with the browser at the latest.
std::string set_session_cookie(std::string_view secret, bool secure);

/// The same for a browser that is to forget it.
std::string clear_session_cookie(bool secure);

}  // namespace keyledger::api
