#pragma once

#include <filesystem>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/projector.h"

namespace keyledger::projections {

/// Folds the whole log anew beside the read model in `directory`, and puts the new one in its place
/// when it has caught up. Whatever happens before that, the old one stays as it is.
///
/// Errors: locked (a process has the model open), damaged (an event can't be read or applied), io.
Result<void> rebuild_read_model(const log::LogReader& log, const std::filesystem::path& directory,
                                const OnProgress& on_progress);

}  // namespace keyledger::projections
