#include "services/api/throttle.h"

#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "services/http/problem.h"

namespace keyledger::api {
namespace {

using std::chrono::seconds;

const Throttle::Clock::time_point kNow = Throttle::Clock::now();

TEST(Throttle, AsManyFailuresAsThereMayBe_AreCountedAndOneMoreIsRefused) {
  Throttle throttle(5);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(throttle.fail_of("192.0.2.1", kNow)) << i;
  EXPECT_EQ(throttle.fail_of("192.0.2.1", kNow), seconds(12));
  EXPECT_FALSE(throttle.fail_of("192.0.2.2", kNow));
}

TEST(Throttle, EachFailureIsForgivenAfterItsShareOfAMinute) {
  Throttle throttle(6);
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(throttle.fail_of("a", kNow));
  EXPECT_EQ(throttle.fail_of("a", kNow + seconds(9)), seconds(1));
  EXPECT_FALSE(throttle.fail_of("a", kNow + seconds(10)));
  EXPECT_EQ(throttle.fail_of("a", kNow + seconds(10)), seconds(10));
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(throttle.fail_of("a", kNow + seconds(200)));
  EXPECT_TRUE(throttle.fail_of("a", kNow + seconds(200)));
}

TEST(Throttle, WhoIsRefusedIsNotRefusedForLongerBecauseHeGoesOn) {
  Throttle throttle(1);
  EXPECT_FALSE(throttle.fail_of("a", kNow));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(throttle.fail_of("a", kNow), seconds(60));
  EXPECT_FALSE(throttle.fail_of("a", kNow + seconds(60)));
}

TEST(Throttle, OfIPv6_TheNetworkOf64BitsIsOneAddress) {
  Throttle throttle(1);
  EXPECT_FALSE(throttle.fail_of("2001:db8:0:1::1", kNow));
  EXPECT_TRUE(throttle.fail_of("2001:db8:0:1:ffff::2", kNow));
  EXPECT_FALSE(throttle.fail_of("2001:db8:0:2::1", kNow));
}

TEST(Throttle, AFloodOfAddresses_LeavesTheOneThatFailsMostInItsPlace) {
  Throttle throttle(100);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(throttle.fail_of("192.0.2.1", kNow));
  for (std::size_t i = 0; i < 8 * Throttle::kPlaces; ++i) {
    EXPECT_FALSE(throttle.fail_of("flood-" + std::to_string(i), kNow));
  }
  EXPECT_TRUE(throttle.fail_of("192.0.2.1", kNow));
}

class GuardedRoute : public testing::Test {
 protected:
  http::Response ask(http::Request request, unsigned status) {
    const auto handler = throttle_.guard(http::InlineHandler([status](const http::Request& asked) {
      return http::problem(status, "", asked.request_id);
    }));
    return std::get<http::InlineHandler>(handler)(request);
  }

  static http::Request request() {
    http::Request request;
    request.client_address = "192.0.2.1";
    request.headers = {{"Authorization", "Bearer x"}};
    return request;
  }

  Throttle throttle_{1};
};

TEST_F(GuardedRoute, Answers429InsteadOf401_AndSaysWhenToComeBack) {
  EXPECT_EQ(ask(request(), 401).status, 401U);
  const auto refused = ask(request(), 401);
  EXPECT_EQ(refused.status, 429U);
  EXPECT_NE(refused.headers.find("Retry-After: 60\r\n"), std::string::npos);
  EXPECT_EQ(throttle_.refused(), 1U);
}

TEST_F(GuardedRoute, LeavesEveryOtherAnswerAlone) {
  ask(request(), 401);
  ask(request(), 401);
  for (const unsigned status : {200U, 403U, 404U, 503U})
    EXPECT_EQ(ask(request(), status).status, status);
}

TEST_F(GuardedRoute, DoesNotCountWhoGaveNoCredentialOrCannotBeTold) {
  auto nobody = request();
  nobody.headers.clear();
  auto unknown = request();
  unknown.client_address = {};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(nobody, 401).status, 401U);
    EXPECT_EQ(ask(unknown, 401).status, 401U);
  }
  EXPECT_EQ(ask(request(), 401).status, 401U);
}

}  // namespace
}  // namespace keyledger::api
