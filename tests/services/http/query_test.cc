#include "services/http/query.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/time.h"

namespace keyledger::http {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

Query parsed(std::string_view text) {
  auto query = Query::parse(text, {"a", "b", "caf\u00e9"});
  EXPECT_TRUE(query.has_value()) << text;
  return query.value_or(Query{});
}

/// Fails the test on an error.
template <typename T>
T value_of(const Result<T>& result) {
  EXPECT_TRUE(result.has_value());
  return result.value_or(T{});
}

void expect_malformed(std::string_view text, const char* naming) {
  const auto query = Query::parse(text, {"a", "b"});
  ASSERT_FALSE(query.has_value()) << text;
  EXPECT_EQ(query.error().code, Errc::malformed);
  EXPECT_THAT(query.error().message, HasSubstr(naming));
}

TEST(Query, WithoutText_HasNoParameters) {
  EXPECT_EQ(parsed("").get("a"), std::nullopt);
  EXPECT_EQ(parsed("&&").get("a"), std::nullopt);
}

TEST(Query, WithParameters_GivesTheirDecodedValues) {
  const Query query = parsed("a=1%202&b=x=y&caf%C3%A9=%e2%82%ac");
  EXPECT_EQ(query.get("a"), "1 2");
  EXPECT_EQ(query.get("b"), "x=y");
  EXPECT_EQ(query.get("caf\u00e9"), "\u20ac");
}

TEST(Query, WithoutAValue_GivesAnEmptyOne) {
  EXPECT_EQ(parsed("a").get("a"), "");
  EXPECT_EQ(parsed("a=").get("a"), "");
}

TEST(Query, WithAPlusSign_ReadsASpaceAsFormsWriteIt) {
  EXPECT_EQ(parsed("a=1+2%2B3").get("a"), "1 2+3");
}

TEST(Query, WithMinPosition_AlwaysKnowsIt) {
  EXPECT_EQ(parsed("min_position=7").get("min_position"), "7");
}

TEST(Query, WithAnUnknownName_IsMalformed) {
  expect_malformed("c=1", "c is not known");
  expect_malformed("A=1", "A is not known");
  expect_malformed("=1", "is not known");
}

TEST(Query, WithANameTwice_IsMalformed) {
  expect_malformed("a=1&a=1", "a is there twice");
  expect_malformed("a=1&b=2&%61=3", "a is there twice");
}

TEST(Query, ThatIsNotPercentEncodedUtf8_IsMalformed) {
  for (const char* text : {"a=%", "a=%1", "a=%g0", "a=%FF", "%=1", "a=\xff", "a=%C0%80"}) {
    expect_malformed(text, "percent-encoded");
  }
}

TEST(QueryNumber, InItsBounds_IsGiven) {
  EXPECT_EQ(value_of(parsed("a=1").number("a", 1, 10)), 1U);
  EXPECT_EQ(value_of(parsed("a=10").number("a", 1, 10)), 10U);
  EXPECT_EQ(value_of(parsed("a=18446744073709551615").number("a", 0, kMax)), kMax);
  EXPECT_EQ(value_of(parsed("b=1").number("a", 1, 10)), std::nullopt);
}

TEST(QueryNumber, OutsideItsBoundsOrNoNumber_IsMalformedAndSaysWhatItTakes) {
  for (const char* text : {"a=0", "a=11", "a=", "a", "a=-1", "a=%2B1", "a=+1", "a=1.0", "a=1x",
                           "a=%201", "a=0x1", "a=18446744073709551616"}) {
    const auto number = parsed(text).number("a", 1, 10);
    ASSERT_FALSE(number.has_value()) << text;
    EXPECT_EQ(number.error().code, Errc::malformed);
    EXPECT_THAT(number.error().message, HasSubstr("a must be a number from 1 to 10"));
  }
}

TEST(QueryBoolean, IsTrueOrFalseAndNothingElse) {
  EXPECT_EQ(value_of(parsed("a=true").boolean("a")), true);
  EXPECT_EQ(value_of(parsed("a=false").boolean("a")), false);
  EXPECT_EQ(value_of(parsed("").boolean("a")), std::nullopt);
  for (const char* text : {"a", "a=1", "a=TRUE", "a=yes"}) {
    const auto value = parsed(text).boolean("a");
    ASSERT_FALSE(value.has_value()) << text;
    EXPECT_THAT(value.error().message, HasSubstr("a must be true or false"));
  }
}

TEST(QueryInstant, IsRfc3339) {
  const auto at = parsed("a=2026-11-24T11:17:30.000001Z").instant("a");
  EXPECT_EQ(value_of(at), value_of(parse_instant("2026-11-24T11:17:30.000001Z")));
  EXPECT_EQ(value_of(parsed("").instant("a")), std::nullopt);
  EXPECT_EQ(value_of(parsed("a=2026-11-24T12:17:30+01:00").instant("a")),
            value_of(parse_instant("2026-11-24T11:17:30Z")));
  EXPECT_EQ(value_of(parsed("a=2026-11-24T12:17:30%2B01:00").instant("a")),
            value_of(parse_instant("2026-11-24T11:17:30Z")));
  const auto broken = parsed("a=yesterday").instant("a");
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, Errc::malformed);
  EXPECT_THAT(broken.error().message, HasSubstr("parameter a"));
}

TEST(PercentEncode, OfAnyBytes_IsUndoneByDecode) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b/\u00e9?"), "a%20b%2F%C3%A9%3F");
  for (const char* text : {"", "%", "a b", "\u00e9\u20ac\U0001F600", "x/y?z#&=+"}) {
    EXPECT_EQ(percent_decode(percent_encode(text)), text);
  }
}

TEST(PercentDecode, OfMalformedText_GivesNothing) {
  for (const char* text : {"%", "%4", "%4g", "%-1", "% 1", "a%", "%ff", "\xc3"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace keyledger::http
