#include "events/time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace keyledger {
namespace {

using std::chrono::microseconds;

/// What `text` reads as, written again; "refused" if it is.
std::string reformatted(std::string_view text) {
  const auto at = parse_instant(text);
  return at ? format_instant(*at) : "refused";
}

TEST(FormatInstant, WritesSixDigitsAndZ) {
  EXPECT_EQ(format_instant(Instant{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_instant(Instant{microseconds{-1}}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_instant(Instant{microseconds{1'700'000'000'000'001}}),
            "2023-11-14T22:13:20.000001Z");
}

TEST(FormatInstant, OutsideFourDigitYears_IsClamped) {
  EXPECT_EQ(format_instant(Instant::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_instant(Instant::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(ParseInstant, ReadsOffsetsFractionsAndLowerCase) {
  EXPECT_EQ(reformatted("2026-11-24T11:17:30Z"), "2026-11-24T11:17:30.000000Z");
  EXPECT_EQ(reformatted("2026-11-24t11:17:30z"), "2026-11-24T11:17:30.000000Z");
  EXPECT_EQ(reformatted("2026-11-24T11:17:30.5Z"), "2026-11-24T11:17:30.500000Z");
  EXPECT_EQ(reformatted("2026-11-24T11:17:30.123456789Z"), "2026-11-24T11:17:30.123456Z");
  EXPECT_EQ(reformatted("2026-11-24T00:17:30+05:30"), "2026-11-23T18:47:30.000000Z");
  EXPECT_EQ(reformatted("2026-11-24T23:17:30-08:00"), "2026-11-25T07:17:30.000000Z");
  EXPECT_EQ(reformatted("2026-11-24T11:17:30-00:00"), "2026-11-24T11:17:30.000000Z");
  EXPECT_EQ(reformatted("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000000Z");
}

TEST(ParseInstant, OfWhatIsNotRfc3339_IsMalformed) {
  for (const auto* text : {
           "",
           "tomorrow",
           "2026-11-24",
           "2026-11-24T11:17:30",
           "2026-11-24 11:17:30Z",
           "2026-11-24T11:17Z",
           "2026-11-24T11:17:30.Z",
           "2026-11-24T11:17:30.1234567890Z",
           "2026-11-24T11:17:30,5Z",
           "2026-11-24T11:17:30ZZ",
           " 2026-11-24T11:17:30Z",
           "2026-11-24T11:17:30Z ",
           "2026-1-24T11:17:30Z",
           "20261124T111730Z",
           "2026-13-01T00:00:00Z",
           "2026-00-01T00:00:00Z",
           "2026-02-29T00:00:00Z",
           "2026-04-31T00:00:00Z",
           "2026-01-00T00:00:00Z",
           "2026-11-24T24:00:00Z",
           "2026-11-24T11:60:00Z",
           "2026-11-24T11:17:61Z",
           "2016-12-31T23:59:60Z",
           "2026-11-24T11:17:30+0100",
           "2026-11-24T11:17:30+01",
           "2026-11-24T11:17:30+24:00",
           "2026-11-24T11:17:30+01:60",
           "2026-11-24T11:17:30+-1:00",
           "-026-11-24T11:17:30Z",
           "+2026-11-24T11:17:30Z",
           "0000-01-01T00:00:00+00:01",
           "9999-12-31T23:59:59-00:01",
       }) {
    const auto at = parse_instant(text);
    ASSERT_FALSE(at) << text;
    EXPECT_EQ(at.error().code, Errc::malformed);
    EXPECT_NE(at.error().message.find("RFC 3339"), std::string::npos);
  }
}

TEST(ParseInstant, OfAnyFormattedInstant_GivesItBack) {
  EXPECT_TRUE(rc::check([] {
    const auto count =
        *rc::gen::inRange<std::int64_t>(-62'167'219'200'000'000, 253'402'300'800'000'000);
    const Instant at{microseconds{count}};
    const auto parsed = parse_instant(format_instant(at));
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == at);
  }));
}

}  // namespace
}  // namespace keyledger
