#pragma once

#include <string>
#include <string_view>

#include "events/vocabulary.h"

namespace keyledger {

/// RFC 3339 in UTC with six fractional digits: "2026-11-24T11:17:30.000001Z".
/// Years 0000 to 9999; earlier or later instants are clamped.
std::string format_instant(Instant at);

/// Reads RFC 3339 with any offset and up to nine fractional digits (what is below a microsecond is
/// cut off). A leap second (":60") is refused: an Instant has none. So is what falls outside the
/// years 0000 to 9999 in UTC. Errors: malformed, with a text that says what a time looks like.
Result<Instant> parse_instant(std::string_view text);

}  // namespace keyledger
