#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "events/result.h"
#include "projections/merkle/hash.h"

namespace keyledger::audit {

/// What a signed checkpoint says (https://c2sp.org/tlog-checkpoint).
struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  merkle::Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

/// The origin of the log `log_id`, which is also the name of the key that signs its checkpoints.
std::string origin_of(std::string_view log_id);

/// The text that is signed.
std::string checkpoint_text(const Checkpoint& checkpoint);

/// What checkpoint_text() made; lines that others put behind it are ignored. Errors: malformed.
Result<Checkpoint> parse_checkpoint(std::string_view text);

}  // namespace keyledger::audit
