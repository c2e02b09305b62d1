#include "events/unique_id.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace keyledger {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

IdEntropy entropy_of(unsigned char fill) {
  IdEntropy entropy;
  entropy.fill(std::byte{fill});
  return entropy;
}

TEST(UniqueId, OfAKnownInstant_HasTheLayoutOfRfc9562) {
  // RFC 9562 appendix A.6: 017F22E2-79B0-7xxx-..., here with rand_a 0 and rand_b 0.
  const Instant at{milliseconds{0x017F22E279B0}};
  EXPECT_EQ(make_unique_id(at, entropy_of(0)), "01FWHE4YDGE008000000000000");
}

TEST(UniqueId, WithTheHighestEntropy_KeepsVersionAndVariant) {
  const Instant at{milliseconds{0x017F22E279B0}};
  EXPECT_EQ(make_unique_id(at, entropy_of(0xFF)), "01FWHE4YDGE00BZZZZZZZZZZZZ");
}

TEST(UniqueId, WithMicroseconds_HoldsThemAsFractionOfTheMillisecond) {
  const Instant at{milliseconds{0x017F22E279B0} + microseconds{793}};
  const IdEntropy entropy{std::byte{0x81}, std::byte{0x82}, std::byte{0x83}, std::byte{0x84},
                          std::byte{0x85}, std::byte{0x86}, std::byte{0x87}, std::byte{0x88}};
  // The UUID with rand_a 793 * 4096 / 1000, worked out apart from this code.
  EXPECT_EQ(make_unique_id(at, entropy), "01FWHE4YDGFJRA0R50W4GP38F2");
}

TEST(UniqueId, OfALaterMicrosecond_SortsLater) {
  EXPECT_TRUE(rc::check([] {
    const auto count = *rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000);
    const auto step = *rc::gen::inRange<std::int64_t>(1, 5'000);
    const std::string earlier = make_unique_id(Instant{microseconds{count}}, entropy_of(0xFF));
    const std::string later = make_unique_id(Instant{microseconds{count + step}}, entropy_of(0));
    RC_ASSERT(earlier < later);
    RC_ASSERT(is_unique_id(earlier));
    RC_ASSERT(unique_id_time(earlier) ==
              std::chrono::floor<milliseconds>(Instant{microseconds{count}}));
  }));
}

TEST(UniqueId, OutsideWhatItCanHold_IsClamped) {
  EXPECT_EQ(unique_id_time(make_unique_id(Instant::min(), entropy_of(1))), Instant{});
  const Instant latest{milliseconds{(std::int64_t{1} << 48) - 1}};
  EXPECT_EQ(unique_id_time(make_unique_id(Instant::max(), entropy_of(1))), latest);
}

TEST(UniqueId, InOtherCaseLengthOrAlphabet_IsNone) {
  const std::string id = make_unique_id(Instant{milliseconds{0x017F22E279B0}}, entropy_of(0));
  EXPECT_FALSE(is_unique_id(""));
  EXPECT_FALSE(is_unique_id(id.substr(1)));
  EXPECT_FALSE(is_unique_id(id + "0"));
  for (const char c : {'a', 'I', 'L', 'O', 'U', '-', ' '}) {
    std::string other = id;
    other.back() = c;
    EXPECT_FALSE(is_unique_id(other)) << c;
  }
}

}  // namespace
}  // namespace keyledger
