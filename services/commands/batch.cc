#include "services/commands/batch.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "events/log/codec.h"
#include "events/unique_id.h"
#include "services/security/crypto.h"
#include "services/security/envelope.h"

namespace keyledger::commands {
namespace {

/// How long a value that is shown once can be had again by repeating its very request (design §5).
constexpr std::chrono::hours kReplayableFor{24};

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

std::string fresh_id(Instant at) {
  return make_unique_id(at, security::public_random<IdEntropy>());
}

bool Batch::must_wait_for(const Submission& submission) const {
  if (!submission.idempotency) return false;
  const std::string& hash = submission.idempotency->key_hash;
  return added_.idempotency_keys.contains(hash) ||
         (before_ != nullptr && before_->idempotency_keys.contains(hash));
}

Result<Outcome> Batch::decide(const Submission& submission, Instant now) {
  if (submission.idempotency) added_.idempotency_keys.insert(submission.idempotency->key_hash);
  return std::visit(Overloaded{
                        [&](const NewKey& wish) { return decide_new_key(submission, wish, now); },
                        [&](const RevealValue&) { return decide_reveal(submission, now); },
                        [&](const auto& wish) {
                          return decide_command(submission, submission.key, Command{wish}, now);
                        },
                    },
                    submission.wish);
}

Result<Outcome> Batch::decide_new_key(const Submission& submission, const NewKey& wish,
                                      Instant now) {
  const KeyId key{"key_" + fresh_id(now)};
  const CreateKey command{
      key,         wish.name,       wish.description, wish.enabled, wish.expires_at,
      wish.digest, wish.value_hint, wish.register_as};
  State before;  // An id that was made this moment is no other key's.
  auto its_account = account(submission.account);
  if (!its_account) return fail(std::move(its_account.error()));
  before.account = std::move(*its_account);
  auto outcome = decide_on(std::move(before), submission, key, command, now);
  if (!outcome) return outcome;

  outcome->value = wish.value;
  if (!context_.values_once || submission.idempotency) {
    auto sealed = security::seal(context_.ring, submission.account, key, wish.value);
    const auto erase_after =
        context_.values_once ? std::optional(now + kReplayableFor) : std::nullopt;
    append_.envelopes.push_back({key, std::move(sealed), erase_after});
  }
  return outcome;
}

Result<Outcome> Batch::decide_reveal(const Submission& submission, Instant now) {
  const auto before = state(submission.account, submission.key);
  if (!before) return fail(before.error());
  if (before->key.status == KeyState::Status::live) {
    // A deleted or unknown key is decide()'s to refuse; a value that isn't kept is refused here.
    const auto gone = fail(Errc::gone, "this deployment shows a key's value once, at its creation");
    if (context_.values_once) return gone;
    auto value = read_value(context_, submission.account, *submission.key);
    if (!value) return fail(std::move(value.error()));
    if (!*value) return gone;
    auto outcome = decide_command(submission, submission.key, RevealValue{}, now);
    if (outcome) outcome->value = std::move(**value);
    return outcome;
  }
  return decide_command(submission, submission.key, RevealValue{}, now);
}

Result<Outcome> Batch::decide_command(const Submission& submission, const std::optional<KeyId>& key,
                                      const Command& command, Instant now) {
  auto before = state(submission.account, key);
  if (!before) return fail(std::move(before.error()));
  return decide_on(std::move(*before), submission, key, command, now);
}

Result<Outcome> Batch::decide_on(State before, const Submission& submission,
                                 const std::optional<KeyId>& key, const Command& command,
                                 Instant now) {
  const auto facts = keyledger::decide(before, command, now);
  if (!facts) return fail(facts.error());
  auto after = record(submission, key, *facts, std::move(before), now);
  if (!after) return fail(std::move(after.error()));

  Outcome outcome{};
  outcome.state = std::move(*after);
  outcome.registered = !facts->empty() && std::holds_alternative<AccountRegistered>(facts->front());
  return outcome;
}

Result<State> Batch::state(const AccountId& id, const std::optional<KeyId>& key_id) const {
  State state;
  auto its_account = account(id);
  if (!its_account) return fail(std::move(its_account.error()));
  state.account = std::move(*its_account);
  if (!key_id) return state;
  auto its_key = key(id, *key_id);
  if (!its_key) return fail(std::move(its_key.error()));
  state.key = std::move(*its_key);
  return state;
}

Result<AccountState> Batch::account(const AccountId& id) const {
  for (const Overlay* overlay : {&added_, before_}) {
    if (overlay == nullptr) continue;
    if (const auto known = overlay->accounts.find(id); known != overlay->accounts.end()) {
      return known->second;
    }
  }
  return context_.model.account(id);
}

Result<KeyState> Batch::key(const AccountId& account, const KeyId& id) const {
  const Overlay::KeyPath path{account, id};
  for (const Overlay* overlay : {&added_, before_}) {
    if (overlay == nullptr) continue;
    if (const auto known = overlay->keys.find(path); known != overlay->keys.end()) {
      return known->second;
    }
  }
  return context_.model.key(account, id);
}

Result<State> Batch::record(const Submission& submission, const std::optional<KeyId>& key,
                            const std::vector<Fact>& facts, State state, Instant now) {
  std::vector<std::string> encoded;
  const CommandId command{fresh_id(now)};
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const Fact& fact = facts[i];
    state = evolve(std::move(state), fact, now);
    Event event{fresh_id(now),
                now,
                submission.account,
                is_about_a_key(fact) ? key : std::nullopt,
                is_about_a_key(fact) ? state.key.version : Version{},
                context_.term,
                command,
                Place{static_cast<std::uint16_t>(i + 1), static_cast<std::uint16_t>(facts.size())},
                submission.idempotency,
                submission.traceparent,
                submission.actor,
                submission.reason,
                fact};
    auto bytes = log::encode(event, context_.log_id);
    if (!bytes) return fail(std::move(bytes.error()));
    encoded.push_back(std::move(*bytes));
  }
  if (facts.empty()) return state;

