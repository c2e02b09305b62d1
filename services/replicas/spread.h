#pragma once

#include <optional>
#include <string>
#include <vector>

#include "events/log/boot_clock.h"
#include "events/log/replica_registry.h"
#include "events/vocabulary.h"

namespace keyledger::replicas {

/// How far a change has spread.
struct Spread {
  /// Every live replica has applied it. Then no request that is sent from now on, to whichever
  /// node, is answered by what was before.
  bool applied_everywhere = false;
  std::vector<std::string> missing;  ///< The ids of those that are not known to have it, sorted.
};

/// Judges `replicas` as they were read from a registry after the change at `position` was in the
/// log; this process itself has applied it.
///
/// A replica whose lease ran out doesn't count: it can't validate before it is where the log ended
/// some time after it renewed that. `next_lapse` becomes when the first of those that are missing
/// will not count any more, unless it renews its lease; none if none is missing.
Spread judge(const std::vector<log::KnownReplica>& replicas, Position position,
             log::BootClock::time_point now, std::optional<log::BootClock::time_point>& next_lapse);

}  // namespace keyledger::replicas
