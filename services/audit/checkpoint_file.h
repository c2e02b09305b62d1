#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "events/result.h"

namespace keyledger::audit {

/// The note in `file`. Errors: not_found, io.
Result<std::string> read_checkpoint_file(const std::filesystem::path& file);

/// Puts `note` in the place of what `file` holds, on stable storage before it returns: whatever
/// happens, the file is the old one or the new one. Errors: io.
Result<void> write_checkpoint_file(const std::filesystem::path& file, std::string_view note);

}  // namespace keyledger::audit
