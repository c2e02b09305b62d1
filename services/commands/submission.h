#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "events/commands.h"
#include "events/events.h"
#include "events/state.h"

namespace keyledger::commands {

/// A key to be made. Its id is given by the writer, so that ids sort as the log does.
struct NewKey {
  KeyName name;
  std::optional<Description> description;
  bool enabled = true;
  std::optional<Instant> expires_at;
  std::string value;  ///< The secret, as make_key_value() made it.
  Digest digest{};
  std::string value_hint;
  std::optional<Username> register_as;  ///< See CreateKey.
};

using Wish = std::variant<PutAccount, NewKey, ChangeKey, DeleteKey, RevealValue>;

/// A command with what is recorded around it.
struct Submission {
  AccountId account;
  std::optional<KeyId> key;  ///< None with PutAccount and NewKey.
  Wish wish;
  Actor actor;
  std::optional<Reason> reason;
  std::optional<Idempotency> idempotency;
  std::string traceparent;
  std::chrono::steady_clock::time_point
      deadline;  ///< A command still queued then is not carried out.
};

/// What became of a command that was carried out, or had been before.
struct Outcome {
  Position position;  ///< Of its last event; of the read model when it changed nothing.
  State state;        ///< Right after it. Of a replayed command about a key: the key's alone.
  std::optional<std::string> value;  ///< The secret: with NewKey and RevealValue.
  bool registered = false;           ///< It registered its account.
  bool replayed =
      false;  ///< This is the answer to an earlier request with the same idempotency key.
};

}  // namespace keyledger::commands
