#include "events/key_value.h"

#include <cstdint>

#include "events/crc32.h"

namespace keyledger {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kSecretLength = 43;   // 62^43 > 2^256
constexpr std::size_t kChecksumLength = 6;  // 62^6 > 2^32
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digit_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t digit = 0; digit < kAlphabet.size(); ++digit) {
    values[static_cast<unsigned char>(kAlphabet[digit])] = static_cast<std::uint8_t>(digit);
  }
  return values;
}

constexpr std::array<std::uint8_t, 256> kDigitValues = make_digit_values();

std::uint8_t digit_value(char c) { return kDigitValues[static_cast<unsigned char>(c)]; }

/// A number of 256 bits, its most significant word first.
using Number = std::array<std::uint32_t, 8>;

Number to_number(const KeyEntropy& entropy) {
  Number number{};
  for (std::size_t i = 0; i < entropy.size(); ++i) {
    number[i / 4] = number[i / 4] << 8 | std::to_integer<std::uint32_t>(entropy[i]);
  }
  return number;
}

/// Divides the number by 62 and returns the remainder.
std::uint32_t divide_by_base(Number& number) {
  std::uint64_t remainder = 0;
  for (std::uint32_t& word : number) {
    const std::uint64_t part = remainder << 32 | word;
    word = static_cast<std::uint32_t>(part / 62);
    remainder = part % 62;
  }
  return static_cast<std::uint32_t>(remainder);
}

std::array<char, kSecretLength> encode_secret(const KeyEntropy& entropy) {
  std::array<char, kSecretLength> digits{};
  Number number = to_number(entropy);
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    *digit = kAlphabet[divide_by_base(number)];
  }
  return digits;
}

std::array<char, kChecksumLength> encode_checksum(std::uint32_t checksum) {
  std::array<char, kChecksumLength> digits{};
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    *digit = kAlphabet[checksum % 62];
    checksum /= 62;
  }
  return digits;
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

std::string make_key_value(std::string_view prefix, const KeyEntropy& entropy) {
  const auto secret = encode_secret(entropy);
  std::string value;
  value.reserve(prefix.size() + 1 + kSecretLength + kChecksumLength);
  value.append(prefix).push_back('_');
  value.append(secret.data(), secret.size());
  const auto checksum = encode_checksum(crc32(value));
  value.append(checksum.data(), checksum.size());
  return value;
}

bool has_valid_checksum(std::string_view prefix, std::string_view value) {
  if (value.size() != prefix.size() + 1 + kSecretLength + kChecksumLength) return false;
  if (!value.starts_with(prefix) || value[prefix.size()] != '_') return false;

  const std::size_t checksum_at = value.size() - kChecksumLength;
  for (const char c : value.substr(prefix.size() + 1, kSecretLength)) {
    if (digit_value(c) == kNoDigit) return false;
  }
  std::uint64_t checksum = 0;
  for (const char c : value.substr(checksum_at)) {
    const std::uint8_t digit = digit_value(c);
    if (digit == kNoDigit) return false;
    checksum = checksum * 62 + digit;
  }
  return checksum == crc32(value.substr(0, checksum_at));
}

std::string value_hint(std::string_view prefix, std::string_view value) {
  std::string hint(prefix);
  hint.append("_…").append(value.substr(value.size() - 4));
  return hint;
}

bool is_key_prefix(std::string_view prefix) {
  if (prefix.empty() || prefix.size() > 16 || !is_letter(prefix.front())) return false;
  for (const char c : prefix) {
    if (digit_value(c) == kNoDigit) return false;
  }
  return true;
}

}  // namespace keyledger
