#include "services/security/access.h"

#include <array>
#include <utility>

namespace keyledger::security {
namespace {

constexpr std::array<std::pair<std::string_view, Scope>, 8> kScopes = {{
    {"keys:read", Scope::keys_read},
    {"keys:write", Scope::keys_write},
    {"keys:reveal", Scope::keys_reveal},
    {"audit:read", Scope::audit_read},
    {"events:read", Scope::events_read},
    {"accounts:write", Scope::accounts_write},
    {"keys:verify", Scope::keys_verify},
    {"accounts:any", Scope::accounts_any},
}};

}  // namespace

std::string_view scope_name(Scope scope) {
  for (const auto& [name, value] : kScopes) {
    if (value == scope) return name;
  }
  std::unreachable();
}

std::optional<Scope> parse_scope(std::string_view name) {
  for (const auto& [text, value] : kScopes) {
    if (text == name) return value;
  }
  return std::nullopt;
}

Result<void> authorize(const Principal& principal, Scope scope, const AccountId& account) {
  if (principal.account != account && !principal.has(Scope::accounts_any)) {
    return fail(Errc::not_found, "there is no such account or key");
  }
  if (!principal.has(scope)) {
    return fail(Errc::forbidden,
                "the token lacks the scope '" + std::string(scope_name(scope)) + "'");
  }
  return {};
}

}  // namespace keyledger::security
