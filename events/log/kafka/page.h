#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "events/log/event_log.h"

namespace keyledger::log::kafka {

/// What one read_after() returns: so many events at most, and about a mebibyte, but one in any
/// case.
class Page {
 public:
  explicit Page(std::size_t max) : max_(max) {}

  bool is_empty() const { return events_.empty(); }
  bool has_room() const { return events_.size() < max_ && bytes_ < kMaxBytes; }
  bool has_room_for(std::size_t bytes) const {
    return events_.size() < max_ && (events_.empty() || bytes_ + bytes <= kMaxBytes);
  }

  void add(StoredEvent event) {
    bytes_ += event.bytes.size();
    events_.push_back(std::move(event));
  }

  std::vector<StoredEvent> events() && { return std::move(events_); }

 private:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;

  const std::size_t max_;
  std::size_t bytes_ = 0;
  std::vector<StoredEvent> events_;
};

}  // namespace keyledger::log::kafka
