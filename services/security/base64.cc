#include <array>
#include <cstdint>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kMaxDigit = 63;
constexpr std::uint8_t kNotADigit = 0xff;  // Greater than any digit or-ed with any others.

using Digits = std::array<std::uint8_t, 256>;

constexpr Digits digits_of(std::string_view alphabet) {
  Digits digits{};
  digits.fill(kNotADigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr Digits kUrlDigits = digits_of(kUrlAlphabet);
constexpr Digits kDigits = digits_of(kAlphabet);

/// `text` is without padding. Each sequence of bytes has one text only: spare bits must be zero
/// (RFC 4648 §3.5).
Result<std::string> decode(std::string_view text, const Digits& digits) {
  if (text.size() % 4 == 1) return fail(Errc::malformed, "not base64: its length is impossible");
  std::string bytes(text.size() * 3 / 4, '\0');
  std::size_t written = 0;
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  std::uint8_t seen = 0;  // All digits in one, so that the loop needn't look at each.
  for (const char c : text) {
    const std::uint8_t digit = digits[static_cast<unsigned char>(c)];
    seen |= digit;
    bits = (bits << 6U) | digit;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes[written++] = static_cast<char>((bits >> bit_count) & 0xffU);
    }
  }
  if (seen > kMaxDigit) return fail(Errc::malformed, "not base64: it has a foreign character");
  if ((bits & ((1U << bit_count) - 1U)) != 0) {
    return fail(Errc::malformed, "not base64: its last character has bits that mean nothing");
  }
  return bytes;
}

/// Without padding.
std::string encode(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      text += alphabet[(bits >> bit_count) & 0x3fU];
    }
  }
  if (bit_count > 0) text += alphabet[(bits << (6U - bit_count)) & 0x3fU];
  return text;
}

}  // namespace

std::string base64url_encode(std::string_view bytes) { return encode(bytes, kUrlAlphabet); }

std::string base64_encode(std::string_view bytes) {
  std::string text = encode(bytes, kAlphabet);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

Result<std::string> base64url_decode(std::string_view text) { return decode(text, kUrlDigits); }

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return fail(Errc::malformed, "not base64: its padding is missing");
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode(text, kDigits);
}

}  // namespace keyledger::security
