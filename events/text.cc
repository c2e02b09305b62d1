#include "events/text.h"

#include <cstdint>

namespace keyledger {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

/// What a text begins with.
struct Lead {
  std::size_t length = 1;  ///< Bytes to step over; for ill-formed input its maximal subpart.
  bool well_formed = false;
  char32_t scalar = 0;  ///< Only if well-formed.
};

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

/// Reads the first character of a text that is not empty: the Unicode standard's table 3-7
/// ("Well-Formed UTF-8 Byte Sequences"), which is RFC 3629's grammar.
Lead read_character(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) return {1, true, first};
  if (first < 0xC2 || first > 0xF4) return {};

  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t scalar = first & (0x7Fu >> length);
  std::uint8_t lowest = 0x80;
  std::uint8_t highest = 0xBF;
  if (first == 0xE0) lowest = 0xA0;   // else overlong
  if (first == 0xED) highest = 0x9F;  // else a surrogate
  if (first == 0xF0) lowest = 0x90;   // else overlong
  if (first == 0xF4) highest = 0x8F;  // else above U+10FFFF
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false, 0};
    const std::uint8_t next = byte_at(text, i);
    if (next < lowest || next > highest) return {i, false, 0};
    scalar = scalar << 6 | (next & 0x3Fu);
    lowest = 0x80;
    highest = 0xBF;
  }
  return {length, true, scalar};
}

bool is_control(char32_t scalar) { return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0); }

}  // namespace

std::optional<std::size_t> count_characters(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const Lead lead = read_character(text);
    if (!lead.well_formed) return std::nullopt;
    text.remove_prefix(lead.length);
    ++count;
  }
  return count;
}

bool has_control_character(std::string_view text, std::string_view allowed) {
  while (!text.empty()) {
    const Lead lead = read_character(text);
    if (lead.well_formed && is_control(lead.scalar)) {
      const bool is_allowed = lead.length == 1 && allowed.find(text.front()) != allowed.npos;
      if (!is_allowed) return true;
    }
    text.remove_prefix(lead.length);
  }
  return false;
}

std::string sanitize(std::string_view text, std::size_t max_bytes) {
  std::string clean;
  while (!text.empty()) {
    const Lead lead = read_character(text);
    const bool keep = lead.well_formed && !is_control(lead.scalar);
    const std::string_view piece = keep ? text.substr(0, lead.length) : kReplacement;
    if (piece.size() > max_bytes - clean.size()) break;
    clean.append(piece);
    text.remove_prefix(lead.length);
  }
  return clean;
}

}  // namespace keyledger
