#pragma once

#include <optional>
#include <string>

#include "events/events.h"
#include "events/vocabulary.h"

namespace keyledger {

/// What is known of one account.
struct AccountState {
  bool registered = false;
  Username username;
  Instant registered_at;
  bool operator==(const AccountState&) const = default;
};

/// What is known of one key.
struct KeyState {
  enum class Status { absent, live, deleted };

  Status status = Status::absent;
  KeyId id;
  Version version;
  KeyName name;
  std::optional<Description> description;
  bool enabled = false;
  std::optional<Instant> created_at;
  std::optional<Instant> expires_at;
  Digest digest{};
  std::string value_hint;
  bool operator==(const KeyState&) const = default;
};

/// What one command is decided on: an account, and the key that the command is about.
struct State {
  AccountState account;
  KeyState key;
  bool operator==(const State&) const = default;
};

/// The state after one more fact, which happened `at` that instant. Total: accepts every fact in
/// any state and never fails, because facts have already happened. Facts about another key than
/// `state.key` must not be folded into it: one state, one stream.
State evolve(State state, const Fact& fact, Instant at);

}  // namespace keyledger
