#include <charconv>

#include <simdjson.h>

#include "events/log/codec.h"
#include "events/log/json_members.h"
#include "events/time.h"

namespace keyledger::log {
namespace {

constexpr std::string_view kTypePrefix = "keyledger.";

// The members, in the order in which encode() writes them.
namespace attribute {
enum Index : std::size_t {
  specversion,
  id,
  source,
  type,
  subject,
  time,
  dataschema,
  account,
  keyversion,
  term,
  commandid,
  commandplace,
  idempotencykey,
  requesthash,
  traceparent,
  critical,
  data,
  count
};
}  // namespace attribute
constexpr std::array<std::string_view, attribute::count> kAttributes = {
    "specversion",    "id",          "source",      "type",     "subject",   "time",
    "dataschema",     "account",     "keyversion",  "term",     "commandid", "commandplace",
    "idempotencykey", "requesthash", "traceparent", "critical", "data"};
using Attributes = JsonMembers<attribute::count>;

namespace detail {
enum Index : std::size_t {
  actor,
  reason,
  log_id,
  pepper_fingerprint,
  node,
  url,
  username,
  name,
  description,
  enabled,
  expires_at,
  digest,
  value_hint,
  position,
  last_position,
  account,
  key,
  keyversion,
  count
};
}  // namespace detail
constexpr std::array<std::string_view, detail::count> kDetails = {
    "actor",      "reason",   "log_id",     "pepper_fingerprint", "node",
    "url",        "username", "name",       "description",        "enabled",
    "expires_at", "digest",   "value_hint", "position",           "last_position",
    "account",    "key",      "keyversion"};
using Details = JsonMembers<detail::count>;

namespace actor_part {
enum Index : std::size_t { subject, username, address, user_agent, request_id, count };
}  // namespace actor_part
constexpr std::array<std::string_view, actor_part::count> kActorParts = {
    "subject", "username", "address", "user_agent", "request_id"};
using ActorParts = JsonMembers<actor_part::count>;

Instant to_instant(MemberReader& reader, std::string_view name, std::string_view text) {
  const auto at = parse_instant(text);
  if (!at) reader.reject(name, at.error().message);
  return at.value_or(Instant{});
}

std::optional<Instant> instant_or_null(const Details& data, MemberReader& reader,
                                       detail::Index index) {
  const auto text = data.text_or_null(reader, index);
  if (!text) return std::nullopt;
  return to_instant(reader, kDetails[index], *text);
}

std::optional<Description> description_or_null(const Details& data, MemberReader& reader) {
  const auto text = data.text_or_null(reader, detail::description);
  if (!text) return std::nullopt;
  return Description{std::string(*text)};
}

std::optional<std::byte> hex_byte(std::string_view two_digits) {
  unsigned char value = 0;
  const auto [end, ec] = std::from_chars(two_digits.begin(), two_digits.end(), value, 16);
  if (ec != std::errc{} || end != two_digits.end()) return std::nullopt;
  return std::byte{value};
}

Digest to_digest(MemberReader& reader, std::string_view hex) {
  Digest digest{};
  bool ok = hex.size() == 2 * digest.size();
  for (std::size_t i = 0; ok && i < digest.size(); ++i) {
    const auto byte = hex_byte(hex.substr(2 * i, 2));
    ok = byte.has_value();
    digest[i] = byte.value_or(std::byte{0});
  }
  if (!ok) reader.reject("digest", "must be 64 hexadecimal digits");
  return digest;
}

std::string copied(const Details& data, MemberReader& reader, detail::Index index) {
  return std::string(data.text(reader, index));
}

struct FactReader {
  std::string_view type;
  Fact (*read)(const Details& data, MemberReader& reader);
};

template <typename Empty>
Fact read_empty(const Details&, MemberReader&) {
  return Empty{};
}

template <typename WithUsername>
Fact read_username(const Details& data, MemberReader& reader) {
  return WithUsername{Username{copied(data, reader, detail::username)}};
}

Fact read_ledger_created(const Details& data, MemberReader& reader) {
  return LedgerCreated{copied(data, reader, detail::log_id),
                       copied(data, reader, detail::pepper_fingerprint)};
}

Fact read_writer_elected(const Details& data, MemberReader& reader) {
  return WriterElected{copied(data, reader, detail::node), copied(data, reader, detail::url)};
}

/// Leaves the key id out: that is the event's subject.
Fact read_key_created(const Details& data, MemberReader& reader) {
  KeyCreated fact;
  fact.name = KeyName{copied(data, reader, detail::name)};
  fact.description = description_or_null(data, reader);
  fact.enabled = data.boolean(reader, detail::enabled);
  fact.expires_at = instant_or_null(data, reader, detail::expires_at);
  fact.digest = to_digest(reader, data.text(reader, detail::digest));
  fact.value_hint = copied(data, reader, detail::value_hint);
  return fact;
}

Version to_version(MemberReader& reader, std::uint64_t number) {
  if (number < 1 || number > std::numeric_limits<std::uint32_t>::max()) {
    reader.reject("keyversion", "must be from 1 to 4294967295");
  }
  return Version{static_cast<std::uint32_t>(number)};
}

/// The id in `text`, where there is one.
template <typename Id>
std::optional<Id> id_if_any(MemberReader& reader, std::string_view name,
                            std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  auto id = Id::parse(*text);
  if (!id) {
    reader.reject(name, id.error().message);
    return std::nullopt;
  }
  return std::move(*id);
}

Fact read_event_quarantined(const Details& data, MemberReader& reader) {
  EventQuarantined fact;
  fact.first = Position{data.number(reader, detail::position)};
  fact.last = Position{data.number(reader, detail::last_position)};
  if (fact.first < Position{1} || fact.last < fact.first) {
    reader.reject("last_position", "must not be before 'position', which is from 1 on");
  }
  fact.account = id_if_any<AccountId>(reader, "account", data.text_if_any(reader, detail::account));
  fact.key = id_if_any<KeyId>(reader, "key", data.text_if_any(reader, detail::key));
  if (fact.key) {
    fact.version = to_version(reader, data.number(reader, detail::keyversion));
    if (!fact.account) reader.reject("account", "is missing");
  }
  return fact;
}

Fact read_key_renamed(const Details& data, MemberReader& reader) {
  return KeyRenamed{KeyName{copied(data, reader, detail::name)}};
}

Fact read_key_described(const Details& data, MemberReader& reader) {
  return KeyDescribed{description_or_null(data, reader)};
}

Fact read_key_expiry_changed(const Details& data, MemberReader& reader) {
  return KeyExpiryChanged{instant_or_null(data, reader, detail::expires_at)};
}

constexpr std::array<FactReader, std::variant_size_v<Fact>> kFactReaders = {{
    {"KeyCreated", read_key_created},
    {"KeyEnabled", read_empty<KeyEnabled>},
    {"KeyDisabled", read_empty<KeyDisabled>},
    {"KeyRenamed", read_key_renamed},
    {"KeyDescribed", read_key_described},
    {"KeyExpiryChanged", read_key_expiry_changed},
    {"KeyDeleted", read_empty<KeyDeleted>},
    {"KeyValueRevealed", read_empty<KeyValueRevealed>},
    {"AccountRegistered", read_username<AccountRegistered>},
    {"AccountUsernameChanged", read_username<AccountUsernameChanged>},
    {"WriterElected", read_writer_elected},
    {"LedgerCreated", read_ledger_created},
    {"EventQuarantined", read_event_quarantined},
}};

/// How to read events of the type `type`; nullptr for one that this program doesn't know.
const FactReader* fact_reader_for(std::string_view type) {
  if (!type.starts_with(kTypePrefix)) return nullptr;
  type.remove_prefix(kTypePrefix.size());
  for (const FactReader& candidate : kFactReaders) {
    if (candidate.type == type) return &candidate;
  }
  return nullptr;
}

/// "1/3" is the first of three.
Place to_place(MemberReader& reader, std::string_view text) {
  Place place{0, 0};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto index = std::from_chars(begin, end, place.index);
  if (index.ec == std::errc{} && index.ptr != end && *index.ptr == '/') {
    const auto count = std::from_chars(index.ptr + 1, end, place.count);
    if (count.ec == std::errc{} && count.ptr == end && place.index >= 1 &&
        place.index <= place.count) {
      return place;
    }
  }
  reader.reject("commandplace", "must be a place among the events of a command, such as 1/3");
  return {};
}

std::optional<AccountId> read_account(const Attributes& attributes, MemberReader& reader) {
  return id_if_any<AccountId>(reader, "account",
                              attributes.text_if_any(reader, attribute::account));
}

std::optional<Idempotency> read_idempotency(const Attributes& attributes, MemberReader& reader) {
  if (!attributes.has(attribute::idempotencykey) && !attributes.has(attribute::requesthash)) {
    return std::nullopt;
  }
  return Idempotency{std::string(attributes.text(reader, attribute::idempotencykey)),
                     std::string(attributes.text(reader, attribute::requesthash))};
}

Actor read_actor(const Details& data, MemberReader& reader) {
  const ActorParts parts(data.object(reader, detail::actor), kActorParts, reader);
  const auto part = [&](actor_part::Index index) {
    return std::string(parts.text_if_any(reader, index).value_or(std::string_view{}));
  };
  return {part(actor_part::subject), part(actor_part::username), part(actor_part::address),
          part(actor_part::user_agent), part(actor_part::request_id)};
}

/// A schema of another version says something that this program can't know.
void check_schema(std::string_view type, std::string_view schema, MemberReader& reader) {
  constexpr std::string_view kPrefix = "urn:keyledger:schema:";
  if (schema.starts_with(kPrefix) && schema.ends_with(":1") &&
      schema.substr(kPrefix.size(), schema.size() - kPrefix.size() - 2) == type) {
    return;
  }
  reader.reject("dataschema", "is none that this program reads: a newer keyledger may");
}

Event read_event(const Attributes& attributes, const FactReader& fact_reader,
                 MemberReader& reader) {
  const auto optional_text = [&](attribute::Index index) {
    return std::string(attributes.text_if_any(reader, index).value_or(std::string_view{}));
  };
  check_schema(fact_reader.type, attributes.text(reader, attribute::dataschema), reader);
  const Details data(attributes.object(reader, attribute::data), kDetails, reader);

  Event event;
  event.fact = fact_reader.read(data, reader);
  event.id = attributes.non_empty_text(reader, attribute::id);
  event.time = to_instant(reader, "time", attributes.text(reader, attribute::time));
  event.account = read_account(attributes, reader);
  event.term = Term{optional_text(attribute::term)};
  event.command = CommandId{optional_text(attribute::commandid)};
  event.place = to_place(reader, attributes.text(reader, attribute::commandplace));
  event.idempotency = read_idempotency(attributes, reader);
  event.traceparent = optional_text(attribute::traceparent);
  event.actor = read_actor(data, reader);
  if (const auto reason = data.text_if_any(reader, detail::reason)) {
    event.reason = Reason{std::string(*reason)};
  }
  if (is_about_a_key(event.fact)) {
    event.key = id_if_any<KeyId>(reader, "subject", attributes.text(reader, attribute::subject));
    event.version = to_version(reader, attributes.number(reader, attribute::keyversion));
  }
  if (auto* created = std::get_if<KeyCreated>(&event.fact); created && event.key) {
    created->key = *event.key;
  }
  if (!is_ledgers_own(event.fact)) {
    if (!event.account) reader.reject("account", "is missing");
    if (event.command.value.empty()) reader.reject("commandid", "is missing");
  }
  return event;
}

UnknownEvent read_unknown_event(const Attributes& attributes, std::string_view type,
                                MemberReader& reader) {
  if (attributes.has(attribute::critical) && !attributes.is_false(attribute::critical)) {
    reader.reject("type", "is '" + std::string(type) +
                              "', which this program does not know and must not pass over: "
                              "upgrade keyledger");
  }
  UnknownEvent event;
  event.type = type;
  event.command.value = attributes.text_if_any(reader, attribute::commandid).value_or("");
  if (const auto place = attributes.text_if_any(reader, attribute::commandplace)) {
    event.place = to_place(reader, *place);
  }
  event.term.value = attributes.text_if_any(reader, attribute::term).value_or("");
  event.time = to_instant(reader, "time", attributes.text(reader, attribute::time));
  event.account = read_account(attributes, reader);
  const auto subject = attributes.text_if_any(reader, attribute::subject);
  if (auto key = KeyId::parse(subject.value_or("")); key) event.key = std::move(*key);
  return event;
}

DecodedEvent read_any_event(const Attributes& attributes, MemberReader& reader) {
  if (attributes.text(reader, attribute::specversion) != "1.0") {
    reader.reject("specversion", "must be 1.0");
  }
  const std::string_view type = attributes.non_empty_text(reader, attribute::type);
  if (const FactReader* fact_reader = fact_reader_for(type)) {
    return read_event(attributes, *fact_reader, reader);
  }
  return read_unknown_event(attributes, type, reader);
}

}  // namespace

struct Decoder::Parser {
  simdjson::dom::parser json;
};

Decoder::Decoder() : parser_(std::make_unique<Parser>()) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<DecodedEvent> Decoder::decode(std::string_view bytes) {
  simdjson::dom::object object;
  const auto error = parser_->json.parse(bytes.data(), bytes.size()).get(object);
  if (error) {
    return fail(Errc::damaged,
                std::string("these bytes are no event: ") + simdjson::error_message(error));
  }
  MemberReader reader;
  const Attributes attributes(object, kAttributes, reader);
  DecodedEvent event = read_any_event(attributes, reader);
  if (!reader.complaint().empty()) {
    return fail(Errc::damaged, "this is no event that can be read: " + reader.complaint());
  }
  return event;
}

Result<DecodedEvent> decode(std::string_view bytes) { return Decoder().decode(bytes); }

}  // namespace keyledger::log
