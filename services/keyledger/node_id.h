#pragma once

#include <filesystem>
#include <string>

#include "events/result.h"

namespace keyledger {

/// What a node calls itself towards the others: the host's name and eight random characters, made
/// at its first start and kept in `file`. Errors: io, incompatible (the file holds something else).
Result<std::string> open_node_id(const std::filesystem::path& file);

/// The host's name, "unknown" where it has none.
std::string host_name();

}  // namespace keyledger
