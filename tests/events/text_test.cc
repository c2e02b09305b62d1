#include "events/text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace keyledger {
namespace {

TEST(CountCharacters, OfWellFormedText_CountsScalarValues) {
  EXPECT_EQ(count_characters(""), 0u);
  EXPECT_EQ(count_characters("abc"), 3u);
  EXPECT_EQ(count_characters("é€😀"), 3u);
  EXPECT_EQ(count_characters(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(count_characters("\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"),
            6u);
  EXPECT_EQ(count_characters("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), 2u);
}

TEST(CountCharacters, OfIllFormedText_GivesNothing) {
  for (const std::string_view text : {
           "\x80",
           "\xBF",  // a continuation alone
           "\xC0\x80",
           "\xC1\xBF",  // overlong in two bytes
           "\xE0\x80\x80",
           "\xE0\x9F\xBF",  // overlong in three
           "\xF0\x80\x80\x80",
           "\xF0\x8F\xBF\xBF",  // overlong in four
           "\xED\xA0\x80",
           "\xED\xBF\xBF",  // surrogates
           "\xF4\x90\x80\x80",
           "\xF5\x80\x80\x80",  // above U+10FFFF
           "\xF8\x88\x80\x80\x80",
           "\xFE",
           "\xFF",  // never in UTF-8
           "\xC3",
           "\xE2\x82",
           "\xE2",
           "\xF0\x9F\x98",  // truncated
           "\xC3(",
           "\xE2\x82(",
           "\xE2(\xA1",
           "\xF0\x9F\x98(",
           "ok\xC3",
       }) {
    EXPECT_EQ(count_characters(text), std::nullopt) << testing::PrintToString(text);
  }
}

TEST(HasControlCharacter, FindsC0DelAndC1) {
  for (const std::string_view text :
       {std::string_view("\0", 1), std::string_view("a\nb"), std::string_view("\x1F"),
        std::string_view("\x7F"), std::string_view("\xC2\x80"), std::string_view("\xC2\x9F")}) {
    EXPECT_TRUE(has_control_character(text)) << testing::PrintToString(text);
  }
  EXPECT_FALSE(has_control_character("a b~\xC2\xA0é€😀"));
}

TEST(HasControlCharacter, LetsPassWhatIsAllowed) {
  EXPECT_FALSE(has_control_character("a\n\tb", "\n\t"));
  EXPECT_TRUE(has_control_character("a\rb", "\n\t"));
}

TEST(Sanitize, ReplacesControlsAndIllFormedBytes) {
  EXPECT_EQ(sanitize("a\nb\xC2\x80", 100), "a\uFFFDb\uFFFD");
  EXPECT_EQ(sanitize("a\xE2\x82z", 100), "a\uFFFDz");
  EXPECT_EQ(sanitize("\xC0\x80", 100), "\uFFFD\uFFFD");
  EXPECT_EQ(sanitize("curl/8 é", 100), "curl/8 é");
}

TEST(Sanitize, CutsBetweenCharacters) {
  EXPECT_EQ(sanitize("a€b", 3), "a");
  EXPECT_EQ(sanitize("a€b", 4), "a€");
  EXPECT_EQ(sanitize("abc", 0), "");
}

TEST(Sanitize, OfAnyBytes_IsShortWellFormedAndStable) {
  EXPECT_TRUE(rc::check([](const std::string& text, unsigned char max_bytes) {
    const std::string clean = sanitize(text, max_bytes);
    RC_ASSERT(clean.size() <= max_bytes);
    RC_ASSERT(count_characters(clean).has_value());
    RC_ASSERT(!has_control_character(clean));
    RC_ASSERT(sanitize(clean, max_bytes) == clean);
  }));
}

}  // namespace
}  // namespace keyledger
