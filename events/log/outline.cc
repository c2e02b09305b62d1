#include "events/log/outline.h"

#include <charconv>
#include <string>
#include <system_error>

#include "events/time.h"

namespace keyledger::log {
namespace {

constexpr std::string_view kSourcePrefix = "urn:keyledger:";

/// What stands behind `"name":` in `text`; empty if it isn't there.
std::string_view behind(std::string_view text, std::string_view name) {
  const std::string label = '"' + std::string(name) + "\":";
  const auto at = text.find(label);
  return at == text.npos ? std::string_view{} : text.substr(at + label.size());
}

/// The text of a member. None of those looked for has anything in it that JSON would escape.
std::string_view text_of(std::string_view text, std::string_view name) {
  auto value = behind(text, name);
  if (!value.starts_with('"')) return {};
  value.remove_prefix(1);
  const auto end = value.find('"');
  return end == value.npos ? std::string_view{} : value.substr(0, end);
}

template <typename Number>
std::optional<Number> read_number(std::string_view& text) {
  Number number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<Place> to_place(std::string_view text) {
  const auto index = read_number<std::uint16_t>(text);
  if (!index || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  const auto count = read_number<std::uint16_t>(text);
  if (!count || !text.empty() || *index < 1 || *index > *count) return std::nullopt;
  return Place{*index, *count};
}

std::optional<Version> to_version(std::string_view text) {
  const auto number = read_number<std::uint32_t>(text);
  // Where nothing follows, it may be the beginning of another number.
  if (!number || *number < 1 || text.empty()) return std::nullopt;
  return Version{*number};
}

template <typename T>
std::optional<T> if_good(Result<T> result) {
  return result ? std::optional<T>(std::move(*result)) : std::nullopt;
}

}  // namespace

Outline outline(std::string_view bytes) {
  // The data's members have names that the attributes have too.
  const std::string_view attributes = bytes.substr(0, bytes.find("\"data\":{"));
  std::string_view log_id = text_of(attributes, "source");
  log_id.remove_prefix(log_id.starts_with(kSourcePrefix) ? kSourcePrefix.size() : log_id.size());
  return {text_of(attributes, "type"),
          log_id,
          text_of(attributes, "commandid"),
          text_of(attributes, "term"),
          to_place(text_of(attributes, "commandplace")),
          if_good(parse_instant(text_of(attributes, "time"))),
          if_good(AccountId::parse(text_of(attributes, "account"))),
          if_good(KeyId::parse(text_of(attributes, "subject"))),
          to_version(behind(attributes, "keyversion"))};
}

}  // namespace keyledger::log
