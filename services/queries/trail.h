#pragma once

#include <string>
#include <vector>

#include "projections/read_model.h"

namespace keyledger::queries {

// An audit trail's page in the three forms that are offered. Each event is what lies in the log,
// with its position; nothing is left out of it.

/// {"events": [{"position": 12, …}], "next_after": 12 or null}
std::string trail_as_json(const projections::HistoryPage& page);

/// One event a line.
std::string trail_as_ndjson(const projections::HistoryPage& page);

/// RFC 4180 with a header row. A cell that a spreadsheet would take for a formula gets an
/// apostrophe before it (OWASP, "CSV Injection"). Errors: damaged, when an event is no JSON.
Result<std::string> trail_as_csv(const projections::HistoryPage& page);

}  // namespace keyledger::queries
