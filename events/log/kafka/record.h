#pragma once

#include <string>
#include <string_view>

#include "events/log/event_log.h"
#include "events/log/kafka/produce.h"

namespace keyledger::log::kafka {

// The records of the log's topics. Their texts belong to whoever made them.

/// An event's, with what routes it.
Record event_record(std::string_view event);

/// An envelope's. `erase_after` holds the header's text.
Record envelope_record(const Envelope& envelope, std::string& erase_after);

}  // namespace keyledger::log::kafka
