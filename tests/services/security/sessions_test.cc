#include "services/security/sessions.h"

#include <vector>

#include <gtest/gtest.h>

namespace keyledger::security {
namespace {

constexpr Instant kNow{std::chrono::microseconds{1'700'000'000'000'000}};

Principal owner() {
  Principal principal;
  principal.subject = "ada";
  principal.account = *AccountId::parse("acme");
  return principal;
}

std::string signed_in(Sessions& sessions, Instant now) {
  return sessions.sign_in(sessions.make_link(owner(), now), "", now).value_or("");
}

TEST(ALink, SignsInOnceAndForItsPrincipal) {
  Sessions sessions;
  const std::string link = sessions.make_link(owner(), kNow);
  const auto secret = sessions.sign_in(link, "", kNow);
  ASSERT_TRUE(secret);
  EXPECT_NE(*secret, link);
  EXPECT_EQ(sessions.use(*secret, kNow)->principal.account, owner().account);
  EXPECT_FALSE(sessions.sign_in(link, "", kNow));
  EXPECT_FALSE(sessions.use(link, kNow));
}

TEST(ALink, IsGoodUntilItsEndAndNoLonger) {
  Sessions sessions;
  const std::string early = sessions.make_link(owner(), kNow);
  const std::string late = sessions.make_link(owner(), kNow);
  const auto end = kNow + Sessions::Options{}.link_end;
  EXPECT_TRUE(sessions.sign_in(early, "", end - std::chrono::microseconds(1)));
  EXPECT_FALSE(sessions.sign_in(late, "", end));
}

TEST(ALink, OneMoreThanThereMayBe_TakesThePlaceOfTheOldest) {
  Sessions sessions;
  std::vector<std::string> links;
  for (std::size_t i = 0; i <= Sessions::Options{}.max_links; ++i) {
    links.push_back(sessions.make_link(owner(), kNow + std::chrono::seconds(i)));
  }
  const auto later = kNow + std::chrono::minutes(1);
  EXPECT_FALSE(sessions.sign_in(links.front(), "", later));
  EXPECT_TRUE(sessions.sign_in(links[1], "", later));
  EXPECT_TRUE(sessions.sign_in(links.back(), "", later));
}

TEST(ASession, EndsWhenItIsUnusedForTooLong) {
  Sessions sessions;
  const auto idle = Sessions::Options{}.idle_end;
  const std::string secret = signed_in(sessions, kNow);
  EXPECT_TRUE(sessions.use(secret, kNow + idle - std::chrono::seconds(1)));
  EXPECT_TRUE(sessions.use(secret, kNow + idle + std::chrono::seconds(1)));
  EXPECT_FALSE(sessions.use(secret, kNow + 2 * idle + std::chrono::seconds(1)));
}

TEST(ASession, LookingIsNoUse) {
  Sessions sessions;
  const auto idle = Sessions::Options{}.idle_end;
  const std::string secret = signed_in(sessions, kNow);
  EXPECT_TRUE(sessions.find(secret, kNow + idle - std::chrono::seconds(1)));
  EXPECT_FALSE(sessions.find(secret, kNow + idle));
  EXPECT_FALSE(sessions.use(secret, kNow + idle));
}

TEST(ASession, EndsAtItsAbsoluteEndHoweverMuchItIsUsed) {
  Sessions sessions;
  const auto end = kNow + Sessions::Options{}.absolute_end;
  const std::string secret = signed_in(sessions, kNow);
  for (Instant now = kNow; now < end; now += std::chrono::minutes(30)) {
    EXPECT_TRUE(sessions.use(secret, now));
  }
  EXPECT_FALSE(sessions.use(secret, end));
}

TEST(ASession, EndsWhenItIsEndedOrReplaced_AndNoOtherDoes) {
  Sessions sessions;
  const std::string first = signed_in(sessions, kNow);
  const std::string second = signed_in(sessions, kNow);
  sessions.end(first);
  EXPECT_FALSE(sessions.use(first, kNow));
  EXPECT_TRUE(sessions.use(second, kNow));
  const auto third = sessions.sign_in(sessions.make_link(owner(), kNow), second, kNow);
  EXPECT_FALSE(sessions.use(second, kNow));
  EXPECT_TRUE(sessions.use(*third, kNow));
}

TEST(ASession, AWrongLinkEndsNoSession) {
  Sessions sessions;
  const std::string secret = signed_in(sessions, kNow);
  EXPECT_FALSE(sessions.sign_in("x", secret, kNow));
  EXPECT_TRUE(sessions.use(secret, kNow));
}

TEST(ASession, HasACsrfTokenOfItsOwn) {
  Sessions sessions;
  const auto first = sessions.use(signed_in(sessions, kNow), kNow);
  const auto second = sessions.use(signed_in(sessions, kNow), kNow);
  EXPECT_EQ(first->csrf_token.size(), 43U);
  EXPECT_NE(first->csrf_token, second->csrf_token);
}

TEST(ASession, OneMoreThanThereMayBe_EndsTheOneThatWasUnusedForLongest) {
  Sessions sessions({.max_sessions = 2});
  const std::string first = signed_in(sessions, kNow);
  const std::string second = signed_in(sessions, kNow + std::chrono::seconds(1));
  EXPECT_TRUE(sessions.use(first, kNow + std::chrono::seconds(2)));
  const std::string third = signed_in(sessions, kNow + std::chrono::seconds(3));
  EXPECT_FALSE(sessions.use(second, kNow + std::chrono::seconds(3)));
  EXPECT_TRUE(sessions.use(first, kNow + std::chrono::seconds(3)));
  EXPECT_TRUE(sessions.use(third, kNow + std::chrono::seconds(3)));
}

}  // namespace
}  // namespace keyledger::security
