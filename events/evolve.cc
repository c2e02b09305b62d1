#include <algorithm>
#include <utility>

#include "events/state.h"

namespace keyledger {
namespace {

struct Fold {
  AccountState& account;
  KeyState& key;
  Instant at;

  void operator()(const LedgerCreated&) const {}
  void operator()(const WriterElected&) const {}

  void operator()(const AccountRegistered& fact) const {
    account.registered = true;
    account.username = fact.username;
    account.registered_at = at;
  }
  void operator()(const AccountUsernameChanged& fact) const { account.username = fact.username; }

  void operator()(const KeyCreated& fact) const {
    key.status = KeyState::Status::live;
    key.id = fact.key;
    key.name = fact.name;
    key.description = fact.description;
    key.enabled = fact.enabled;
    key.created_at = at;
    key.expires_at = fact.expires_at;
    key.digest = fact.digest;
    key.value_hint = fact.value_hint;
  }
  void operator()(const KeyEnabled&) const { key.enabled = true; }
  void operator()(const KeyDisabled&) const { key.enabled = false; }
  void operator()(const KeyRenamed& fact) const { key.name = fact.name; }
  void operator()(const KeyDescribed& fact) const { key.description = fact.description; }
  void operator()(const KeyExpiryChanged& fact) const { key.expires_at = fact.expires_at; }
  void operator()(const KeyDeleted&) const { key.status = KeyState::Status::deleted; }
  void operator()(const KeyValueRevealed&) const {}

  /// Nobody knows what the quarantined events did to the key: until somebody enables it, it is off.
  void operator()(const EventQuarantined& fact) const {
    if (key.status != KeyState::Status::live || fact.key != key.id) return;
    key.enabled = false;
    key.version = std::max(key.version, fact.version);
  }
};

}  // namespace

State evolve(State state, const Fact& fact, Instant at) {
  std::visit(Fold{state.account, state.key, at}, fact);
  if (steps_version(fact)) ++state.key.version.value;
  return state;
}

}  // namespace keyledger
