#include "services/http/query.h"

#include <algorithm>
#include <charconv>

#include "events/text.h"
#include "events/time.h"

namespace keyledger::http {
namespace {

constexpr std::string_view kMinPosition = "min_position";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

/// As forms and URLSearchParams write it: a plus sign is a space, `%2B` a plus sign.
std::optional<std::string> form_decode(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced);
}

std::unexpected<Error> malformed(std::string_view name, const std::string& what) {
  return fail(Errc::malformed, "the query parameter " + std::string(name) + " " + what);
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!count_characters(decoded)) return std::nullopt;
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded.append("%").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 0xFU]);
    }
  }
  return encoded;
}

Result<Query> Query::parse(std::string_view query, std::initializer_list<std::string_view> known) {
  Query parsed;
  while (!query.empty()) {
    const auto ampersand = query.find('&');
    const std::string_view item = query.substr(0, ampersand);
    query = ampersand == query.npos ? std::string_view{} : query.substr(ampersand + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    auto name = form_decode(item.substr(0, equals));
    auto value = form_decode(equals == item.npos ? std::string_view{} : item.substr(equals + 1));
    if (!name || !value) return fail(Errc::malformed, "the query is not percent-encoded UTF-8");
    if (*name != kMinPosition && std::ranges::find(known, *name) == known.end()) {
      return malformed(*name, "is not known here");
    }
    if (parsed.get(*name)) return malformed(*name, "is there twice");
    parsed.parameters_.emplace_back(std::move(*name), std::move(*value));
  }
  return parsed;
}

std::optional<std::string_view> Query::get(std::string_view name) const {
  for (const auto& [parameter, value] : parameters_) {
    if (parameter == name) return value;
  }
  return std::nullopt;
}

Result<std::optional<std::uint64_t>> Query::number(std::string_view name, std::uint64_t min,
                                                   std::uint64_t max) const {
  const auto text = get(name);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (text->empty() || error != std::errc{} || end != text->data() + text->size() || value < min ||
      value > max) {
    return malformed(name,
                     "must be a number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

Result<std::optional<bool>> Query::boolean(std::string_view name) const {
  const auto text = get(name);
  if (!text) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  return malformed(name, "must be true or false");
}

Result<std::optional<Instant>> Query::instant(std::string_view name) const {
  const auto text = get(name);
  if (!text) return std::nullopt;
  // The plus sign of an offset, when it wasn't percent-encoded, came as a space.
  std::string time(*text);
  if (const auto space = time.rfind(' '); space != time.npos) time[space] = '+';
  const auto at = parse_instant(time);
  if (!at) return malformed(name, at.error().message);
  return *at;
}

}  // namespace keyledger::http
