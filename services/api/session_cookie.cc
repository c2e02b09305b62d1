#include "services/api/session_cookie.h"

#include "services/http/text.h"

namespace keyledger::api {
namespace {

/// A browser takes a name with this prefix from nobody but the host itself, over TLS (RFC 6265bis
/// §4.1.3.2): neither plain HTTP, nor a sibling's domain, can plant one.
std::string_view name_of(bool secure) {
  return secure ? "__Host-keyledger_session" : "keyledger_session";
}

std::string with_attributes(std::string cookie, bool secure) {
  cookie.append("; Path=/; HttpOnly; SameSite=Strict");
  if (secure) cookie.append("; Secure");
  return cookie;
}

}  // namespace

std::optional<std::string_view> session_cookie(const http::Request& request) {
  const std::string_view wanted = name_of(request.is_secure);
  std::optional<std::string_view> secret;
  for (const auto& [header, value] : request.headers) {
    if (!http::same_token(header, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = http::take_item(rest, ';');
      const std::string_view name = pair.substr(0, pair.find('='));
      if (name != wanted || name.size() == pair.size()) continue;
      if (secret) return std::nullopt;
      secret = pair.substr(name.size() + 1);
    }
  }
  return secret;
}

std::string set_session_cookie(std::string_view secret, bool secure) {
  return with_attributes(std::string(name_of(secure)).append("=").append(secret), secure);
}

std::string clear_session_cookie(bool secure) {
  return with_attributes(std::string(name_of(secure)).append("=; Max-Age=0"), secure);
}

}  // namespace keyledger::api
