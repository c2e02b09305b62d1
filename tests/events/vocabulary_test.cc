#include "events/vocabulary.h"

#include <string>

#include <gtest/gtest.h>

namespace keyledger {
namespace {

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text.append(piece);
  return text;
}

template <typename T>
void expect_refused(std::string_view text, std::string_view message) {
  const auto parsed = T::parse(text);
  ASSERT_FALSE(parsed) << text;
  EXPECT_EQ(parsed.error().code, Errc::invalid);
  EXPECT_EQ(parsed.error().message, message);
}

TEST(AccountId, OfLettersDigitsDotsDashesAndUnderscores_IsTaken) {
  EXPECT_EQ(AccountId::parse("Acme-1_b.c")->value, "Acme-1_b.c");
  EXPECT_TRUE(AccountId::parse(repeated("a", 64)));
}

TEST(AccountId, OfAnythingElse_IsRefused) {
  for (const std::string& text : {std::string(), repeated("a", 65), std::string("a b"),
                                  std::string("a/b"), std::string("é"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(AccountId::parse(text)) << text;
  }
}

TEST(Username, IsCountedInBytes) {
  EXPECT_TRUE(Username::parse("ada@example.com"));
  EXPECT_TRUE(Username::parse(repeated("é", 127)));
  expect_refused<Username>("", "must be 1 to 254 bytes long in UTF-8");
  expect_refused<Username>(repeated("é", 128), "must be 1 to 254 bytes long in UTF-8");
}

TEST(Username, WithAColonAControlCharacterOrIllFormed_IsRefused) {
  expect_refused<Username>("ada:b", "must not contain a colon");
  expect_refused<Username>("ada\n", "must not contain control characters");
  expect_refused<Username>("ada\xFF", "must be well-formed UTF-8");
}

TEST(SameUsername, IgnoresAsciiCaseOnly) {
  EXPECT_TRUE(same_username("Ada@Example.COM", "ada@example.com"));
  EXPECT_FALSE(same_username("ada", "adam"));
  EXPECT_FALSE(same_username("É", "é"));
  EXPECT_FALSE(same_username("[", "{"));
}

TEST(KeyId, IsThePrefixAndAUniqueId) {
  EXPECT_TRUE(KeyId::parse("key_01FWHE4YDGF1VVZZZZZZZZZZZZ"));
  for (const auto* bad : {"", "key_", "01FWHE4YDGF1VVZZZZZZZZZZZZ", "key_01FWHE4YDGF1VVZZZZZZZZZZZ",
                          "KEY_01FWHE4YDGF1VVZZZZZZZZZZZZ", "key_01fwhe4ydgf1vvzzzzzzzzzzzz"}) {
    EXPECT_FALSE(KeyId::parse(bad)) << bad;
  }
}

TEST(KeyName, IsCountedInCharacters) {
  EXPECT_TRUE(KeyName::parse("x"));
  EXPECT_TRUE(KeyName::parse(repeated("😀", 200)));
  expect_refused<KeyName>("", "must be 1 to 200 characters long");
  expect_refused<KeyName>(repeated("x", 201), "must be 1 to 200 characters long");
}

TEST(KeyName, WithAControlCharacterOrIllFormed_IsRefused) {
  expect_refused<KeyName>("a\tb", "must not contain control characters");
  expect_refused<KeyName>("a\xC2\x85", "must not contain control characters");
  expect_refused<KeyName>("\xED\xA0\x80", "must be well-formed UTF-8");
}

TEST(Description, MayBeEmptyAndHaveLinesAndTabs) {
  EXPECT_TRUE(Description::parse(""));
  EXPECT_TRUE(Description::parse("one\n\ttwo"));
  EXPECT_TRUE(Description::parse(repeated("€", 2000)));
  expect_refused<Description>(repeated("x", 2001), "must be at most 2,000 characters long");
  expect_refused<Description>("one\r\n",
                              "must not contain control characters other than line feeds and tabs");
}

TEST(Reason, IsOneTo500Characters) {
  EXPECT_TRUE(Reason::parse(repeated("é", 500)));
  expect_refused<Reason>("", "must be 1 to 500 characters long");
  expect_refused<Reason>(repeated("é", 501), "must be 1 to 500 characters long");
  expect_refused<Reason>("a\nb", "must not contain control characters");
}

}  // namespace
}  // namespace keyledger
