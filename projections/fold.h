#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "events/events.h"
#include "events/log/codec.h"
#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/changes.h"
#include "projections/oldest_rows.h"
#include "projections/read_model.h"
#include "projections/store.h"

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
  /// that isn't whole at the end is left for the next call.
  ///
  /// Errors: damaged (an event that can't be read or doesn't follow from what was before, a run
  /// that is broken off; names the position), io. What lies before the run in question is applied.
  Result<void> apply(std::span<const log::StoredEvent> events);

  Position position() const { return meta_.position; }
  std::uint64_t rejected_runs() const { return rejected_runs_; }

 private:
  struct Run;

  Result<std::optional<Run>> next_run(std::span<const log::StoredEvent> events);
  Result<void> fold_runs(Changes& changes, std::span<const log::StoredEvent> events,
                         std::size_t& applied);
  Result<void> apply_run(Changes& changes, const Run& run);
  Result<bool> is_to_be_skipped(const Changes& changes, const Run& run);
  Result<bool> was_applied(const Changes& changes, const CommandId& command);
  Result<void> apply_event(Changes& changes, const Event& event);
  Result<void> apply_account_fact(Changes& changes, const Event& event);
  Result<void> apply_key_fact(Changes& changes, const Event& event);
  Result<void> rewrite_grants(Changes& changes, const AccountId& account,
                              const Username& username) const;
  Result<void> remember_command(Changes& changes, const Run& run);
  Result<void> forget_old_commands(Changes& changes, Instant now);

  Store& store_;
  MetaRow meta_;
  log::Decoder decoder_;
  Instant forgotten_before_ = Instant::min();
  OldestRows oldest_commands_{Family::commands};
  OldestRows oldest_idempotency_{Family::idempotency_by_time};
  /// No command that was applied has a greater id; none until the store was asked.
  std::optional<CommandId> newest_command_;
  std::uint64_t rejected_runs_ = 0;
};

}  // namespace keyledger::projections
