#include "tests/projections/random_history.h"

#include <chrono>
#include <cstring>
#include <stdexcept>

#include <rapidcheck.h>

#include "events/commands.h"
#include "tests/projections/folded.h"
#include "tests/support/events.h"

namespace keyledger::projections {
namespace {

// Few values to choose from, so that commands often meet what is there.

template <typename T>
std::optional<T> maybe(T value) {
  return *rc::gen::arbitrary<bool>() ? std::optional<T>(std::move(value)) : std::nullopt;
}

bool once_in(int n) { return *rc::gen::inRange(0, n) == 0; }

std::string any_word() { return *rc::gen::element<std::string>("a", "B", "b", "ab", "c-c"); }

/// Builds a RandomHistory.
class Author {
 public:
  RandomHistory history;

  void begin() {
    write({LedgerCreated{std::string(kStoryLogId), "5a5a5a5a"}});
    elect();
  }

  void add_command() {
    now_ += once_in(6) ? std::chrono::hours{*rc::gen::inRange(1, 100)}
                       : std::chrono::seconds{*rc::gen::inRange(0, 40)};
    if (once_in(12)) elect();
    account_ = AccountId{*rc::gen::element<std::string>("a", "ab", "b")};
    key_ = nth_key_id(*rc::gen::inRange(1U, keys_ + 2));
    State state{naive_.accounts[*account_], naive_.keys[{*account_, *key_}]};
    const auto facts = decide(state, any_command(state), now_);
    if (!facts || facts->empty()) return;
    const auto run = write(*facts);
    if (once_in(10)) reject(run);
    if (once_in(10)) {
      auto late = events_of({AccountUsernameChanged{Username{"late@example.com"}}});
      late.front().term = Term{nth_unique_id(1'000'000)};
      reject(encoded(late));
    }
    if (once_in(10)) {
      const auto unknown = events_of({AccountUsernameChanged{Username{"late@example.com"}}});
      history.entries.push_back({of_unknown_type(unknown.front()), std::nullopt, true});
    }
  }

 private:
  Command any_command(const State& state) {
    if (state.key.status == KeyState::Status::absent) {
      if (once_in(4)) return PutAccount{Username{any_word()}};
      CreateKey create;
      create.key = *key_;
      create.name = KeyName{any_word()};
      create.description = maybe(Description{any_word()});
      create.enabled = *rc::gen::arbitrary<bool>();
      create.expires_at = maybe(now_ + std::chrono::hours{1});
      // Both the key's number and the account's name make a digest that no other key has.
      create.digest = digest_filled_with(static_cast<unsigned char>(account_->value.size()));
      std::memcpy(create.digest.data(), account_->value.data(), account_->value.size());
      std::memcpy(create.digest.data() + 4, &keys_, sizeof(keys_));
      create.value_hint = "kl_…a1B" + std::to_string(keys_ % 10);
      create.register_as = Username{any_word()};
      ++keys_;
      return create;
    }
    switch (*rc::gen::weightedElement<int>({{6, 0}, {1, 1}, {1, 2}, {2, 3}})) {
      case 0:
        return ChangeKey{maybe(KeyName{any_word()}), maybe(maybe(Description{any_word()})),
                         maybe(*rc::gen::arbitrary<bool>()),
                         maybe(maybe(now_ + std::chrono::hours{*rc::gen::inRange(1, 3)})),
                         std::nullopt};
      case 1:
        return DeleteKey{};
      case 2:
        return RevealValue{};
      default:
        return PutAccount{Username{any_word()}};
    }
  }

  void elect() {
    account_.reset();
    key_.reset();
    term_ = {};
    auto events = events_of({WriterElected{"node", "http://127.0.0.1:8080"}});
    term_ = Term{events.front().id};
    write(events);
  }

  std::vector<Event> events_of(const std::vector<Fact>& facts) {
    const CommandId command{nth_unique_id(++ids_)};
    std::optional<Idempotency> idempotency;
    if (account_ && once_in(3)) {
      const char digit = *rc::gen::element('1', '2', '3');
      idempotency = Idempotency{std::string(64, digit), std::string(64, 'b')};
    }
    std::vector<Event> events;
    for (const Fact& fact : facts) {
      Event event;
      event.id = nth_unique_id(++ids_);
      event.time = now_;
      event.account = account_;
      if (is_about_a_key(fact)) event.key = key_;
      event.term = term_;
      event.command = command;
      event.place = {static_cast<std::uint16_t>(events.size() + 1),
                     static_cast<std::uint16_t>(facts.size())};
      event.idempotency = idempotency;
      event.actor.subject = "user-ada";
      event.fact = fact;
      events.push_back(std::move(event));
    }
    return events;
  }

  std::vector<std::string> write(const std::vector<Fact>& facts) { return write(events_of(facts)); }

  std::vector<std::string> write(std::vector<Event> events) {
    std::vector<std::string> run;
    for (Event& event : events) {
      naive_.apply(event);
      if (event.key) event.version = naive_.keys.at({*event.account, *event.key}).version;
      run.push_back(encoded({event}).front());
      history.entries.push_back({run.back(), event, &event == &events.back()});
    }
    return run;
  }

  void reject(const std::vector<std::string>& run) {
    for (const auto& bytes : run) {
      history.entries.push_back({bytes, std::nullopt, &bytes == &run.back()});
    }
    ++history.rejected_runs;
  }

  NaiveFold naive_;
  unsigned ids_ = 0;
  unsigned keys_ = 0;
  Instant now_ = kStoryBegins;
  Term term_;
  std::optional<AccountId> account_;
  std::optional<KeyId> key_;
};

}  // namespace

void NaiveFold::apply(const Event& event) {
  if (!event.account) return;
  AccountState& account = accounts[*event.account];
  if (!event.key) {
    account = evolve({account, {}}, event.fact, event.time).account;
    return;
  }
  KeyState& key = keys[{*event.account, *event.key}];
  key = evolve({account, key}, event.fact, event.time).key;
}

std::vector<std::string> RandomHistory::bytes(std::size_t begin, std::size_t end) const {
  std::vector<std::string> all;
  for (std::size_t i = begin; i < end; ++i) all.push_back(entries[i].bytes);
  return all;
}

RandomHistory random_history(int commands) {
  Author author;
  author.begin();
  for (int i = 0; i < commands; ++i) author.add_command();
  return std::move(author.history);
}

}  // namespace keyledger::projections
