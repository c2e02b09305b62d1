#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace keyledger {

/// The random part of a key value: 256 bits.
using KeyEntropy = std::array<std::byte, 32>;

/// A key value: `<prefix>_`, 43 base62 characters that encode `entropy`, and 6 base62 characters of
/// CRC-32 (ISO-HDLC, as in zlib) over all that precedes them. For the prefix "kl": 52 characters.
std::string make_key_value(std::string_view prefix, const KeyEntropy& entropy);

/// Whether `value` has the form and the checksum of a key value with this prefix. Touches no memory
/// but `value`; garbage is refused here, before any look-up.
bool has_valid_checksum(std::string_view prefix, std::string_view value);

/// What a list shows of a key value: "kl_…a1B2". `value` must be a valid key value.
std::string value_hint(std::string_view prefix, std::string_view value);

/// Whether `prefix` may be configured: `[A-Za-z][A-Za-z0-9]{0,15}`.
bool is_key_prefix(std::string_view prefix);

}  // namespace keyledger
