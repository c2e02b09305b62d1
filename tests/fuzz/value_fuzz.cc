// Key values, ids, times and the texts of the vocabulary.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "events/key_value.h"
#include "events/text.h"
#include "events/time.h"
#include "events/unique_id.h"
#include "events/vocabulary.h"
#include "tests/fuzz/promise.h"

namespace keyledger {
namespace {

using fuzz::promise;

/// A text that somebody says is a key value.
void check_claimed_value(std::string_view prefix, std::string_view text) {
  if (!has_valid_checksum(prefix, text)) return;
  promise(text.size() == prefix.size() + 50 && text.starts_with(prefix),
          "a key value has its form");
  promise(text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz",
                                 prefix.size() + 1) == text.npos,
          "a key value is base62");
  promise(value_hint(prefix, text).ends_with(text.substr(text.size() - 4)),
          "a hint has the last four");
  promise(value_hint(prefix, text).size() == prefix.size() + 8, "a hint has no more than that");
}

void check_made_value(std::string_view prefix, std::string_view text, std::size_t at, char other) {
  KeyEntropy entropy{};
  std::memcpy(entropy.data(), text.data(), std::min(text.size(), entropy.size()));
  const std::string value = make_key_value(prefix, entropy);
  promise(has_valid_checksum(prefix, value), "a value that was made is good");
  check_claimed_value(prefix, value);
  std::string changed = value;
  changed[at % value.size()] = other;
  promise(changed == value || !has_valid_checksum(prefix, changed),
          "a value with a changed character is bad");
  promise(!has_valid_checksum(std::string(prefix) + "x", value), "a value has one prefix");
  promise(!has_valid_checksum(prefix, value + '0'), "a value has one length");
  promise(!has_valid_checksum(prefix, std::string_view(value).substr(1)), "a value has one length");
  KeyEntropy next = entropy;
  next[at % next.size()] ^= std::byte{1};
  promise(make_key_value(prefix, next) != value, "each entropy has its own value");
}

template <typename Text>
void check_parsed(std::string_view text, std::size_t max_characters,
                  std::string_view allowed_controls = {}) {
  const auto parsed = Text::parse(text);
  if (!parsed) {
    promise(parsed.error().code == Errc::invalid, "a text is good or invalid");
    return;
  }
  promise(parsed->value == text, "a text is kept as it is");
  promise(simdjson::validate_utf8(text.data(), text.size()), "a text is UTF-8");
  promise(count_characters(text).value() <= max_characters, "a text is within its bound");
  promise(!has_control_character(text, allowed_controls), "a text has no control characters");
}

void check_utf8(std::string_view text, std::size_t max_bytes) {
  const auto characters = count_characters(text);
  promise(characters.has_value() == simdjson::validate_utf8(text.data(), text.size()),
          "UTF-8 is what others take for UTF-8");
  const auto is_begin = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  promise(
      !characters || *characters == static_cast<std::size_t>(std::ranges::count_if(text, is_begin)),
      "a text has as many characters as bytes that begin one");
  const std::string clean = sanitize(text, max_bytes);
  promise(clean.size() <= max_bytes, "a sanitized text is within its bound");
  promise(count_characters(clean).has_value(), "a sanitized text is UTF-8");
  promise(!has_control_character(clean), "a sanitized text has no control characters");
  promise(sanitize(clean, max_bytes) == clean, "a sanitized text is clean");
  const bool was_clean = characters && !has_control_character(text) && text.size() <= max_bytes;
  promise((clean == text) == was_clean, "what is clean stays as it is, and nothing else does");
}

void check_instant(std::string_view text) {
  const auto at = parse_instant(text);
  if (!at) {
    promise(at.error().code == Errc::malformed, "a time is good or malformed");
    return;
  }
  const std::string written = format_instant(*at);
  promise(parse_instant(written) == *at, "a time is read as it is written");
  promise(written.size() == 27 && written.ends_with('Z'), "a time has one form");
}

void check_id(std::string_view text, std::int64_t micros) {
  IdEntropy entropy{};
  std::memcpy(entropy.data(), text.data(), std::min(text.size(), entropy.size()));
  const Instant at{std::chrono::microseconds{micros}};
  const std::string id = make_unique_id(at, entropy);
  promise(is_unique_id(id), "an id that was made is one");
  promise(unique_id_time(id) == std::chrono::floor<std::chrono::milliseconds>(at),
          "an id tells its time");
  promise(make_unique_id(at + std::chrono::microseconds{1}, entropy) > id, "ids sort by time");
  promise(KeyId::parse("key_" + id).has_value(), "an id makes a key id");
  if (is_unique_id(text)) (void)unique_id_time(text);
}

void check(std::string_view text, FuzzedDataProvider& choices) {
  std::string prefix = choices.ConsumeBool() ? "kl" : std::string(text.substr(0, 16));
  check_claimed_value(prefix, text);
  if (!is_key_prefix(prefix)) prefix = "kl";
  const auto at = choices.ConsumeIntegral<std::uint8_t>();
  check_made_value(prefix, text, at, choices.ConsumeIntegral<char>());
  check_parsed<AccountId>(text, 64);
  check_parsed<Username>(text, 254);
  check_parsed<KeyId>(text, 30);
  check_parsed<KeyName>(text, 200);
  check_parsed<Description>(text, 2000, "\n\t");
  check_parsed<Reason>(text, 500);
  check_utf8(text, choices.ConsumeIntegralInRange<std::size_t>(0, 300));
  check_instant(text);
  constexpr std::int64_t kTheYear9999 = 253'402'300'799'000'000;
  check_id(text, choices.ConsumeIntegralInRange<std::int64_t>(0, kTheYear9999));
  promise(same_username(text, text), "a username is the same as itself");
}

}  // namespace
}  // namespace keyledger

/// A text; behind it, from the end on, what is chosen for it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kChoiceBytes = 16;
  const std::size_t choice_bytes = size < kChoiceBytes ? size : kChoiceBytes;
  FuzzedDataProvider choices(data + size - choice_bytes, choice_bytes);
  const std::string text(reinterpret_cast<const char*>(data), size - choice_bytes);
  keyledger::check(text, choices);
  return 0;
}
