#include "services/security/crypto.h"

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace keyledger::security {
namespace {

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

struct HmacVector {
  std::string key;
  std::string message;
  std::string hex;
};

/// RFC 4231 §4, without test case 5, which is about truncation.
std::vector<HmacVector> rfc4231() {
  return {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {bytes_of_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
}

TEST(Hmac, OfTheVectorsOfRfc4231_IsWhatTheySay) {
  for (const HmacVector& vector : rfc4231()) {
    EXPECT_EQ(to_hex(Hmac(vector.key)(vector.message)), vector.hex) << vector.message;
  }
}

TEST(Hmac, UsedTwice_AnswersTheSame) {
  const Hmac hmac("Jefe");
  const Digest first = hmac("what do ya want for nothing?");
  hmac("something else");
  EXPECT_EQ(hmac("what do ya want for nothing?"), first);
}

TEST(Hmac, OfNothingUnderAnEmptyKey_IsTheKnownDigest) {
  EXPECT_EQ(to_hex(Hmac("")("")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, OfKeysAroundTheBlockSize_EqualsTheDefinition) {
  for (const std::size_t length : {63U, 64U, 65U}) {
    const std::string key(length, 'k');
    std::string block = key;
    if (length > 64) {
      const Digest hashed = sha256(key);
      block.assign(reinterpret_cast<const char*>(hashed.data()), hashed.size());
    }
    block.resize(64, '\0');
    std::string inner = block;
    std::string outer = block;
    for (char& c : inner) c = static_cast<char>(c ^ 0x36);
    for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
    const Digest inner_digest = sha256(inner + "message");
    outer.append(reinterpret_cast<const char*>(inner_digest.data()), inner_digest.size());
    EXPECT_EQ(Hmac(key)("message"), sha256(outer)) << length;
  }
}

// FIPS 180-2, appendix B, and the digest of nothing.
TEST(Sha256, OfThePublishedMessages_IsWhatTheStandardSays) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(ToHex, OfBytes_IsLowerCaseWithLeadingZeros) {
  const std::array bytes = {std::byte{0x00}, std::byte{0x0f}, std::byte{0xab}, std::byte{0xff}};
  EXPECT_EQ(to_hex(bytes), "000fabff");
  EXPECT_EQ(to_hex({}), "");
}

// RFC 4648 §10.
const std::vector<std::pair<std::string, std::string>> kBase64 = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};

TEST(Base64, OfTheVectorsOfRfc4648_DecodesToTheirBytes) {
  for (const auto& [bytes, text] : kBase64) {
    const auto decoded = base64_decode(text);
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(*decoded, bytes);
  }
}

TEST(Base64Url, OfTheVectorsOfRfc4648_IsTheirTextWithoutPadding) {
  for (const auto& [bytes, padded] : kBase64) {
    const std::string text = padded.substr(0, padded.find('='));
    EXPECT_EQ(base64url_encode(bytes), text);
    const auto decoded = base64url_decode(text);
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(*decoded, bytes);
  }
}

TEST(Base64Url, OfEveryByte_RoundTrips) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes += static_cast<char>(byte);
    const auto decoded = base64url_decode(base64url_encode(bytes));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, bytes);
  }
}

TEST(Base64, WithTheTwoAlphabets_TakesOnlyItsOwn) {
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url_decode("-__-").value(), "\xfb\xff\xfe");
  EXPECT_EQ(base64_decode("+//+").value(), "\xfb\xff\xfe");
  EXPECT_FALSE(base64url_decode("+//+"));
  EXPECT_FALSE(base64_decode("-__-"));
}

TEST(Base64, ThatIsNot_IsMalformed) {
  for (const std::string_view text :
       {"Zg", "Zm8", "Zg=", "Z===", "====", "=", "Zg==Zg==", "Zm=v", "Zm9v\n", "Zm 9v", " Zm9v",
        "Zm9v=", "Zm9\xc3\xa9", "Zh==", "Zm9="}) {
    const auto decoded = base64_decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, Errc::malformed);
  }
}

TEST(Base64Url, ThatIsNot_IsMalformed) {
  for (const std::string_view text : {"Z", "Zm9vY", "Zg==", "Zm8=", "=", "Zm.v", "Zm9v\n", " Zm9v",
                                      "Zm+v", "Zm/v", "Zh", "Zm9", "\xff\xff"}) {
    const auto decoded = base64url_decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, Errc::malformed);
  }
  EXPECT_FALSE(base64url_decode(std::string_view("Zm\0v", 4)));
}

TEST(EqualInConstantTime, OfTwoTexts_HoldsForTheSameBytesOnly) {
  using std::string_view_literals::operator""sv;
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time({}, ""));
  EXPECT_TRUE(equal_in_constant_time("a\0b"sv, "a\0b"sv));
  EXPECT_FALSE(equal_in_constant_time("a\0b"sv, "a\0c"sv));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "bbc"));
  EXPECT_FALSE(equal_in_constant_time("abc", ""));
}

TEST(RandomBytes, AskedManyTimes_NeverRepeatThemselves) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    std::array<std::byte, 16> bytes{};
    random_bytes(bytes);
    EXPECT_TRUE(seen.insert(to_hex(bytes)).second);
  }
  random_bytes({});
}

}  // namespace
}  // namespace keyledger::security
