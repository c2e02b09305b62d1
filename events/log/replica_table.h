#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/log/boot_clock.h"
#include "events/log/replica_registry.h"

namespace keyledger::log {

/// One record of a registry.
struct ReplicaRecord {
  std::string node;
  std::string run;  ///< Empty in a withdrawal by hand: of all the node's runs.
  /// Counts the records of one run. An older one may come after a newer: it is passed over.
  std::uint64_t sequence = 0;
  std::optional<Replica> replica;  ///< None: a withdrawal.
  Instant announced_at;
};

/// What a registry's records, taken in their order, say. Not thread-safe.
class ReplicaTable {
 public:
  /// Returns whether anything changed.
  bool take(ReplicaRecord record, BootClock::time_point read_at);

  void clear() { rows_.clear(); }

  /// By node and run. Those of `own_run` are said to be its own.
  std::vector<KnownReplica> list(std::string_view own_run) const;

 private:
  struct Row {
    KnownReplica known;
    std::uint64_t sequence;
  };
  bool withdraw(const ReplicaRecord& record);

  std::map<std::pair<std::string, std::string>, Row> rows_;  ///< By node and run.
};

}  // namespace keyledger::log
