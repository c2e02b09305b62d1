#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/events/given.h"

namespace keyledger {
namespace {

// Few values to choose from, so that commands often ask for what already is.

template <typename T>
std::optional<T> maybe(T value) {
  return *rc::gen::arbitrary<bool>() ? std::optional<T>(std::move(value)) : std::nullopt;
}

std::string any_word() { return *rc::gen::element<std::string>("a", "b", "c"); }

std::optional<Description> any_description() {
  return maybe(Description{*rc::gen::element<std::string>("", "notes", "more")});
}

Instant any_instant() { return kNoon + std::chrono::hours{*rc::gen::inRange(-3, 4)}; }

std::optional<Version> any_version() {
  return maybe(Version{*rc::gen::inRange<std::uint32_t>(0, 5)});
}

Digest any_digest() { return digest_of(*rc::gen::element<unsigned char>(1, 2)); }

CreateKey any_create_key() {
  return {
      KeyId{kKey},          KeyName{any_word()}, any_description(), *rc::gen::arbitrary<bool>(),
      maybe(any_instant()), any_digest(),        "kl_…a1B2",        maybe(Username{any_word()})};
}

Command any_command() {
  switch (*rc::gen::weightedElement<int>({{1, 0}, {3, 1}, {8, 2}, {1, 3}, {1, 4}})) {
    case 0:
      return PutAccount{Username{any_word()}};
    case 1:
      return any_create_key();
    case 2:
      return ChangeKey{maybe(KeyName{any_word()}), maybe(any_description()),
                       maybe(*rc::gen::arbitrary<bool>()), maybe(maybe(any_instant())),
                       any_version()};
    case 3:
      return DeleteKey{any_version()};
    default:
      return RevealValue{};
  }
}

Fact any_fact() {
  const std::array<Fact, 13> facts{
      LedgerCreated{any_word(), any_word()},
      WriterElected{any_word(), any_word()},
      AccountRegistered{Username{any_word()}},
      AccountUsernameChanged{Username{any_word()}},
      KeyCreated{KeyId{kKey}, KeyName{any_word()}, any_description(), *rc::gen::arbitrary<bool>(),
                 maybe(any_instant()), any_digest(), any_word()},
      KeyEnabled{},
      KeyDisabled{},
      KeyRenamed{KeyName{any_word()}},
      KeyDescribed{any_description()},
      KeyExpiryChanged{maybe(any_instant())},
      KeyDeleted{},
      KeyValueRevealed{},
      EventQuarantined{{1}, {2}, AccountId{any_word()}, KeyId{kKey}, {3}}};
  static_assert(facts.size() == std::variant_size_v<Fact>);
  return facts[*rc::gen::inRange<std::size_t>(0, facts.size())];
}

State fold(State state, const std::vector<Fact>& facts, Instant at) {
  for (const Fact& fact : facts) state = evolve(std::move(state), fact, at);
  return state;
}

/// Runs `check(before, command, now, facts, after)` for each accepted command of a random sequence.
template <typename Check>
void for_each_decision(Check check) {
  State state;
  Instant now = kNoon;
  const int commands = *rc::gen::inRange(1, 40);
  for (int i = 0; i < commands; ++i) {
    now += std::chrono::minutes{*rc::gen::inRange(0, 20)};
    const Command command = any_command();
    const auto decision = decide(state, command, now);
    if (!decision) continue;
    const State after = fold(state, *decision, now);
    check(state, command, now, *decision, after);
    state = after;
  }
}

/// Whether `key` is as `command` wanted it.
bool satisfies(const KeyState& key, const ChangeKey& command) {
  const auto wanted = [](std::optional<Description> text) {
    return text && text->value.empty() ? std::nullopt : std::move(text);
  };
  return key.status == KeyState::Status::live && (!command.name || key.name == *command.name) &&
         (!command.description || key.description == wanted(*command.description)) &&
         (!command.enabled || key.enabled == *command.enabled) &&
         (!command.expires_at || key.expires_at == *command.expires_at);
}

bool satisfies(const State& state, const Command& command) {
  if (const auto* put = std::get_if<PutAccount>(&command)) {
    return state.account.registered && state.account.username == put->username;
  }
  if (const auto* create = std::get_if<CreateKey>(&command)) {
    return state.account.registered && state.key.status == KeyState::Status::live &&
           state.key.id == create->key && state.key.digest == create->digest;
  }
  if (const auto* change = std::get_if<ChangeKey>(&command)) return satisfies(state.key, *change);
  if (std::holds_alternative<DeleteKey>(command)) {
    return state.key.status == KeyState::Status::deleted;
  }
  return state.key.status == KeyState::Status::live;
}

TEST(Decide, WhenItsFactsAreFolded_LeavesTheStateThatWasAskedFor) {
  EXPECT_TRUE(rc::check([] {
    for_each_decision([](const State&, const Command& command, Instant, const std::vector<Fact>&,
                         const State& after) { RC_ASSERT(satisfies(after, command)); });
  }));
}

TEST(Decide, AskedTheSameTwice_AddsNothingTheSecondTime) {
  EXPECT_TRUE(rc::check([] {
    for_each_decision([](const State&, const Command& command, Instant now,
                         const std::vector<Fact>&, const State& after) {
      if (std::holds_alternative<RevealValue>(command)) return;
      const auto again = decide(after, command, now);
      if (again) RC_ASSERT(again->empty());
    });
  }));
}

TEST(Decide, StepsTheVersionByOneForEachFactThatChangesTheKey) {
  EXPECT_TRUE(rc::check([] {
    for_each_decision([](const State& before, const Command&, Instant now,
                         const std::vector<Fact>& facts, const State&) {
      State state = before;
      for (const Fact& fact : facts) {
        const Version previous = state.key.version;
        const KeyState previous_key = state.key;
        state = evolve(std::move(state), fact, now);
        const std::uint32_t step = steps_version(fact) ? 1 : 0;
        RC_ASSERT(state.key.version.value == previous.value + step);
        RC_ASSERT((state.key != previous_key) == steps_version(fact));
      }
    });
  }));
}

TEST(Decide, NeverAddsAFactThatChangesNothing) {
  EXPECT_TRUE(rc::check([] {
    for_each_decision([](const State& before, const Command&, Instant now,
                         const std::vector<Fact>& facts, const State&) {
      State state = before;
      for (const Fact& fact : facts) {
        State next = evolve(state, fact, now);
        KeyState unstepped = next.key;
        unstepped.version = state.key.version;
        const bool changes = next.account != state.account || unstepped != state.key;
        RC_ASSERT(changes || std::holds_alternative<KeyValueRevealed>(fact));
        state = std::move(next);
      }
    });
  }));
}

TEST(Decide, OfTheSameInput_GivesTheSameOutput) {
  EXPECT_TRUE(rc::check([] {
    State state;
    for (int i = *rc::gen::inRange(0, 10); i > 0; --i) {
      state = evolve(std::move(state), any_fact(), kNoon);
    }
    const Command command = any_command();
    const auto first = decide(state, command, kNoon);
    const auto second = decide(state, command, kNoon);
    RC_ASSERT(first.has_value() == second.has_value());
    if (first) {
      RC_ASSERT(*first == *second);
    } else {
      RC_ASSERT(first.error().code == second.error().code);
      RC_ASSERT(first.error().message == second.error().message);
      RC_ASSERT(first.error().fields == second.error().fields);
    }
  }));
}

TEST(Evolve, OfAnyFactsInAnyOrder_StepsTheVersionAndNeverFails) {
  EXPECT_TRUE(rc::check([] {
    State state;
    std::uint32_t steps = 0;
    for (int i = *rc::gen::inRange(0, 50); i > 0; --i) {
      const Fact fact = any_fact();
      steps += steps_version(fact) ? 1 : 0;
      state = evolve(std::move(state), fact, any_instant());
      const auto* quarantined = std::get_if<EventQuarantined>(&fact);
      if (quarantined != nullptr && state.key.status == KeyState::Status::live) {
        steps = std::max(steps, quarantined->version.value);
      }
      RC_ASSERT(state.key.version.value == steps);
    }
  }));
}

}  // namespace
}  // namespace keyledger
