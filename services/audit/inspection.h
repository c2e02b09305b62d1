#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/merkle/hash.h"
#include "projections/tree.h"
#include "services/audit/checkpoint.h"

namespace keyledger::audit {

/// A checkpoint that the log must agree with.
struct Claim {
  std::string what;  ///< How a message calls it.
  Checkpoint checkpoint;
};

/// What was found of a log that agrees with everything.
struct Inspection {
  std::uint64_t events = 0;
  Position last;
  merkle::Hash root{};
};

/// Reads the whole log, computes its tree anew, and compares it with each of `claims` and with
/// `tree`, which is a read model's as it was before the log was read; nullptr: there is none.
///
/// Errors: damaged, naming the position of the first event that differs where `tree` tells it, else
/// of the first one that can't be read where there is one; those of reading.
Result<Inspection> inspect(const log::LogReader& log, const projections::Tree* tree,
                           const std::vector<Claim>& claims);

}  // namespace keyledger::audit
