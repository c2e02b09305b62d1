#pragma once

#include <string_view>

namespace keyledger::http {

/// Whether both are the same token: without regard to ASCII case (RFC 9110 §5.1).
constexpr bool same_token(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : int{c}; };
    if (lower(left[i]) != lower(right[i])) return false;
  }
  return true;
}

/// `text` without spaces and tabs at its ends (RFC 9110 §5.6.3).
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes what stands before the next `separator` off the front of `rest`, trimmed.
constexpr std::string_view take_item(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  const std::string_view item = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return trim(item);
}

}  // namespace keyledger::http
