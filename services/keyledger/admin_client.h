#pragma once

#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "events/result.h"
#include "services/keyledger/data_dir.h"

namespace keyledger {

/// What the node that runs on `data` answers to `request`; nothing where none runs. Blocks for as
/// long as the node takes, an hour at most: copying a large log takes its time.
///
/// Errors: invalid (the node refused, and says why), malformed (the answer is none), io.
std::optional<Result<nlohmann::ordered_json>> ask_node(const DataDir& data,
                                                       const nlohmann::json& request);

}  // namespace keyledger
