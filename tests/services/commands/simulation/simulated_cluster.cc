#include "tests/services/commands/simulation/simulated_cluster.h"

#include <utility>

namespace keyledger::commands::simulation {
namespace {

std::unexpected<Error> unavailable() { return fail(Errc::unavailable, "made to fail"); }
std::unexpected<Error> unknown() { return fail(Errc::outcome_unknown, "made to be unknown"); }

}  // namespace

Result<SimulatedCluster::Epoch> SimulatedCluster::take_over() {
  if (is_away) return unavailable();
  const bool fails = random_.chance(faults.failed_take_over);
  if (fails) ++injected_faults_;
  if (fails && random_.chance(0.5)) return unavailable();
  ++epoch_;
  if (promises_.settles) {
    for (const auto& append : std::exchange(open_, {})) end(append);
  }
  trace_("  cluster: epoch ", epoch_, fails ? ", which nobody is told" : "");
  if (fails) return unavailable();
  return epoch_;
}

Result<Position> SimulatedCluster::append(Epoch epoch, const log::Append& append) {
  if (epoch != epoch_ && promises_.fences) {
    ++fenced_appends_;
    trace_("  cluster: fences an append of epoch ", epoch);
    if (random_.chance(0.5)) return unavailable();
    return unknown();
  }
  if (is_away) {
    if (random_.chance(0.5)) return unavailable();
    if (random_.chance(0.5)) open_.push_back(append);
    return unknown();
  }
  const double fault_share = faults.refused + faults.lost + faults.landed + faults.open;
  if (random_.chance(fault_share)) return fail_append(append);
  return commit(append);
}

Result<Position> SimulatedCluster::fail_append(const log::Append& append) {
  ++injected_faults_;
  const double all = faults.refused + faults.lost + faults.landed + faults.open;
  if (random_.chance(faults.refused / all)) {
    trace_("  cluster: refuses an append");
    return unavailable();
  }
  const double unknown_share = faults.lost + faults.landed + faults.open;
  if (random_.chance(faults.lost / unknown_share)) {
    trace_("  cluster: loses an append");
    abort(append);
    return unknown();
  }
  if (random_.chance(faults.landed / (faults.landed + faults.open))) {
    trace_("  cluster: does not tell that an append landed");
    commit(append);
    if (!promises_.is_honest) return unavailable();
    return unknown();
  }
  trace_("  cluster: leaves an append open");
  open_.push_back(append);
  return unknown();
}

bool SimulatedCluster::end_an_open_one() {
  if (open_.empty()) return false;
  const std::size_t which = random_.below(open_.size());
  const log::Append append = std::move(open_[which]);
  open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
  end(append);
  return true;
}

void SimulatedCluster::end(const log::Append& append) {
  if (random_.chance(0.5)) {
    commit(append);
    trace_("  cluster: what was open lands, up to ", end().value);
  } else {
    abort(append);
    trace_("  cluster: what was open is aborted");
  }
}

Position SimulatedCluster::commit(const log::Append& append) {
  for (const auto& bytes : append.events) {
    events_.push_back({{Position{next_++}, bytes}, time_.wall()});
  }
  if (!append.events.empty()) transactions_.push_back(events_.size());
  ++next_;  // The mark.
  for (const auto& envelope : append.envelopes) envelopes_.insert_or_assign(envelope.key, envelope);
  for (const auto& key : append.erased) envelopes_.erase(key);
  return end();
}

void SimulatedCluster::abort(const log::Append& append) {
  // What was sent of it takes places, and so does the mark.
  const std::size_t sent = random_.below(append.events.size() + 1);
  if (sent > 0) next_ += sent + 1;
}

}  // namespace keyledger::commands::simulation
