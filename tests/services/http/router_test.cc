#include "services/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keyledger::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Route route(Method method, std::string pattern, std::size_t index, bool on_main = true,
            bool on_verify = false) {
  Route row{.method = method, .pattern = std::move(pattern), .handler = {}};
  row.main_listener = on_main;
  row.verify_listener = on_verify;
  row.index = index;
  return row;
}

std::vector<Route> table() {
  std::vector<Route> routes;
  routes.push_back(route(Method::get, "/v1/keys", 1));
  routes.push_back(route(Method::post, "/v1/keys", 2));
  routes.push_back(route(Method::get, "/v1/keys/{key}", 3));
  routes.push_back(route(Method::patch, "/v1/keys/{key}", 4));
  routes.push_back(route(Method::delete_, "/v1/keys/{key}", 5));
  routes.push_back(route(Method::put, "/v1/accounts/{account}/keys/{key}", 6));
  routes.push_back(route(Method::post, "/v1/verify", 7, true, true));
  routes.push_back(route(Method::get, "/verify-only", 8, false, true));
  routes.push_back(route(Method::other, "/any", 9));
  routes.push_back(route(Method::get, "/files/*", 10));
  routes.push_back(route(Method::post, "/v1/keys/expiring", 11));
  routes.push_back(route(Method::get, "/v1/{account}/rest/*", 12));
  return routes;
}

class RouterTable : public testing::Test {
 protected:
  /// The route's index; 0 if there is none.
  std::size_t find(Method method, std::string_view path,
                   ListenerKind listener = ListenerKind::main) const {
    const auto match = router_.find(method, path, listener);
    return match.route == nullptr ? 0 : match.route->index;
  }
  std::vector<std::string> parameters(std::string_view path) const {
    return router_.find(Method::get, path, ListenerKind::main).parameters;
  }
  std::string allow(Method method, std::string_view path) const {
    const auto match = router_.find(method, path, ListenerKind::main);
    EXPECT_EQ(match.route, nullptr);
    return match.allow;
  }

  Router router_{table()};
};

TEST_F(RouterTable, WithAFixedPath_FindsTheMethodsRoute) {
  EXPECT_EQ(find(Method::get, "/v1/keys"), 1U);
  EXPECT_EQ(find(Method::post, "/v1/keys"), 2U);
}

TEST_F(RouterTable, WithParameters_GivesWhatTheyMatched) {
  EXPECT_EQ(find(Method::get, "/v1/keys/key_1"), 3U);
  EXPECT_EQ(find(Method::delete_, "/v1/keys/key_1"), 5U);
  EXPECT_THAT(parameters("/v1/keys/key_1"), ElementsAre("key_1"));
  const auto match = router_.find(Method::put, "/v1/accounts/acme/keys/key_1", ListenerKind::main);
  EXPECT_THAT(match.parameters, ElementsAre("acme", "key_1"));
}

TEST_F(RouterTable, WithAFixedPathAndAParameterThatFit_PrefersTheFixedOne) {
  EXPECT_EQ(find(Method::post, "/v1/keys/expiring"), 11U);
}

TEST_F(RouterTable, WithAFixedPathOfAnotherMethod_FallsBackToTheParameter) {
  EXPECT_EQ(find(Method::get, "/v1/keys/expiring"), 3U);
}

TEST_F(RouterTable, WithAStar_TakesTheRestOfThePath) {
  EXPECT_EQ(find(Method::get, "/files/a"), 10U);
  EXPECT_EQ(find(Method::get, "/files/a/b/c"), 10U);
  EXPECT_EQ(find(Method::get, "/files/"), 10U);
  EXPECT_EQ(find(Method::get, "/files"), 0U);
  EXPECT_EQ(find(Method::get, "/v1/acme/rest/of/it"), 12U);
  EXPECT_THAT(parameters("/v1/acme/rest/of/it"), ElementsAre("acme"));
}

