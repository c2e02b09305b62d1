#include "tests/services/commands/simulation/simulated_log.h"

#include <algorithm>
#include <utility>

namespace keyledger::commands::simulation {

SimulatedTail::SimulatedTail(const SimulatedCluster& cluster)
    : cluster_(cluster), received_(cluster.transactions().size()) {}

void SimulatedTail::move(std::size_t transactions) {
  received_ = std::min(received_ + transactions, cluster_.transactions().size());
}

void SimulatedTail::move_to(std::size_t transactions) {
  received_ = std::max(received_, transactions);
}

bool SimulatedTail::is_at_end() const { return received_ == cluster_.transactions().size(); }

std::size_t SimulatedTail::received_events() const {
  return received_ == 0 ? 0 : cluster_.transactions()[received_ - 1];
}

Position SimulatedTail::known_end() const {
  const std::size_t count = received_events();
  return count == 0 ? Position{} : cluster_.events()[count - 1].event.position;
}

Result<std::vector<log::StoredEvent>> SimulatedTail::read_after(Position position,
                                                                std::size_t max) const {
  const auto& events = cluster_.events();
  const auto end = events.begin() + static_cast<std::ptrdiff_t>(received_events());
  auto next = std::upper_bound(
      events.begin(), end, position,
      [](Position before, const auto& committed) { return before < committed.event.position; });
  std::vector<log::StoredEvent> page;
  for (; next != end && page.size() < max; ++next) page.push_back(next->event);
  return page;
}

bool SimulatedTail::wait_beyond(Position position, std::stop_token /*stop*/,
                                std::chrono::milliseconds /*timeout*/) const {
  return known_end() > position;
}

Result<std::optional<log::Envelope>> SimulatedTail::envelope(const KeyId& key) const {
  const auto found = cluster_.envelopes().find(key);
  if (found == cluster_.envelopes().end()) return std::nullopt;
  return found->second;
}

Result<std::vector<KeyId>> SimulatedTail::envelopes_due(Instant now, std::size_t max) const {
  std::vector<KeyId> due;
  for (const auto& [key, envelope] : cluster_.envelopes()) {
    if (due.size() < max && envelope.erase_after && *envelope.erase_after <= now) {
      due.push_back(key);
    }
  }
  return due;
}

void SimulatedLog::elect(bool is_elected) {
  if (std::exchange(is_elected_, is_elected) != is_elected) on_change_();
}

Result<Position> SimulatedLog::end() const {
  interlude_();
  if (cluster_.is_away) return fail(Errc::unavailable, "the cluster is away");
  const bool is_true = cluster_.promises().knows_its_end;
  const Position end = is_true ? cluster_.end() : tail_.known_end();
  trace_("node ", node_, " asks for the log's end: ", end.value);
  interlude_();
  return end;
}

Result<void> SimulatedLog::take_over() {
  epoch_.reset();
  interlude_();
  trace_("node ", node_, " takes over");
  const auto epoch = cluster_.take_over();
  const std::size_t settled = cluster_.transactions().size();
  interlude_();
  if (!epoch) return fail(epoch.error());
  epoch_ = *epoch;
  if (cluster_.promises().shows_all) tail_.move_to(settled);
  return {};
}

Result<Position> SimulatedLog::append(const log::Append& append) {
  if (!epoch_) misuses_.emplace_back("append() without take_over() before it");
  interlude_();
  auto position = cluster_.append(epoch_.value_or(0), append);
  trace_("node ", node_, " appends ", append.events.size(), " events",
         position ? " up to " + std::to_string(position->value) : ": " + position.error().message);
  const std::size_t landed = cluster_.transactions().size();
  interlude_();
  if (position) {
    tail_.move_to(landed);
  } else {
    epoch_.reset();
  }
  return position;
}

}  // namespace keyledger::commands::simulation
