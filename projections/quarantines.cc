#include "projections/quarantines.h"

#include <algorithm>
#include <future>
#include <string_view>
#include <utility>
#include <variant>

#include "events/log/codec.h"

namespace keyledger::projections {
namespace {

constexpr std::size_t kPageEvents = 4096;

/// Whether it is worth to decode `bytes`: the type stands among the first of an event's members.
bool may_be_quarantine(std::string_view bytes) {
  constexpr std::size_t kTypeIsWithin = 256;
  return bytes.substr(0, kTypeIsWithin).find("EventQuarantined") != std::string_view::npos;
}

}  // namespace

void Quarantines::look_on(const log::LogReader& log, Position position, Position end) {
  looked_to_ = std::max(looked_to_, position);
  if (looked_to_ >= end) return;
  const std::uint64_t count = end.value - looked_to_.value;
  if (count <= 2 * kPageEvents) {
    take(look_through(log, looked_to_, end));
    return;
  }
  // In two halves at once: whoever waits for it can't begin before it is through.
  const Position middle{looked_to_.value + count / 2};
  auto rest = std::async(std::launch::async, [&] { return look_through(log, middle, end); });
  take(look_through(log, looked_to_, middle));
  Part later = rest.get();
  if (looked_to_ >= middle) take(std::move(later));
}

void Quarantines::take(Part part) {
  by_first_.merge(part.by_first);
  looked_to_ = std::max(looked_to_, part.looked_to);
}

Quarantines::Part Quarantines::look_through(const log::LogReader& log, Position position,
                                            Position end) {
  Part part{position, {}};
  log::Decoder decoder;
  while (part.looked_to < end) {
    const auto events = log.read_after(part.looked_to, kPageEvents);
    if (!events || events->empty()) break;
    for (const auto& stored : *events) {
      part.looked_to = stored.position;
      if (!may_be_quarantine(stored.bytes)) continue;
      const auto decoded = decoder.decode(stored.bytes);
      const auto* event = decoded ? std::get_if<Event>(&*decoded) : nullptr;
      const auto* fact = event != nullptr ? std::get_if<EventQuarantined>(&event->fact) : nullptr;
      if (fact == nullptr || fact->last >= stored.position) continue;
      part.by_first.try_emplace(fact->first, Quarantine{*fact, event->time, stored.bytes});
    }
  }
  return part;
}

const Quarantine* Quarantines::of(Position position) const {
  const auto end = by_first_.upper_bound(position);
  const auto found = std::find_if(
      by_first_.begin(), end, [&](const auto& each) { return position <= each.second.fact.last; });
  return found == end ? nullptr : &found->second;
}

}  // namespace keyledger::projections
