#include "services/replicas/spread.h"

#include <algorithm>

namespace keyledger::replicas {

Spread judge(const std::vector<log::KnownReplica>& replicas, Position position,
             log::BootClock::time_point now,
             std::optional<log::BootClock::time_point>& next_lapse) {
  Spread spread;
  next_lapse.reset();
  for (const log::KnownReplica& known : replicas) {
    if (known.is_own || known.replica.position >= position) continue;
    const auto lapses_at = known.read_at + known.replica.lease;
    if (lapses_at <= now) continue;
    spread.missing.push_back(known.replica.node);
    next_lapse = next_lapse ? std::min(*next_lapse, lapses_at) : lapses_at;
  }
  std::ranges::sort(spread.missing);
  const auto repeated = std::ranges::unique(spread.missing);  // Two runs of one node.
  spread.missing.erase(repeated.begin(), repeated.end());
  spread.applied_everywhere = spread.missing.empty();
  return spread;
}

}  // namespace keyledger::replicas
