#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "events/events.h"

namespace keyledger::log {

// The words in which the tests of the codec are told.

/// A KeyCreated with every member that an event can have but the user agent.
Event a_creation();

std::vector<Event> one_event_of_every_type();

/// encode() with kStoryLogId. Throws where that fails.
std::string encoded_or_throw(const Event& event);

/// decode(). Throws where that fails, or gives no event of a known type.
Event decoded_event(std::string_view bytes);

void expect_not_encoded(const Event& event);

/// Returns what the error says.
std::string expect_damaged(std::string_view bytes);

/// `text` with its first `from` as `to`. Throws where there is none.
std::string replaced(std::string text, std::string_view from, std::string_view to);

/// The JSON object `object` with `members` put before its own.
std::string with_first(std::string object, std::string_view members);

/// `json` with the first member called `name` called otherwise.
std::string without(std::string json, std::string_view name);

}  // namespace keyledger::log
