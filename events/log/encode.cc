#include <simdjson.h>

#include "events/log/codec.h"
#include "events/log/event_log.h"
#include "events/log/json_writer.h"
#include "events/time.h"

namespace keyledger::log {
namespace {

std::optional<std::string_view> text_of(const std::optional<Description>& description) {
  if (!description) return std::nullopt;
  return description->value;
}

void write_instant(JsonWriter& json, std::string_view name, const std::optional<Instant>& at) {
  if (at) {
    json.text(name, format_instant(*at));
  } else {
    json.text_or_null(name, std::nullopt);
  }
}

/// Writes the members of `data` that belong to one type of fact.
struct FactWriter {
  JsonWriter& json;

  void operator()(const LedgerCreated& fact) const {
    json.text("log_id", fact.log_id);
    json.text("pepper_fingerprint", fact.pepper_fingerprint);
  }
  void operator()(const WriterElected& fact) const {
    json.text("node", fact.node);
    json.text("url", fact.url);
  }
  void operator()(const AccountRegistered& fact) const {
    json.text("username", fact.username.value);
  }
  void operator()(const AccountUsernameChanged& fact) const {
    json.text("username", fact.username.value);
  }
  void operator()(const KeyCreated& fact) const {
    json.text("name", fact.name.value);
    json.text_or_null("description", text_of(fact.description));
    json.boolean("enabled", fact.enabled);
    write_instant(json, "expires_at", fact.expires_at);
    json.hex("digest", fact.digest);
    json.text("value_hint", fact.value_hint);
  }
  void operator()(const KeyRenamed& fact) const { json.text("name", fact.name.value); }
  void operator()(const KeyDescribed& fact) const {
    json.text_or_null("description", text_of(fact.description));
  }
  void operator()(const KeyExpiryChanged& fact) const {
    write_instant(json, "expires_at", fact.expires_at);
  }
  void operator()(const KeyEnabled&) const {}
  void operator()(const KeyDisabled&) const {}
  void operator()(const KeyDeleted&) const {}
  void operator()(const KeyValueRevealed&) const {}
  void operator()(const EventQuarantined& fact) const {
    json.number("position", fact.first.value);
    json.number("last_position", fact.last.value);
    if (fact.account) json.text("account", fact.account->value);
    if (fact.key) {
      json.text("key", fact.key->value);
      json.number("keyversion", fact.version.value);
    }
  }
};

void write_attributes(JsonWriter& json, const Event& event, std::string_view log_id) {
  const std::string_view type = type_name(event.fact);
  json.text("specversion", "1.0");
  json.text("id", event.id);
  json.text("source", "urn:keyledger:", log_id);
  json.text("type", "keyledger.", type);
  if (event.key) json.text("subject", event.key->value);
  json.text("time", format_instant(event.time));
  json.text("datacontenttype", "application/json");
  json.text("dataschema", "urn:keyledger:schema:", type, ":1");
  if (event.account) json.text("account", event.account->value);
  if (event.key) json.number("keyversion", event.version.value);
  json.text_if_any("term", event.term.value);
  json.text_if_any("commandid", event.command.value);
  json.text("commandplace", std::to_string(event.place.index), "/",
            std::to_string(event.place.count));
  if (event.idempotency) {
    json.text("idempotencykey", event.idempotency->key_hash);
    json.text("requesthash", event.idempotency->request_hash);
  }
  if (event.account) json.text("partitionkey", event.account->value);
  json.text_if_any("traceparent", event.traceparent);
  // A program that doesn't know this fact might have applied what is to be passed over.
  if (std::holds_alternative<EventQuarantined>(event.fact)) json.boolean("critical", true);
}

void write_data(JsonWriter& json, const Event& event) {
  json.open_object("data");
  json.open_object("actor");
  json.text_if_any("subject", event.actor.subject);
  json.text_if_any("username", event.actor.username);
  json.text_if_any("address", event.actor.address);
  json.text_if_any("user_agent", event.actor.user_agent);
  json.text_if_any("request_id", event.actor.request_id);
  json.close_object();
  if (event.reason) json.text("reason", event.reason->value);
  std::visit(FactWriter{json}, event.fact);
  json.close_object();
}

std::optional<Instant> expiry_in(const Fact& fact) {
  if (const auto* created = std::get_if<KeyCreated>(&fact)) return created->expires_at;
  if (const auto* changed = std::get_if<KeyExpiryChanged>(&fact)) return changed->expires_at;
  return std::nullopt;
}

/// Whether `at` is in the years that can be written.
bool is_writable(Instant at) { return parse_instant(format_instant(at)) == at; }

const char* missing_in(const EventQuarantined& fact) {
  if (fact.first < Position{1} || fact.last < fact.first) return "the positions that it is about";
  if (fact.key.has_value() != (fact.version > Version{})) return "a key with its version";
  if (fact.key && !fact.account) return "the account of its key";
  if (fact.account && !AccountId::parse(fact.account->value)) return "a well-formed account";
  if (fact.key && !KeyId::parse(fact.key->value)) return "a well-formed key id";
  return nullptr;
}

/// What `event` lacks to be readable again; nullptr if it is whole.
const char* missing_in(const Event& event) {
  if (event.id.empty()) return "an id";
  if (event.place.index < 1 || event.place.index > event.place.count) return "a place";
  if (!is_ledgers_own(event.fact) && !event.account) return "an account";
  if (!is_ledgers_own(event.fact) && event.command.value.empty()) return "a command";
  if (is_about_a_key(event.fact) != event.key.has_value()) return "the key that it is about";
  if (event.key && event.version.value == 0) return "a version";
  if (!event.key && event.version.value != 0) return "the key that its version is of";
  if (event.account && !AccountId::parse(event.account->value)) return "a well-formed account";
  if (event.key && !KeyId::parse(event.key->value)) return "a well-formed key id";
  if (!is_writable(event.time)) return "a time in the years 0000 to 9999";
  const auto* created = std::get_if<KeyCreated>(&event.fact);
  if (created && created->key != event.key) return "the key that it creates";
  if (const auto at = expiry_in(event.fact); at && !is_writable(*at)) {
    return "an expiry in the years 0000 to 9999";
  }
  if (const auto* fact = std::get_if<EventQuarantined>(&event.fact)) return missing_in(*fact);
  return nullptr;
}

}  // namespace

Result<std::string> encode(const Event& event, std::string_view log_id) {
  const std::string type(type_name(event.fact));
  if (const char* missing = missing_in(event)) {
    return fail(Errc::internal, "a " + type + " event can't be written: it lacks " + missing);
  }

  constexpr std::size_t kUsualBytes = 1'024;
  JsonWriter json(kUsualBytes);
  json.open_object();
  write_attributes(json, event, log_id);
  write_data(json, event);
  json.close_object();

  std::string bytes = json.take();
  if (bytes.size() > kMaxEventBytes) {
    return fail(Errc::internal, "a " + type + " event can't be written: it would have " +
                                    std::to_string(bytes.size()) + " bytes, more than " +
                                    std::to_string(kMaxEventBytes));
  }
  if (!simdjson::validate_utf8(bytes)) {
    return fail(Errc::internal, "a " + type + " event can't be written: it holds ill-formed UTF-8");
  }
  return bytes;
}

}  // namespace keyledger::log
