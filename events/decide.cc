#include <utility>

#include "events/commands.h"

namespace keyledger {
namespace {

using Facts = std::vector<Fact>;

/// An empty description is the same as none.
std::optional<Description> normalized(const std::optional<Description>& description) {
  if (description && description->value.empty()) return std::nullopt;
  return description;
}

/// The key must be there, and have the version that the caller expects of it, if any.
Result<void> require_key(const KeyState& key, const std::optional<Version>& if_match) {
  if (key.status != KeyState::Status::live) {
    return fail(Errc::not_found, "there is no such account or key");
  }
  if (if_match && *if_match != key.version) {
    return fail(Errc::version_mismatch, "the key has version " + std::to_string(key.version.value) +
                                            ", not " + std::to_string(if_match->value) +
                                            "; read it again and repeat the change");
  }
  return {};
}

Result<void> require_future(const std::optional<Instant>& expires_at, Instant now) {
  if (expires_at && *expires_at <= now) return fail_field("/expires_at", "must be in the future");
  return {};
}

struct Decide {
  const AccountState& account;
  const KeyState& key;
  Instant now;

  Result<Facts> operator()(const PutAccount& command) const {
    Facts facts;
    if (!account.registered) {
      facts.emplace_back(AccountRegistered{command.username});
    } else if (account.username != command.username) {
      facts.emplace_back(AccountUsernameChanged{command.username});
    }
    return facts;
  }

  Result<Facts> operator()(const CreateKey& command) const {
    Facts facts;
    if (key.status != KeyState::Status::absent) {
      const bool is_this_key = key.status == KeyState::Status::live && key.id == command.key &&
                               key.digest == command.digest;
      if (is_this_key) return facts;
      return fail(Errc::internal, "the key id " + command.key.value + " is taken");
    }
    if (!account.registered) {
      if (!command.register_as) return fail(Errc::account_unknown, "register the account first");
      facts.emplace_back(AccountRegistered{*command.register_as});
    }
    if (auto future = require_future(command.expires_at, now); !future) {
      return fail(std::move(future.error()));
    }
    facts.emplace_back(KeyCreated{command.key, command.name, normalized(command.description),
                                  command.enabled, command.expires_at, command.digest,
                                  command.value_hint});
    return facts;
  }

  Result<Facts> operator()(const ChangeKey& command) const {
    if (auto found = require_key(key, command.if_match); !found) {
      return fail(std::move(found.error()));
    }
    Facts facts;
    if (command.name && *command.name != key.name) facts.emplace_back(KeyRenamed{*command.name});
    if (command.description) {
      auto description = normalized(*command.description);
      if (description != normalized(key.description)) {
        facts.emplace_back(KeyDescribed{std::move(description)});
      }
    }
    if (command.expires_at && *command.expires_at != key.expires_at) {
      if (auto future = require_future(*command.expires_at, now); !future) {
        return fail(std::move(future.error()));
      }
      facts.emplace_back(KeyExpiryChanged{*command.expires_at});
    }
    if (command.enabled && *command.enabled != key.enabled) {
      if (*command.enabled) {
        facts.emplace_back(KeyEnabled{});
      } else {
        facts.emplace_back(KeyDisabled{});
      }
    }
    return facts;
  }

  Result<Facts> operator()(const DeleteKey& command) const {
    if (auto found = require_key(key, command.if_match); !found) {
      return fail(std::move(found.error()));
    }
    return Facts{KeyDeleted{}};
  }

  Result<Facts> operator()(const RevealValue&) const {
    if (auto found = require_key(key, std::nullopt); !found) return fail(std::move(found.error()));
    return Facts{KeyValueRevealed{}};
  }
};

}  // namespace

Result<std::vector<Fact>> decide(const State& state, const Command& command, Instant now) {
  return std::visit(Decide{state.account, state.key, now}, command);
}

}  // namespace keyledger
