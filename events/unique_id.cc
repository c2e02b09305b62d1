#include "events/unique_id.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace keyledger {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kLength = 26;
constexpr std::size_t kTimeLength = 10;  // 2 bits of padding and the 48 bits of milliseconds
constexpr std::uint64_t kMaxMilliseconds = (std::uint64_t{1} << 48) - 1;

/// Appends the lowest `5 * characters` bits of `bits`.
void append_base32(std::string& text, std::uint64_t bits, int characters) {
  for (int shift = 5 * (characters - 1); shift >= 0; shift -= 5) {
    text.push_back(kAlphabet[(bits >> shift) & 31]);
  }
}

}  // namespace

std::string make_unique_id(Instant at, const IdEntropy& entropy) {
  const std::int64_t since_epoch = std::max<std::int64_t>(at.time_since_epoch().count(), 0);
  const auto micros = static_cast<std::uint64_t>(since_epoch);
  const std::uint64_t unix_ts_ms = std::min(micros / 1000, kMaxMilliseconds);
  const std::uint64_t rand_a = micros % 1000 * 4096 / 1000;
  std::uint64_t random = 0;
  for (const std::byte byte : entropy) random = random << 8 | std::to_integer<std::uint64_t>(byte);

  // After the time come 80 bits: version 7, rand_a, variant 0b10, rand_b.
  const std::uint64_t version_and_rand_a = std::uint64_t{7} << 12 | rand_a;
  const std::uint64_t variant_and_rand_b = std::uint64_t{1} << 63 | random >> 2;
  std::string text;
  text.reserve(kLength);
  append_base32(text, unix_ts_ms, kTimeLength);
  append_base32(text, version_and_rand_a << 24 | variant_and_rand_b >> 40, 8);
  append_base32(text, variant_and_rand_b, 8);
  return text;
}

bool is_unique_id(std::string_view text) {
  static constexpr auto kIsDigit = [] {
    std::array<bool, 256> is_digit{};
    for (const char c : kAlphabet) is_digit[static_cast<unsigned char>(c)] = true;
    return is_digit;
  }();
  // 130 bits of text for 128: the first character has but three.
  return text.size() == kLength && text.front() <= '7' &&
         std::ranges::all_of(text, [](char c) { return kIsDigit[static_cast<unsigned char>(c)]; });
}

Instant unique_id_time(std::string_view text) {
  std::uint64_t bits = 0;
  for (const char c : text.substr(0, kTimeLength)) bits = bits << 5 | kAlphabet.find(c);
  const auto unix_ts_ms = static_cast<std::int64_t>(bits & kMaxMilliseconds);
  return Instant{std::chrono::milliseconds{unix_ts_ms}};
}

}  // namespace keyledger
