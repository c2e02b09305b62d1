#include "events/log/kafka/recent_events.h"

#include <algorithm>
#include <utility>

#include "events/log/kafka/damage.h"
#include "events/log/kafka/page.h"

namespace keyledger::log::kafka {

void RecentEvents::add(Position position, std::optional<std::string> bytes) {
  const bool is_damaged = !bytes;
  entries_.push_back({{position, std::move(bytes).value_or("")}, is_damaged});
  bytes_ += entries_.back().event.bytes.size();
  make_room();
}

bool RecentEvents::covers(Position position) const { return offset_after(position) >= from_; }

Result<std::vector<StoredEvent>> RecentEvents::read_after(Position position, std::size_t max,
                                                          const std::string& topic) const {
  Page page(max);
  for (auto entry = after(position); entry != entries_.end(); ++entry) {
    if (entry->is_damaged) {
      if (page.is_empty()) return fail(not_an_event(entry->event.position, topic));
      break;
    }
    if (!page.has_room_for(entry->event.bytes.size())) break;
    page.add(entry->event);
  }
  return std::move(page).events();
}

std::deque<RecentEvents::Entry>::const_iterator RecentEvents::after(Position position) const {
  return std::ranges::upper_bound(entries_, position, {},
                                  [](const Entry& entry) { return entry.event.position; });
}

void RecentEvents::make_room() {
  while (entries_.size() > 1 && (entries_.size() > max_events_ || bytes_ > max_bytes_)) {
    const StoredEvent& oldest = entries_.front().event;
    if (held_ && oldest.position > *held_) return;
    from_ = offset_after(oldest.position);
    bytes_ -= oldest.bytes.size();
    entries_.pop_front();
  }
}

}  // namespace keyledger::log::kafka
