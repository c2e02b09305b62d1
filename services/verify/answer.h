#pragma once

#include <cstdint>
#include <string>

#include "services/verify/verifier.h"

namespace keyledger::verify {

/// Appends the answer of /v1/verify: all of the grant with VALID, DISABLED and EXPIRED, else
/// `valid`, `code` and `position` alone. Written by hand: this is the path that is asked the most.
void append_answer(std::string& out, const Verdict& verdict, std::uint64_t position);

}  // namespace keyledger::verify
