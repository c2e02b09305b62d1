#include "services/api/key_json.h"

#include <nlohmann/json.hpp>

#include "events/time.h"

namespace keyledger::api {
namespace {

nlohmann::ordered_json instant_or_null(const std::optional<Instant>& at) {
  return at ? nlohmann::ordered_json(format_instant(*at)) : nlohmann::ordered_json(nullptr);
}

}  // namespace

nlohmann::ordered_json key_json(const KeyState& key) {
  nlohmann::ordered_json json;
  json["id"] = key.id.value;
  json["name"] = key.name.value;
  json["description"] = key.description ? nlohmann::ordered_json(key.description->value)
                                        : nlohmann::ordered_json(nullptr);
  json["enabled"] = key.enabled;
  json["value_hint"] = key.value_hint;
  json["created_at"] = instant_or_null(key.created_at);
  json["expires_at"] = instant_or_null(key.expires_at);
  json["version"] = key.version.value;
  return json;
}

nlohmann::ordered_json account_json(const AccountId& account, const AccountState& state) {
  nlohmann::ordered_json json;
  json["account"] = account.value;
  json["username"] = state.username.value;
  json["registered_at"] = format_instant(state.registered_at);
  return json;
}

std::string entity_tag(Version version) { return "\"v" + std::to_string(version.value) + "\""; }

}  // namespace keyledger::api
