#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/events.h"
#include "events/state.h"

namespace keyledger::projections {

/// What a ledger is, folded with evolve() in the simplest way.
struct NaiveFold {
  std::map<AccountId, AccountState> accounts;
  std::map<std::pair<AccountId, KeyId>, KeyState> keys;
  void apply(const Event& event);
};

/// A log as decide() makes it of random commands, over weeks, with new writers, and among them what
/// a fold has to skip: runs of stale terms and commands that are there twice.
struct RandomHistory {
  struct Entry {
    std::string bytes;
    std::optional<Event> event;  ///< None where it is to be skipped, or its type is unknown.
    bool ends_run = false;
  };
  std::vector<Entry> entries;
  std::size_t rejected_runs = 0;

  std::vector<std::string> bytes(std::size_t begin, std::size_t end) const;
};

/// Made of rapidcheck's randomness: within a property alone. Its accounts are prefixes of one
/// another.
RandomHistory random_history(int commands);

}  // namespace keyledger::projections
