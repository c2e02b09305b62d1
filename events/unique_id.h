#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "events/vocabulary.h"

namespace keyledger {

/// The randomness that goes into one id; only 62 bits of it are used.
using IdEntropy = std::array<std::byte, 8>;

/// A UUIDv7 (RFC 9562 §5.7, method 3: microseconds within the millisecond in `rand_a`) as 26
/// characters of Crockford base32, upper case. Ids made at increasing microseconds sort in that
/// order as text.
std::string make_unique_id(Instant at, const IdEntropy& entropy);

/// Whether `text` is 26 characters of Crockford base32 in the canonical upper-case alphabet.
bool is_unique_id(std::string_view text);

/// The millisecond that a UniqueId was made in. `text` must satisfy is_unique_id().
Instant unique_id_time(std::string_view text);

}  // namespace keyledger
