#include "events/key_value.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "events/crc32.h"

namespace keyledger {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

KeyEntropy filled(unsigned char fill) {
  KeyEntropy entropy;
  entropy.fill(std::byte{fill});
  return entropy;
}

/// The number that base62 digits stand for, as 32 big-endian bytes.
KeyEntropy decode(std::string_view digits) {
  KeyEntropy number{};
  for (const char c : digits) {
    std::size_t carry = kBase62.find(c);
    for (auto byte = number.rbegin(); byte != number.rend(); ++byte) {
      carry += std::to_integer<std::size_t>(*byte) * 62;
      *byte = static_cast<std::byte>(carry & 0xFF);
      carry >>= 8;
    }
    EXPECT_EQ(carry, 0u);
  }
  return number;
}

TEST(KeyValue, OfZeroes_IsFixedWidth) {
  const std::string value = make_key_value("kl", filled(0));
  EXPECT_EQ(value.size(), 52u);
  EXPECT_EQ(value.substr(0, 46), "kl_" + std::string(43, '0'));
  EXPECT_TRUE(has_valid_checksum("kl", value));
}

TEST(KeyValue, OfCountingBytes_IsWhatAnIndependentEncoderGives) {
  KeyEntropy entropy;
  for (std::size_t i = 0; i < entropy.size(); ++i) entropy[i] = static_cast<std::byte>(i);
  EXPECT_EQ(make_key_value("kl", entropy), "kl_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3cSV2A");
}

TEST(KeyValue, OfOnes_StillFits) {
  const std::string value = make_key_value("kl", filled(0xFF));
  EXPECT_EQ(value.size(), 52u);
  EXPECT_EQ(decode(value.substr(3, 43)), filled(0xFF));
  EXPECT_TRUE(has_valid_checksum("kl", value));
}

TEST(KeyValue, OfAnyEntropy_KeepsEveryBitAndIsValid) {
  EXPECT_TRUE(rc::check([] {
    KeyEntropy entropy;
    for (std::byte& byte : entropy)
      byte = static_cast<std::byte>(*rc::gen::arbitrary<unsigned char>());
    const std::string value = make_key_value("kl", entropy);
    RC_ASSERT(value.size() == 52u);
    RC_ASSERT(decode(value.substr(3, 43)) == entropy);
    RC_ASSERT(has_valid_checksum("kl", value));
  }));
}

TEST(KeyValue, WithAnySingleCharacterChanged_IsRefused) {
  for (const KeyEntropy& entropy : {filled(0), filled(0x5A), filled(0xFF)}) {
    const std::string value = make_key_value("kl", entropy);
    for (std::size_t at = 0; at < value.size(); ++at) {
      for (int code = 0; code < 256; ++code) {
        std::string changed = value;
        changed[at] = static_cast<char>(code);
        EXPECT_EQ(has_valid_checksum("kl", changed), changed == value) << at << " " << code;
      }
    }
  }
}

TEST(KeyValue, WithTwoNeighboursSwapped_IsRefused) {
  const std::string value = make_key_value("kl", filled(0x5A));
  for (std::size_t at = 0; at + 1 < value.size(); ++at) {
    std::string changed = value;
    std::swap(changed[at], changed[at + 1]);
    EXPECT_EQ(has_valid_checksum("kl", changed), changed == value) << at;
  }
}

TEST(KeyValue, OfAnotherLength_IsRefused) {
  const std::string value = make_key_value("kl", filled(7));
  for (std::size_t length = 0; length < value.size(); ++length) {
    EXPECT_FALSE(has_valid_checksum("kl", value.substr(0, length)));
  }
  EXPECT_FALSE(has_valid_checksum("kl", value + "0"));
  EXPECT_FALSE(has_valid_checksum("kl", value + value));
}

TEST(KeyValue, WithAnotherPrefix_IsRefused) {
  const std::string value = make_key_value("ab", filled(7));
  EXPECT_TRUE(has_valid_checksum("ab", value));
  EXPECT_FALSE(has_valid_checksum("kl", value));
  EXPECT_FALSE(has_valid_checksum("AB", value));
}

TEST(KeyValue, WithARightChecksumOverOtherCharacters_IsRefused) {
  std::string value = "kl_" + std::string(42, '0') + "-";
  std::uint32_t checksum = crc32(value);
  std::string digits(6, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, checksum /= 62) {
    *digit = kBase62[checksum % 62];
  }
  EXPECT_FALSE(has_valid_checksum("kl", value + digits));
}

TEST(KeyValueHint, ShowsThePrefixAndTheLastFourCharacters) {
  const std::string value = make_key_value("acme", filled(7));
  EXPECT_EQ(value_hint("acme", value), "acme_…" + value.substr(value.size() - 4));
}

TEST(KeyPrefix, IsALetterAndUpToFifteenLettersOrDigits) {
  for (const auto* good : {"k", "kl", "K9", "abcdefghijklmnop"}) EXPECT_TRUE(is_key_prefix(good));
  for (const auto* bad : {"", "9k", "k_l", "k-", "é", " k", "abcdefghijklmnopq"}) {
    EXPECT_FALSE(is_key_prefix(bad)) << bad;
  }
}

}  // namespace
}  // namespace keyledger
