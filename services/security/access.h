#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::security {

/// What a token may do; a set of these is a Principal's scope. The names are those of the contract
/// ("keys:read").
enum class Scope : unsigned {
  keys_read = 1U << 0U,
  keys_write = 1U << 1U,
  keys_reveal = 1U << 2U,
  audit_read = 1U << 3U,
  events_read = 1U << 4U,
  accounts_write = 1U << 5U,
  keys_verify = 1U << 6U,
  accounts_any = 1U << 7U,
};

/// All of them, in the order in which they are told.
inline constexpr std::array kAllScopes = {
    Scope::keys_read,   Scope::keys_write,     Scope::keys_reveal, Scope::audit_read,
    Scope::events_read, Scope::accounts_write, Scope::keys_verify, Scope::accounts_any};

/// What somebody may do who manages an account of his own: all but keys:verify and accounts:any.
inline constexpr unsigned kOwnerScopes =
    static_cast<unsigned>(Scope::keys_read) | static_cast<unsigned>(Scope::keys_write) |
    static_cast<unsigned>(Scope::keys_reveal) | static_cast<unsigned>(Scope::audit_read) |
    static_cast<unsigned>(Scope::events_read) | static_cast<unsigned>(Scope::accounts_write);

std::string_view scope_name(Scope scope);
std::optional<Scope> parse_scope(std::string_view name);

/// What another node, which passes a request on, saw of who sent it.
struct Relay {
  std::string address;
  std::string user_agent;
  std::string request_id;
  std::chrono::milliseconds answer_within{};  ///< How long the client still waits.
  bool operator==(const Relay&) const = default;
};

/// Who a bearer token says that its bearer is, once it was checked.
struct Principal {
  std::string subject;
  std::optional<AccountId> account;
  std::optional<Username> username;
  unsigned scopes = 0;
  std::optional<Relay> relay = std::nullopt;  ///< The bearer is another node of the deployment.

  bool has(Scope scope) const { return (scopes & static_cast<unsigned>(scope)) != 0; }
};

/// Whether `principal` may use `scope` on `account`: its own account, or any with `accounts:any`.
///
/// Errors: not_found for an account that is not its own (nobody learns whether it is there);
/// forbidden, naming the scope that is missing.
Result<void> authorize(const Principal& principal, Scope scope, const AccountId& account);

}  // namespace keyledger::security
