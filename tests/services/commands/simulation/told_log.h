#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/events.h"
#include "events/state.h"
#include "tests/services/commands/simulation/history.h"
#include "tests/services/commands/simulation/simulated_cluster.h"

namespace keyledger::commands::simulation {

/// What is wrong with a run, each in a sentence.
using Wrongs = std::vector<std::string>;

/// The events of one command, as they lie in the log.
struct ToldRun {
  std::optional<std::size_t> attempt;
  std::vector<Event> events;
  Position last;
  bool is_applied = false;  ///< Not of a stale term.
  State after;              ///< Right after it, of what it is about.
};

/// The log told again without the help of the fold: which runs count, and what was known after each
/// position. Whatever decide() would not have given goes into `wrongs`.
class ToldLog {
 public:
  ToldLog(const SimulatedCluster& cluster, const History& history, Wrongs& wrongs);

  const std::vector<ToldRun>& runs() const { return runs_; }

  /// What was known right after `position`.
  State state_at(const AccountId& account, const std::optional<KeyId>& key,
                 Position position) const;

  /// All that ever were.
  std::vector<std::pair<AccountId, KeyId>> keys() const;
  std::vector<AccountId> accounts() const;

  std::size_t terms() const { return terms_; }
  std::size_t stale_runs() const { return stale_runs_; }
  /// Runs that happened before what is in front of them.
  std::size_t early_runs() const { return early_runs_; }

 private:
  template <typename State>
  using Course = std::vector<std::pair<Position, State>>;

  void divide(const SimulatedCluster& cluster, Wrongs& wrongs);
  void tell(ToldRun& run, const History& history, Wrongs& wrongs);
  void tell_ledgers_own(const Event& event, Wrongs& wrongs);

  std::vector<ToldRun> runs_;
  std::map<AccountId, Course<AccountState>> accounts_;
  std::map<std::pair<AccountId, KeyId>, Course<KeyState>> keys_;
  Term term_;
  Instant last_time_ = Instant::min();
  std::size_t terms_ = 0;
  std::size_t stale_runs_ = 0;
  std::size_t early_runs_ = 0;
};

/// The command that `submission` asks for, where `key` is the id that a new key was given.
Command command_of(const Submission& submission, const KeyId& key);

}  // namespace keyledger::commands::simulation