  for (auto& bytes : encoded) append_.events.push_back(std::move(bytes));
  added_.accounts[submission.account] = state.account;
  if (key) {
    added_.keys[{submission.account, *key}] = state.key;
    if (state.key.status == KeyState::Status::deleted) append_.erased.push_back(*key);
  }
  return state;
}

Result<std::optional<std::string>> read_value(const TermContext& context, const AccountId& account,
                                              const KeyId& key) {
  const auto envelope = context.log.envelope(key);
  if (!envelope) return fail(envelope.error());
  if (!*envelope) return std::optional<std::string>{};
  auto value = security::unseal(context.ring, account, key, (*envelope)->sealed);
  if (!value) return fail(std::move(value.error()));
  return std::optional(std::move(*value));
}

Result<Outcome> replay(const TermContext& context, const Submission& submission,
                       const projections::IdempotencyRecord& record) {
  if (record.request_hash != submission.idempotency->request_hash) {
    return fail(Errc::idempotency_mismatch,
                "this Idempotency-Key was used for another request; use a new one");
  }
  Outcome outcome{};
  outcome.replayed = true;
  outcome.position = record.last;
  auto state = context.model.state_at(submission.account, record.key, record.last);
  if (!state) return fail(std::move(state.error()));
  outcome.state = std::move(*state);

  // Only these two answers say more than the state does.
  if (std::holds_alternative<PutAccount>(submission.wish)) {
    outcome.registered = outcome.state.account.registered_at == record.time;
  }
  const bool had_value = std::holds_alternative<NewKey>(submission.wish) ||
                         std::holds_alternative<RevealValue>(submission.wish);
  if (!had_value || !record.key) return outcome;
  auto value = read_value(context, submission.account, *record.key);
  if (!value) return fail(std::move(value.error()));
  outcome.value = std::move(*value);
  return outcome;
}

}  // namespace keyledger::commands
