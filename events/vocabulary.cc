#include "events/vocabulary.h"

#include <algorithm>

#include "events/text.h"
#include "events/unique_id.h"

namespace keyledger {
namespace {

constexpr std::string_view kKeyIdPrefix = "key_";

bool is_account_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// What a text that people write must be.
struct TextRule {
  std::size_t min_characters;
  std::size_t max_characters;
  std::string_view allowed_controls;
  std::string_view length_message;
  std::string_view control_message;
};

Result<std::string> parse_text(std::string_view text, const TextRule& rule) {
  const std::optional<std::size_t> characters = count_characters(text);
  if (!characters) return fail(Errc::invalid, "must be well-formed UTF-8");
  if (*characters < rule.min_characters || *characters > rule.max_characters) {
    return fail(Errc::invalid, std::string(rule.length_message));
  }
  if (has_control_character(text, rule.allowed_controls)) {
    return fail(Errc::invalid, std::string(rule.control_message));
  }
  return std::string(text);
}

}  // namespace

Result<AccountId> AccountId::parse(std::string_view text) {
  if (text.empty() || text.size() > 64 || !std::ranges::all_of(text, is_account_character)) {
    return fail(Errc::invalid,
                "must be 1 to 64 characters, each a letter A-Z or a-z, a digit, '.', '_' or '-'");
  }
  return AccountId{std::string(text)};
}

Result<Username> Username::parse(std::string_view text) {
  if (text.empty() || text.size() > 254) {
    return fail(Errc::invalid, "must be 1 to 254 bytes long in UTF-8");
  }
  if (!count_characters(text)) return fail(Errc::invalid, "must be well-formed UTF-8");
  if (text.find(':') != text.npos) return fail(Errc::invalid, "must not contain a colon");
  if (has_control_character(text)) {
    return fail(Errc::invalid, "must not contain control characters");
  }
  return Username{std::string(text)};
}

bool same_username(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

Result<KeyId> KeyId::parse(std::string_view text) {
  if (!text.starts_with(kKeyIdPrefix) || !is_unique_id(text.substr(kKeyIdPrefix.size()))) {
    return fail(Errc::invalid, "must be a key id: 'key_' and 26 digits and capital letters");
  }
  return KeyId{std::string(text)};
}

Result<KeyName> KeyName::parse(std::string_view text) {
  static constexpr TextRule kRule{1, 200, "", "must be 1 to 200 characters long",
                                  "must not contain control characters"};
  auto parsed = parse_text(text, kRule);
  if (!parsed) return fail(std::move(parsed.error()));
  return KeyName{std::move(*parsed)};
}

Result<Description> Description::parse(std::string_view text) {
  static constexpr TextRule kRule{
      0, 2000, "\n\t", "must be at most 2,000 characters long",
      "must not contain control characters other than line feeds and tabs"};
  auto parsed = parse_text(text, kRule);
  if (!parsed) return fail(std::move(parsed.error()));
  return Description{std::move(*parsed)};
}

Result<Reason> Reason::parse(std::string_view text) {
  static constexpr TextRule kRule{1, 500, "", "must be 1 to 500 characters long",
                                  "must not contain control characters"};
  auto parsed = parse_text(text, kRule);
  if (!parsed) return fail(std::move(parsed.error()));
  return Reason{std::move(*parsed)};
}

}  // namespace keyledger
