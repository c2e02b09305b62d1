#include "services/api/session_cookie.h"

#include "services/http/text.h"

namespace keyledger::api {
namespace {

constexpr std::string_view kName = "keyledger_session";

std::string with_attributes(std::string cookie, bool secure) {
  cookie.append("; Path=/; HttpOnly; SameSite=Strict");
  if (secure) cookie.append("; Secure");
  return cookie;
}

}  // namespace

std::optional<std::string_view> session_cookie(const http::Request& request) {
  std::optional<std::string_view> secret;
  for (const auto& [header, value] : request.headers) {
    if (!http::same_token(header, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = http::take_item(rest, ';');
      const std::string_view name = pair.substr(0, pair.find('='));
      if (name != kName || name.size() == pair.size()) continue;
      if (secret) return std::nullopt;
      secret = pair.substr(name.size() + 1);
    }
  }
  return secret;
}

std::string set_session_cookie(std::string_view secret, bool secure) {
  return with_attributes(std::string(kName).append("=").append(secret), secure);
}

std::string clear_session_cookie(bool secure) {
  return with_attributes(std::string(kName).append("=; Max-Age=0"), secure);
}

}  // namespace keyledger::api
