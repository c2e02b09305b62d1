#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "projections/read_model.h"

namespace keyledger::queries {

// An audit trail's page in the three forms that are offered. Each event is what lies in the log,
// with its position; nothing is left out of it.

/// {"events": [{"position": 12, …}], "next_after": 12 or null}
std::string trail_as_json(const projections::HistoryPage& page);

/// One event a line.
std::string trail_as_ndjson(const projections::HistoryPage& page);

/// "KeyRenamed" for what the events themselves call keyledger.KeyRenamed.
std::string_view bare_type(std::string_view type);

/// The first row of trail_as_csv(), and each of the others.
std::string csv_header();
Result<std::string> csv_row(const projections::HistoryEntry& entry);

/// RFC 4180 with a header row. A cell that a spreadsheet would take for a formula gets an
/// apostrophe before it (OWASP, "CSV Injection"). Errors: damaged, when an event is no JSON.
Result<std::string> trail_as_csv(const projections::HistoryPage& page);

}  // namespace keyledger::queries
