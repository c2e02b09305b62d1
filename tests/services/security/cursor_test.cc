#include "services/security/cursor.h"

#include <string>

#include <gtest/gtest.h>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

void expect_malformed(const Result<std::string>& answer) {
  ASSERT_FALSE(answer) << "it was read as: " << *answer;
  EXPECT_EQ(answer.error().code, Errc::malformed);
}

TEST(Cursor, OfAPayload_CarriesItBack) {
  const KeyRing ring = KeyRing::generate();
  for (const std::string& payload :
       {std::string("after=key_1"), std::string(), std::string("a\0b", 3), std::string(500, 'x')}) {
    const auto read = read_cursor(ring, "scope", make_cursor(ring, "scope", payload));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, payload);
  }
}

TEST(Cursor, OfAPayload_NeedsNoEscapingInAUrl) {
  const KeyRing ring = KeyRing::generate();
  const std::string cursor = make_cursor(ring, "scope", "\xfb\xff\xfe any / payload ?&=");
  EXPECT_EQ(
      cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
}

TEST(Cursor, WithAnyCharacterReplaced_IsMalformed) {
  const KeyRing ring = KeyRing::generate();
  const std::string cursor = make_cursor(ring, "scope", "payload");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    for (const char other : {'A', 'B', 'z', '0', '-', '=', '.', '\0', '\xff'}) {
      if (cursor[i] == other) continue;
      std::string forged = cursor;
      forged[i] = other;
      expect_malformed(read_cursor(ring, "scope", forged));
    }
  }
}

TEST(Cursor, WithAnyBitOfItsBytesFlipped_IsMalformed) {
  const KeyRing ring = KeyRing::generate();
  const std::string bytes = base64url_decode(make_cursor(ring, "scope", "payload")).value();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string forged = bytes;
      forged[i] = static_cast<char>(static_cast<unsigned char>(forged[i]) ^ (1U << bit));
      expect_malformed(read_cursor(ring, "scope", base64url_encode(forged)));
    }
  }
}

TEST(Cursor, CutOrLengthened_IsMalformed) {
  const KeyRing ring = KeyRing::generate();
  const std::string cursor = make_cursor(ring, "scope", "payload");
  for (std::size_t length = 0; length < cursor.size(); ++length) {
    expect_malformed(read_cursor(ring, "scope", cursor.substr(0, length)));
    expect_malformed(read_cursor(ring, "scope", cursor.substr(cursor.size() - length)));
  }
  expect_malformed(read_cursor(ring, "scope", cursor + "A"));
  expect_malformed(read_cursor(ring, "scope", cursor + "AAAA"));
  expect_malformed(read_cursor(ring, "scope", cursor + cursor));
}

TEST(Cursor, OfAnotherScope_IsMalformed) {
  const KeyRing ring = KeyRing::generate();
  const std::string cursor = make_cursor(ring, "acme|name", "payload");
  for (const char* scope : {"", "acme|nam", "acme|name ", "other|name"}) {
    expect_malformed(read_cursor(ring, scope, cursor));
  }
}

TEST(Cursor, WithTheBorderOfScopeAndPayloadMoved_IsMalformed) {
  const KeyRing ring = KeyRing::generate();
  const std::string bytes = base64url_decode(make_cursor(ring, "acme", "payload")).value();
  expect_malformed(read_cursor(ring, "acmep", base64url_encode(bytes.substr(1))));
  expect_malformed(read_cursor(ring, "acm", base64url_encode("e" + bytes)));
}

TEST(Cursor, MadeBeforeARotation_IsStillRead) {
  KeyRing ring = KeyRing::generate();
  const std::string cursor = make_cursor(ring, "scope", "payload");
  ring.rotate();
  ring.rotate();
  EXPECT_EQ(read_cursor(ring, "scope", cursor).value(), "payload");
}

TEST(Cursor, MadeAfterARotation_UsesTheNewKey) {
  const KeyRing before = KeyRing::generate();
  KeyRing after = before;
  after.rotate();
  expect_malformed(read_cursor(before, "scope", make_cursor(after, "scope", "payload")));
}

TEST(Cursor, OfAnotherRing_IsMalformed) {
  const KeyRing ring = KeyRing::generate();
  const std::string cursor = make_cursor(ring, "scope", "payload");
  expect_malformed(read_cursor(KeyRing::generate(), "scope", cursor));
  expect_malformed(read_cursor(ring.for_verification(), "scope", cursor));
}

TEST(Cursor, ThatIsGarbage_IsMalformedAndNotRepeated) {
  const KeyRing ring = KeyRing::generate();
  for (const std::string& garbage :
       {std::string(), std::string("mallory!"), std::string("mallory"), std::string(100, '='),
        std::string(43, 'A'), std::string(100'000, 'A'), std::string("\0\0\0\0", 4)}) {
    const auto read = read_cursor(ring, "scope", garbage);
    expect_malformed(read);
    EXPECT_EQ(read.error().message.find("mallory"), std::string::npos);
  }
}

}  // namespace
}  // namespace keyledger::security
