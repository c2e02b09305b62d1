#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "events/log/event_log.h"
#include "events/result.h"

namespace keyledger {

/// By its id, how many of the stored key values each envelope key has sealed.
using EnvelopeUse = std::map<std::string, std::uint64_t>;

/// Reads the whole log, and the envelope of every key in it. Errors: of the log.
Result<EnvelopeUse> count_envelopes(const log::LogReader& log);

}  // namespace keyledger
