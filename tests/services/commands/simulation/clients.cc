#include "tests/services/commands/simulation/clients.h"

#include <algorithm>
#include <utility>

#include "events/key_value.h"
#include "services/security/crypto.h"

namespace keyledger::commands::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxTries = 8;

bool says_not_written(Errc code) {
  return code == Errc::unavailable || code == Errc::overloaded || code == Errc::not_leader;
}

}  // namespace

Clients::Clients(std::size_t count, std::size_t nodes, History& history, Random& random,
                 const VirtualTime& time, const security::KeyRing& ring, Send send, Ask ask)
    : nodes_(nodes),
      random_(random),
      time_(time),
      ring_(ring),
      send_(std::move(send)),
      ask_(std::move(ask)),
      clients_(count),
      history_(history) {
  history.on_end = [this](const Attempt& attempt) { take(attempt); };
}

void Clients::act() {
  Client& client = random_.pick(clients_);
  if (!client.operation) {
    if (is_finishing_) return;
    client.operation = Operation{history_.begin_operation(), wish()};
    return attempt(client);
  }
  // Who waits repeats himself now and then, if that is safe.
  const bool is_impatient = client.operation->submission.idempotency && random_.chance(0.05);
  if (client.operation->waits_for == 0 || (is_impatient && !is_finishing_)) {
    attempt(client);
  }
}

bool Clients::are_done() const {
  return std::ranges::none_of(clients_,
                              [](const Client& client) { return client.operation.has_value(); });
}

void Clients::probe(std::size_t node) {
  clients_.push_back({Operation{history_.begin_operation(), create()}});
  Operation& operation = *clients_.back().operation;
  ++operation.tries;
  operation.submission.deadline = time_.now() + 10s;
  ++operation.waits_for;
  send_(operation.number, node, operation.submission);
}

void Clients::attempt(Client& client) {
  Operation& operation = *client.operation;
  ++operation.tries;
  operation.submission.deadline = time_.now() + random_.between(10ms, 10s);
  const std::size_t node = choose_node(client);
  // The answer may come at once, and end the operation.
  ++operation.waits_for;
  const bool is_sent = send_(operation.number, node, operation.submission);
  if (!is_sent) --operation.waits_for;
}

/// Most know who leads; some go where they were, and some anywhere.
std::size_t Clients::choose_node(const Client& client) {
  if (random_.chance(0.6)) return ask_();
  return random_.chance(0.7) ? client.favourite : random_.below(nodes_);
}

/// Hears what became of an attempt.
void Clients::take(const Attempt& attempt) {
  if (attempt.answer && *attempt.answer) {
    const Outcome& outcome = **attempt.answer;
    if (!outcome.state.key.id.value.empty()) {
      const KnownKey key{attempt.submission.account, outcome.state.key.id,
                         outcome.state.key.version};
      const auto known = std::ranges::find(keys_, key.id, &KnownKey::id);
      known == keys_.end() ? keys_.push_back(key) : static_cast<void>(*known = key);
    }
  }
  const auto client = std::ranges::find_if(clients_, [&](const Client& each) {
    return each.operation && each.operation->number == attempt.operation;
  });
  if (client == clients_.end()) return;  // An impatient one's second attempt.
  Operation& operation = *client->operation;
  --operation.waits_for;
  if (attempt.answer && *attempt.answer) client->favourite = attempt.node;
  const bool is_unknown = attempt.is_lost || (!*attempt.answer && attempt.answer->error().code ==
                                                                      Errc::outcome_unknown);
  const bool may_repeat = is_unknown
                              ? operation.submission.idempotency.has_value()
                              : !*attempt.answer && says_not_written(attempt.answer->error().code);
  if (!may_repeat || operation.tries >= kMaxTries) client->operation.reset();
}

Submission Clients::wish() {
  Submission submission = keys_.empty() || random_.chance(0.3) ? create() : about_key();
  if (random_.chance(0.5)) {
    const std::string key = "key of operation " + std::to_string(history_.operations());
    submission.idempotency = Idempotency{security::to_hex(security::sha256(key)),
                                         security::to_hex(security::sha256("the request"))};
  }
  return submission;
}

Submission Clients::create() {
  Submission submission{};
  submission.account = AccountId{random_.chance(0.7) ? "acme" : "initech"};
  submission.actor.subject = "user-ada";
  if (random_.chance(0.1)) {
    submission.wish = PutAccount{Username{random_.chance(0.5) ? "ada@example.com" : "eve"}};
    return submission;
  }
  KeyEntropy entropy;
  for (auto& byte : entropy) byte = static_cast<std::byte>(random_.below(256));
  NewKey key{};
  key.name = KeyName{"name " + std::to_string(++names_)};
  key.enabled = random_.chance(0.8);
  key.value = make_key_value("kl", entropy);
  key.digest = security::Hmac(ring_.pepper())(key.value);
  key.value_hint = value_hint("kl", key.value);
  if (random_.chance(0.9)) key.register_as = Username{"ada@example.com"};
  submission.wish = std::move(key);
  return submission;
}

Submission Clients::about_key() {
  // The newest are the ones that people are at.
  const std::size_t recent = std::min<std::size_t>(keys_.size(), 4);
  const KnownKey& key = keys_[keys_.size() - 1 - random_.below(recent)];
  Submission submission{};
  submission.account = key.account;
  submission.key = key.id;
  submission.actor.subject = "user-ada";
  std::optional<Version> if_match;
  if (random_.chance(0.2)) if_match = key.version;
  const std::size_t kind = random_.below(12);
  if (kind == 0) {
    submission.wish = DeleteKey{if_match};
  } else if (kind == 1) {
    submission.wish = RevealValue{};
  } else {
    // Often it is so already: what changes nothing must not be answered from the past either.
    ChangeKey change{};
    change.if_match = if_match;
    if (kind <= 4) change.name = KeyName{"name of all " + std::to_string(random_.below(2))};
    if (kind >= 4) change.enabled = random_.chance(0.8);
    if (kind == 5) change.description = Description{"note " + std::to_string(random_.below(9))};
    submission.wish = std::move(change);
  }
  return submission;
}

}  // namespace keyledger::commands::simulation
