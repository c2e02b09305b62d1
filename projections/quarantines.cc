#include "projections/quarantines.h"

#include <algorithm>
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
  log::Decoder decoder;
  while (looked_to_ < end) {
    const auto events = log.read_after(looked_to_, kPageEvents);
    if (!events || events->empty()) return;
    for (const auto& stored : *events) {
      looked_to_ = stored.position;
      if (!may_be_quarantine(stored.bytes)) continue;
      const auto decoded = decoder.decode(stored.bytes);
      const auto* event = decoded ? std::get_if<Event>(&*decoded) : nullptr;
      const auto* fact = event != nullptr ? std::get_if<EventQuarantined>(&event->fact) : nullptr;
      if (fact == nullptr || fact->last >= stored.position) continue;
      by_first_.try_emplace(fact->first, Quarantine{*fact, event->time, stored.bytes});
    }
  }
}

const Quarantine* Quarantines::of(Position first) const {
  const auto found = by_first_.find(first);
  return found == by_first_.end() ? nullptr : &found->second;
}

}  // namespace keyledger::projections
