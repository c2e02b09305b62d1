#pragma once

#include <filesystem>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/projector.h"

namespace keyledger::projections {

/// What becomes of a rebuild that meets an event that can't be read or applied.
enum class AtBadEvent {
  fail,        ///< The old model stays.
  stop_there,  ///< The new one is put in place as far as it has come, to be followed on by a node.
};

/// Folds the whole log anew beside the read model in `directory`, and puts the new one in its place
/// when it has caught up. Whatever happens before that, the old one stays as it is.
///
/// Errors: locked (a process has the model open), damaged (an event can't be read or applied), io.
Result<void> rebuild_read_model(const log::LogReader& log, const std::filesystem::path& directory,
                                const OnProgress& on_progress,
                                AtBadEvent at_bad_event = AtBadEvent::fail);

}  // namespace keyledger::projections
