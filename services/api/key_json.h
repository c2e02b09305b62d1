#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "events/state.h"

namespace keyledger::api {

/// A key as the API shows it: id, name, description, enabled, value_hint, created_at, expires_at,
/// version.
nlohmann::ordered_json key_json(const KeyState& key);

/// An account as the API shows it: account, username, registered_at.
nlohmann::ordered_json account_json(const AccountId& account, const AccountState& state);

/// A version's strong entity tag (RFC 9110 §8.8.3): "v3", in its quotes.
std::string entity_tag(Version version);

}  // namespace keyledger::api
