#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "events/vocabulary.h"

namespace keyledger {

// Facts, in the past tense. What they hold is stored for ever: see schemas/events/.

/// The first record of every log.
struct LedgerCreated {
  std::string log_id;              ///< A UniqueId: tells this log from every other.
  std::string pepper_fingerprint;  ///< Which pepper the digests of this log were made with.
  bool operator==(const LedgerCreated&) const = default;
};

/// From here on, events carry this event's id as their term.
struct WriterElected {
  std::string node;
  std::string url;  ///< Where other nodes reach it.
  bool operator==(const WriterElected&) const = default;
};

struct AccountRegistered {
  Username username;
  bool operator==(const AccountRegistered&) const = default;
};

struct AccountUsernameChanged {
  Username username;
  bool operator==(const AccountUsernameChanged&) const = default;
};

struct KeyCreated {
  KeyId key;
  KeyName name;
  std::optional<Description> description;
  bool enabled = true;
  std::optional<Instant> expires_at;
  Digest digest{};
  std::string value_hint;  ///< Prefix, an ellipsis and the last four characters: "kl_…a1B2".
  bool operator==(const KeyCreated&) const = default;
};

struct KeyEnabled {
  bool operator==(const KeyEnabled&) const = default;
};

struct KeyDisabled {
  bool operator==(const KeyDisabled&) const = default;
};

struct KeyRenamed {
  KeyName name;
  bool operator==(const KeyRenamed&) const = default;
};

struct KeyDescribed {
  std::optional<Description> description;
  bool operator==(const KeyDescribed&) const = default;
};

struct KeyExpiryChanged {
  std::optional<Instant> expires_at;
  bool operator==(const KeyExpiryChanged&) const = default;
};

struct KeyDeleted {
  bool operator==(const KeyDeleted&) const = default;
};

/// Somebody read the secret. Carries the key's version and does not step it.
struct KeyValueRevealed {
  bool operator==(const KeyValueRevealed&) const = default;
};

/// The events of one command, from `first` to `last`, can't be read or applied, and are passed over
/// by every read model. Whoever quarantines them says here what can still be told of them, so that
/// all models do the same: the key is left disabled, at `version` if it has not come further.
struct EventQuarantined {
  Position first;
  Position last;
  std::optional<AccountId> account;
  std::optional<KeyId> key;  ///< Only with an account.
  Version version;           ///< The key's, as the events have it; 0 where there is no key.
  bool operator==(const EventQuarantined&) const = default;
};

using Fact = std::variant<LedgerCreated, WriterElected, AccountRegistered, AccountUsernameChanged,
                          KeyCreated, KeyEnabled, KeyDisabled, KeyRenamed, KeyDescribed,
                          KeyExpiryChanged, KeyDeleted, KeyValueRevealed, EventQuarantined>;

/// The name of a fact's type: "KeyRenamed". In the log it is prefixed with "keyledger.".
std::string_view type_name(const Fact& fact);

/// Whether the fact is the ledger's own: about the log, not about an account or a key.
bool is_ledgers_own(const Fact& fact);

/// Whether the fact is about one key, and so has a key id and a version.
bool is_about_a_key(const Fact& fact);

/// Whether the fact steps its key's version: all about a key but KeyValueRevealed.
bool steps_version(const Fact& fact);

/// An event's place among the events of its command: 1/3 is {1, 3}.
struct Place {
  std::uint16_t index = 1;
  std::uint16_t count = 1;
  bool operator==(const Place&) const = default;
};

/// Which request an event answers, so that a repeated request gets the same answer (design §5).
struct Idempotency {
  std::string key_hash;      ///< 64 hex digits: HMAC of account, subject and Idempotency-Key.
  std::string request_hash;  ///< 64 hex digits: hash of what was asked.
  bool operator==(const Idempotency&) const = default;
};

/// A fact with everything that is recorded around it.
struct Event {
  std::string id;                    ///< A UniqueId.
  Instant time;                      ///< Never before its predecessor's.
  std::optional<AccountId> account;  ///< None for the ledger's own events.
  std::optional<KeyId> key;          ///< For facts about a key.
  Version version;  ///< The key's version after this event; 0 where there is no key.
  Term term;
  CommandId command;
  Place place;
  std::optional<Idempotency> idempotency;
  std::string traceparent;  ///< W3C Trace Context, or empty.
  Actor actor;
  std::optional<Reason> reason;
  Fact fact;
  bool operator==(const Event&) const = default;
};

}  // namespace keyledger
