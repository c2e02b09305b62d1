#include "tests/support/events.h"

#include <stdexcept>
#include <utility>

#include "events/log/codec.h"
#include "events/unique_id.h"

namespace keyledger {

std::string nth_unique_id(unsigned n) {
  IdEntropy entropy{};
  entropy.fill(std::byte{0x5A});
  return make_unique_id(kStoryBegins + std::chrono::microseconds{n}, entropy);
}

KeyId nth_key_id(unsigned n) { return KeyId{"key_" + nth_unique_id(n)}; }

Digest digest_filled_with(unsigned char fill) {
  Digest digest;
  digest.fill(std::byte{fill});
  return digest;
}

Event Story::ledger_created() { return make(LedgerCreated{std::string(kStoryLogId), "5a5a5a5a"}); }

Event Story::writer_elected(std::string_view node) {
  term_ = {};
  Event event = make(WriterElected{std::string(node), "http://127.0.0.1:8080"});
  term_ = Term{event.id};
  return event;
}

Event Story::account_registered(std::string_view account, std::string_view username) {
  return make(AccountRegistered{Username{std::string(username)}}, account);
}

Event Story::account_username_changed(std::string_view username, std::string_view account) {
  return make(AccountUsernameChanged{Username{std::string(username)}}, account);
}

Event Story::event_quarantined(const EventQuarantined& fact) {
  if (fact.key && keys_.contains(*fact.key)) keys_.at(*fact.key).version = fact.version;
  Event event = make(fact);
  event.term = {};
  event.reason = Reason{"written by mistake"};
  return event;
}

Event Story::key_created(const KeyId& key, std::string_view account, std::string_view name) {
  const auto ordinal = static_cast<unsigned>(keys_.size() + 1);
  KeyCreated fact{key, KeyName{std::string(name)}, std::nullopt, true, std::nullopt, {}, {}};
  for (std::size_t i = 0; i < sizeof(ordinal); ++i) {
    fact.digest[i] = static_cast<std::byte>(ordinal >> (8 * i));
  }
  const std::string digits = std::to_string(10'000 + ordinal % 10'000);
  fact.value_hint = "kl_…" + digits.substr(1);
  return key_created(fact, account);
}

Event Story::key_created(const KeyCreated& fact, std::string_view account) {
  keys_.insert_or_assign(fact.key, Key{std::string(account), Version{1}});
  Event event = make(fact, account);
  event.key = fact.key;
  event.version = Version{1};
  return event;
}

Event Story::about(const KeyId& key, Fact fact) {
  Key& told = keys_.at(key);
  if (steps_version(fact)) ++told.version.value;
  Event event = make(std::move(fact), told.account);
  event.key = key;
  event.version = told.version;
  return event;
}

std::vector<Event> Story::command_about(const KeyId& key, std::vector<Fact> facts) {
  std::vector<Event> events;
  for (Fact& fact : facts) {
    Event event = about(key, std::move(fact));
    event.place = {static_cast<std::uint16_t>(events.size() + 1),
                   static_cast<std::uint16_t>(facts.size())};
    if (!events.empty()) {
      event.command = events.front().command;
      event.time = events.front().time;
    }
    events.push_back(std::move(event));
  }
  return events;
}

Event Story::make(Fact fact) {
  now_ += std::chrono::milliseconds{1};
  Event event;
  event.id = next_id();
  event.time = now_;
  event.term = term_;
  event.command = CommandId{next_id()};
  event.actor = {"keyledger", "", "", "", "request-" + std::to_string(ids_)};
  event.fact = std::move(fact);
  return event;
}

Event Story::make(Fact fact, std::string_view account) {
  Event event = make(std::move(fact));
  event.account = AccountId{std::string(account)};
  event.actor.subject = "user-ada";
  event.actor.username = "ada@example.com";
  event.actor.address = "192.0.2.7";
  event.actor.user_agent = "curl/8.0";
  return event;
}

std::vector<std::string> encoded(const std::vector<Event>& events) {
  std::vector<std::string> all;
  for (const Event& event : events) {
    auto bytes = log::encode(event, kStoryLogId);
    if (!bytes) throw std::runtime_error(bytes.error().message);
    all.push_back(std::move(*bytes));
  }
  return all;
}

Position append_events(log::EventLog& log, const std::vector<Event>& events) {
  const auto end = log.append({.events = encoded(events), .envelopes = {}, .erased = {}});
  if (!end) throw std::runtime_error(end.error().message);
  return *end;
}

}  // namespace keyledger
