#include "events/log/replica_table.h"

namespace keyledger::log {

bool ReplicaTable::take(ReplicaRecord record, BootClock::time_point read_at) {
  if (!record.replica) return withdraw(record);
  const auto [row, is_new] = rows_.try_emplace({record.node, record.run});
  if (!is_new && row->second.sequence > record.sequence) return false;
  row->second.sequence = record.sequence;
  row->second.known = {.replica = std::move(*record.replica),
                       .run = std::move(record.run),
                       .read_at = read_at,
                       .announced_at = record.announced_at};
  return true;
}

/// A process withdraws for itself alone: its withdrawal may come late, after another was started.
bool ReplicaTable::withdraw(const ReplicaRecord& record) {
  if (!record.run.empty()) return rows_.erase({record.node, record.run}) > 0;
  return std::erase_if(rows_, [&](const auto& row) { return row.first.first == record.node; }) > 0;
}

std::vector<KnownReplica> ReplicaTable::list(std::string_view own_run) const {
  std::vector<KnownReplica> list;
  list.reserve(rows_.size());
  for (const auto& [key, row] : rows_) {
    list.push_back(row.known);
    list.back().is_own = key.second == own_run;
  }
  return list;
}

}  // namespace keyledger::log
