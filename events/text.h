#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace keyledger {

/// How many Unicode scalar values `text` holds; nothing if it is not well-formed UTF-8
/// (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
std::optional<std::size_t> count_characters(std::string_view text);

/// Whether `text` holds a C0 or C1 control character or DEL, other than those in `allowed`.
/// `text` must be well-formed UTF-8.
bool has_control_character(std::string_view text, std::string_view allowed = {});

/// `text` as at most `max_bytes` of well-formed UTF-8 without control characters: what is not is
/// replaced by U+FFFD, and the cut falls between characters. For what others send and we only
/// record.
std::string sanitize(std::string_view text, std::size_t max_bytes);

}  // namespace keyledger
