#pragma once

#include <filesystem>
#include <string_view>

#include "events/log/event_log.h"
#include "events/result.h"
#include "services/audit/checkpoint.h"

namespace keyledger::audit {

/// Writes the part of the log that `checkpoint` is of to `directory`, which must be empty or not
/// there, as the files of a C2SP tlog-tiles: its tiles, its entries, and at last `note`, the signed
/// checkpoint. Computes everything from the log.
///
/// Errors: damaged (the log isn't the one that was signed; there is no checkpoint file then),
/// unavailable (something is in the directory), io; those of reading.
Result<void> export_log(const log::LogReader& log, const Checkpoint& checkpoint,
                        std::string_view note, const std::filesystem::path& directory);

}  // namespace keyledger::audit
