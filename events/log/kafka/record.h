#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/log/event_log.h"
#include "events/log/kafka/client.h"

namespace keyledger::log::kafka {

/// A record that is to be written. Its texts belong to whoever made it.
struct Record {
  std::string_view key;  ///< Empty: none.
  /// What is written; null data: a tombstone.
  std::string_view value;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

/// An event's, with what routes it.
Record event_record(std::string_view event);

/// An envelope's. `erase_after` holds the header's text.
Record envelope_record(const Envelope& envelope, std::string& erase_after);

/// Hands `record` to librdkafka, which copies it. None, or why it didn't take it.
Failure produce(const Client& client, const Topic& topic, const Record& record);

}  // namespace keyledger::log::kafka
