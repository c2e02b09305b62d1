#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "events/commands.h"
#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/read_model.h"
#include "services/commands/submission.h"
#include "services/security/key_ring.h"

namespace keyledger::commands {

/// What stays the same for all commands of a term.
struct TermContext {
  const projections::ReadModel& model;
  const log::LogReader& log;
  const security::KeyRing& ring;
  std::string log_id;
  Term term;
  bool values_once = false;
};

/// What decided commands make of the read model, until it has applied them.
struct Overlay {
  using KeyPath = std::pair<AccountId, KeyId>;

  std::map<AccountId, AccountState> accounts;
  std::map<KeyPath, KeyState> keys;
  std::set<std::string> idempotency_keys;
};

/// Decides commands one after the other on the read model overlaid with what they themselves add,
/// and gathers their events for one append. Nothing that it answers is true before that append has
/// been applied: refusals too may rest on events of the same batch, or of the one before.
class Batch {
 public:
  /// `before`, if any, is what the batch before adds, which the read model may or may not have
  /// applied. Both are used until the Batch is gone.
  explicit Batch(const TermContext& context, const Overlay* before = nullptr)
      : context_(context), before_(before) {}

  /// Whether a command of this batch or of the one before has the same idempotency key, so that its
  /// events must be applied before this one can be answered.
  bool must_wait_for(const Submission& submission) const;

  /// Decides one command at `now`, which is after every earlier event's time. The outcome has no
  /// position yet: the append gives it. Errors: those of Writer::submit.
  Result<Outcome> decide(const Submission& submission, Instant now);

  const log::Append& append() const { return append_; }

  /// How many events there are up to here.
  std::size_t events() const { return append_.events.size(); }

  /// The events, once they were appended.
  std::vector<std::string> take_events() { return std::move(append_.events); }

  /// What it adds, for the next.
  Overlay take_overlay() { return std::move(added_); }

 private:
  Result<Outcome> decide_new_key(const Submission& submission, const NewKey& wish, Instant now);
  Result<Outcome> decide_reveal(const Submission& submission, Instant now);
  Result<Outcome> decide_command(const Submission& submission, const std::optional<KeyId>& key,
                                 const Command& command, Instant now);
  Result<Outcome> decide_on(State before, const Submission& submission,
                            const std::optional<KeyId>& key, const Command& command, Instant now);
  Result<State> state(const AccountId& account, const std::optional<KeyId>& key) const;
  Result<State> record(const Submission& submission, const std::optional<KeyId>& key,
                       const std::vector<Fact>& facts, State state, Instant now);

  Result<AccountState> account(const AccountId& id) const;
  Result<KeyState> key(const AccountId& account, const KeyId& id) const;

  const TermContext& context_;
  const Overlay* const before_;
  log::Append append_;
  Overlay added_;
};

/// A UniqueId with fresh randomness.
std::string fresh_id(Instant at);

/// The answer to an earlier request with the same idempotency key: the original representation
/// again, with the value while the key lives and its envelope is kept.
///
/// Errors: idempotency_mismatch (it was another request), io, damaged.
Result<Outcome> replay(const TermContext& context, const Submission& submission,
                       const projections::IdempotencyRecord& record);

/// The unsealed value of a key; nothing where no envelope is kept. Errors: io, damaged,
/// incompatible.
Result<std::optional<std::string>> read_value(const TermContext& context, const AccountId& account,
                                              const KeyId& key);

}  // namespace keyledger::commands
