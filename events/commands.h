#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/events.h"
#include "events/state.h"

namespace keyledger {

// Wishes, in the imperative. Ids, digests and the time arrive as data: decide() is pure.

/// Registers the account under `username`, or gives it that username.
struct PutAccount {
  Username username;
};

struct CreateKey {
  KeyId key;
  KeyName name;
  std::optional<Description> description = {};
  bool enabled = true;
  std::optional<Instant> expires_at = {};
  Digest digest{};
  std::string value_hint;
  /// The username to register an unknown account under; none: the caller may not register it.
  std::optional<Username> register_as = {};
};

/// Changes what is present; an inner nullopt clears.
struct ChangeKey {
  std::optional<KeyName> name = {};
  std::optional<std::optional<Description>> description = {};
  std::optional<bool> enabled = {};
  std::optional<std::optional<Instant>> expires_at = {};
  std::optional<Version> if_match = {};  ///< Refused unless the key has this version.
};

struct DeleteKey {
  std::optional<Version> if_match = {};
};

/// Reads the secret. Each time is a fact of its own.
struct RevealValue {};

using Command = std::variant<PutAccount, CreateKey, ChangeKey, DeleteKey, RevealValue>;

/// Answers `command`, asked at `now`, with the facts it adds: none if they already hold.
/// Pure: no clock, no randomness, no I/O; the same input gives the same output.
///
/// Errors: not_found (absent or deleted key), account_unknown, version_mismatch,
/// invalid (an expiry that is not after `now`), internal (a key id that is taken by another key).
Result<std::vector<Fact>> decide(const State& state, const Command& command, Instant now);

}  // namespace keyledger