TEST_F(RouterTable, OfHead_MatchesAGetRoute) {
  EXPECT_EQ(find(Method::head, "/v1/keys"), 1U);
  EXPECT_EQ(find(Method::head, "/v1/keys/key_1"), 3U);
  EXPECT_EQ(find(Method::head, "/v1/verify"), 0U);
}

TEST_F(RouterTable, OfAMethodThatAPathDoesNotTake_SaysWhichItTakes) {
  EXPECT_EQ(allow(Method::delete_, "/v1/keys"), "GET, HEAD, POST");
  EXPECT_EQ(allow(Method::put, "/v1/keys/key_1"), "GET, HEAD, PATCH, DELETE");
  EXPECT_EQ(allow(Method::get, "/v1/verify"), "POST");
  EXPECT_EQ(allow(Method::other, "/v1/verify"), "POST");
}

TEST_F(RouterTable, OfAPathThatIsNotThere_AllowsNothing) {
  EXPECT_THAT(allow(Method::get, "/nowhere"), IsEmpty());
  EXPECT_THAT(allow(Method::get, ""), IsEmpty());
  EXPECT_THAT(allow(Method::get, "/"), IsEmpty());
  EXPECT_THAT(allow(Method::get, "/v1"), IsEmpty());
  EXPECT_THAT(allow(Method::get, "/V1/KEYS"), IsEmpty());
}

TEST_F(RouterTable, WithARouteForAnyMethod_TakesAll) {
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                              Method::delete_, Method::other}) {
    EXPECT_EQ(find(method, "/any"), 9U);
  }
}

TEST_F(RouterTable, OnEachListener_HasOnlyItsRoutes) {
  EXPECT_EQ(find(Method::post, "/v1/verify", ListenerKind::main), 7U);
  EXPECT_EQ(find(Method::post, "/v1/verify", ListenerKind::verify), 7U);
  EXPECT_EQ(find(Method::get, "/verify-only", ListenerKind::main), 0U);
  EXPECT_EQ(find(Method::get, "/verify-only", ListenerKind::verify), 8U);
  EXPECT_EQ(find(Method::get, "/v1/keys", ListenerKind::verify), 0U);
}

TEST_F(RouterTable, OfARouteOfTheOtherListener_DoesNotTellOfItsMethods) {
  const auto match = router_.find(Method::post, "/v1/keys/key_1", ListenerKind::verify);
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "");
}

TEST_F(RouterTable, WithAPercentEncodedParameter_DecodesIt) {
  EXPECT_THAT(parameters("/v1/keys/a%20b%2Fc%C3%A9"), ElementsAre("a b/c\u00e9"));
  EXPECT_THAT(parameters("/v1/keys/a+b"), ElementsAre("a+b"));
}

TEST_F(RouterTable, WithAParameterThatDoesNotDecodeToUtf8_MatchesNothing) {
  for (const char* path : {"/v1/keys/%", "/v1/keys/%4", "/v1/keys/%zz", "/v1/keys/%FF",
                           "/v1/keys/%C3", "/v1/keys/%C0%80", "/v1/keys/%ED%A0%80"}) {
    EXPECT_EQ(find(Method::get, path), 0U) << path;
    EXPECT_EQ(allow(Method::post, path), "") << path;
  }
}

TEST_F(RouterTable, WithAnEmptySegment_MatchesNothing) {
  EXPECT_EQ(find(Method::get, "/v1/keys/"), 0U);
  EXPECT_EQ(find(Method::get, "/v1//keys"), 0U);
  EXPECT_EQ(find(Method::get, "//v1/keys"), 0U);
  EXPECT_EQ(find(Method::put, "/v1/accounts//keys/key_1"), 0U);
}

TEST_F(RouterTable, WithATrailingSlash_IsAnotherPath) {
  EXPECT_EQ(find(Method::get, "/v1/keys/key_1/"), 0U);
  EXPECT_EQ(find(Method::post, "/v1/verify/"), 0U);
}

}  // namespace
}  // namespace keyledger::http
