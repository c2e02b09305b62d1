#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/read_model.h"
#include "services/keyledger/progress.h"

namespace keyledger {

/// Opens the read model in `directory`, or makes it. A long log is folded into a new one in bulk,
/// and one whose rows are of another format anew beside it, which `progress` shows, and
/// `on_rebuild` is told why; until the new one is complete, the old one stays. An event that can't
/// be applied ends the new one there: its projector then halts at it.
///
/// Errors: those of open_read_model() and rebuild_read_model().
Result<std::unique_ptr<projections::ReadModel>> open_or_rebuild_read_model(
    const log::LogReader& log, const std::filesystem::path& directory,
    const projections::ReadModelOptions& options, ProgressLine& progress,
    const std::function<void(const Error& why)>& on_rebuild);

}  // namespace keyledger
