#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "events/log/event_log.h"

namespace keyledger::log::kafka {

/// Looks for certain events that lie one right behind the other, in the events that it sees.
class RunSearch {
 public:
  /// `wanted` isn't empty, and outlives the search. What it is to see comes after `start`.
  RunSearch(Position start, const std::vector<std::string>& wanted)
      : wanted_(wanted), seen_(start) {}

  void see(const StoredEvent& event) {
    if (is_found()) return;
    const bool continues = matched_ == 0 || event.position.value == seen_.value + 1;
    if (!continues || event.bytes != wanted_[matched_]) matched_ = 0;
    if (event.bytes == wanted_[matched_]) ++matched_;
    seen_ = event.position;
  }

  bool is_found() const { return matched_ == wanted_.size(); }

  /// The last event that it looked at: the last of the wanted ones, once they are found.
  Position seen() const { return seen_; }

 private:
  const std::vector<std::string>& wanted_;
  std::size_t matched_ = 0;
  Position seen_;
};

}  // namespace keyledger::log::kafka
