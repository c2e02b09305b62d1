#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "events/events.h"
#include "events/log/codec.h"
#include "events/log/event_log.h"
#include "events/result.h"
#include "events/state.h"
#include "projections/changes.h"
#include "projections/merkle/hash.h"
#include "projections/oldest_rows.h"
#include "projections/quarantines.h"
#include "projections/read_model.h"
#include "projections/store.h"
#include "projections/tree_growth.h"

namespace keyledger::projections {

/// Folds the log's events into the read model's rows, and guards itself (design §2): the events of
/// one command are a run, which is judged as a whole. A run of a stale term, or of a command that
/// was applied already, is skipped and counted. Rows and position are written in one batch.
///
/// Not thread-safe: the projector's alone.
class Fold {
 public:
  /// `store` is used until the Fold is gone; `meta` is what it holds.
  Fold(Store& store, MetaRow meta);

  /// Applies the whole runs of `events`, which follow position() without leaving any out. A run
  /// that isn't whole at the end is left for the next call. A run that begins at a position which
  /// `quarantines` has is passed over unread: it leaves its key disabled, and in the history the
  /// EventQuarantined takes its place.
  ///
  /// `decoded`, if it isn't empty, is what log::Decoder says of each of `events`; it is used up.
  /// `leaves`, if it isn't empty, has the hash of each as a leaf of the Merkle tree, to which all
  /// that lies before the new position() is added.
  ///
  /// Errors: damaged (an event that can't be read or doesn't follow from what was before, a run
  /// that is broken off; names the position), incompatible (an event was applied that the log says
  /// is to be passed over), io. What lies before the run in question is applied.
  Result<void> apply(std::span<const log::StoredEvent> events, const Quarantines& quarantines = {},
                     std::span<Result<log::DecodedEvent>> decoded = {},
                     std::span<const merkle::Hash> leaves = {});

  /// Whether the last apply() failed for the events themselves and not for what is stored here: an
  /// EventQuarantined that names the first event after position() gets past it.
  bool failed_for_an_event() const { return failed_for_an_event_; }

  Position position() const { return meta_.position; }
  std::uint64_t rejected_runs() const { return rejected_runs_; }

 private:
  struct Run;

  /// Events, and what they decode to, or nothing of that.
  struct Events {
    std::span<const log::StoredEvent> stored;
    std::span<Result<log::DecodedEvent>> decoded;

    bool empty() const { return stored.empty(); }
    Events after(std::size_t count) const {
      return {stored.subspan(count), decoded.empty() ? decoded : decoded.subspan(count)};
    }
  };

  Result<std::optional<Run>> next_run(const Events& events);
  Result<void> fold_runs(Changes& changes, const Events& events, const Quarantines& quarantines,
                         std::size_t& applied);
  Result<void> pass_over(Changes& changes, const Quarantine& quarantine);
  Result<void> apply_run(Changes& changes, const Run& run);
  Result<bool> is_to_be_skipped(const Changes& changes, const Run& run);
  Result<bool> was_applied(const Changes& changes, const CommandId& command, Instant at);
  Result<void> check_log_id(const Event& event, std::string_view bytes) const;
  Result<void> apply_event(Changes& changes, const Event& event);
  Result<void> apply_ledgers_fact(const Changes& changes, const Event& event);
  Result<void> apply_account_fact(Changes& changes, const Event& event);
  Result<void> apply_key_fact(Changes& changes, const Event& event);
  Result<State> load_state(const Changes& changes, const AccountId& account, const KeyId* key);
  std::unexpected<Error> does_not_follow(const Event& event, const std::string& why);
  Result<void> rewrite_grants(Changes& changes, const AccountId& account,
                              const Username& username) const;
  Result<void> remember_command(Changes& changes, const Run& run);
  Result<void> forget_old_commands(Changes& changes);
  Instant forgotten_time() const;

  Store& store_;
  MetaRow meta_;
  log::Decoder decoder_;
  Instant forgotten_before_ = Instant::min();
  TreeGrowth tree_{store_};
  OldestRows oldest_commands_{Family::commands};
  OldestRows oldest_idempotency_{Family::idempotency_by_time};
  /// The greatest id (is_unique_id) of a command that was applied; none until the store was asked.
  std::optional<CommandId> newest_command_;
  /// Which account was loaded last, and what it is now: many events are about the same.
  std::optional<std::pair<AccountId, AccountState>> last_account_;
  std::uint64_t rejected_runs_ = 0;
  bool failed_for_an_event_ = false;
  /// Where this Fold passed over events: what it writes to the history can't be read before that is
  /// written.
  std::set<Position> passed_over_;
};

}  // namespace keyledger::projections
