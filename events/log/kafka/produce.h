#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "events/log/kafka/client.h"

namespace keyledger::log::kafka {

/// A record that is to be written.
struct Record {
  std::string_view key;  ///< Empty: none.
  /// What is written; null data: a tombstone.
  std::string_view value;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

/// Hands a copy of `record` over to `client`, for the only partition of `topic`. Any thread.
/// Returns why that can't be, or null.
Failure produce(const Client& client, const Topic& topic, const Record& record);

}  // namespace keyledger::log::kafka
