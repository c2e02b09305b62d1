#include "services/commands/body.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/time.h"

namespace keyledger::commands {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// The pointers of the rules that a body breaks; nothing for a good one.
template <typename W>
std::vector<std::string> broken(const Result<Body<W>>& body) {
  std::vector<std::string> pointers;
  if (body) return pointers;
  EXPECT_EQ(body.error().code, Errc::invalid) << body.error().message;
  for (const FieldError& field : body.error().fields) {
    EXPECT_FALSE(field.detail.empty());
    pointers.push_back(field.pointer);
  }
  return pointers;
}

std::string with_name(const std::string& json) { return R"({"name":"build",)" + json + "}"; }

TEST(BodyOfANewKey, WithANameAlone_IsEnabledAndNeverExpires) {
  const auto body = read_new_key(R"({"name":"build"})");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->wish.name, KeyName{"build"});
  EXPECT_EQ(body->wish.description, std::nullopt);
  EXPECT_TRUE(body->wish.enabled);
  EXPECT_EQ(body->wish.expires_at, std::nullopt);
  EXPECT_EQ(body->json.dump(), R"({"name":"build"})");
}

TEST(BodyOfANewKey, WithAllMembers_IsReadWhole) {
  const auto body =
      read_new_key(R"({"name":"b\u00fcild","description":"two\nlines","enabled":false,)"
                   R"("expires_at":"2027-01-01T00:00:00+01:00"})");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->wish.name, KeyName{"büild"});
  EXPECT_EQ(body->wish.description, Description{"two\nlines"});
  EXPECT_FALSE(body->wish.enabled);
  EXPECT_EQ(body->wish.expires_at, parse_instant("2026-12-31T23:00:00Z").value());
}

TEST(BodyOfANewKey, WithNullWhereNothingIsAValue_HasNone) {
  const auto body = read_new_key(with_name(R"("description":null,"expires_at":null)"));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->wish.description, std::nullopt);
  EXPECT_EQ(body->wish.expires_at, std::nullopt);
}

TEST(BodyOfANewKey, ThatBreaksOneRule_NamesTheMember) {
  const auto pointers = [](const std::string& text) { return broken(read_new_key(text)); };
  EXPECT_THAT(pointers("{}"), ElementsAre("/name"));
  EXPECT_THAT(pointers(R"({"name":null})"), ElementsAre("/name"));
  EXPECT_THAT(pointers(R"({"name":7})"), ElementsAre("/name"));
  EXPECT_THAT(pointers(R"({"name":""})"), ElementsAre("/name"));
  EXPECT_THAT(pointers(R"({"name":"a\u0007"})"), ElementsAre("/name"));
  EXPECT_THAT(pointers(R"({"name":")" + std::string(201, 'a') + "\"}"), ElementsAre("/name"));
  EXPECT_THAT(pointers(R"({"name":")" + std::string(200, 'a') + "\"}"), IsEmpty());
  EXPECT_THAT(pointers(with_name(R"("description":7)")), ElementsAre("/description"));
  EXPECT_THAT(pointers(with_name(R"("description":"a\rb")")), ElementsAre("/description"));
  EXPECT_THAT(pointers(with_name(R"("description":")" + std::string(2001, 'a') + "\"")),
              ElementsAre("/description"));
  EXPECT_THAT(pointers(with_name(R"("enabled":"true")")), ElementsAre("/enabled"));
  EXPECT_THAT(pointers(with_name(R"("enabled":null)")), ElementsAre("/enabled"));
  EXPECT_THAT(pointers(with_name(R"("expires_at":1893456000)")), ElementsAre("/expires_at"));
  EXPECT_THAT(pointers(with_name(R"("expires_at":"tomorrow")")), ElementsAre("/expires_at"));
  EXPECT_THAT(pointers(with_name(R"("reason":"because")")), ElementsAre("/reason"));
  EXPECT_THAT(pointers(with_name(R"("value":"mine")")), ElementsAre("/value"));
}

TEST(BodyOfANewKey, WithAnUnknownMember_EscapesItsNameInThePointer) {
  EXPECT_THAT(broken(read_new_key(with_name(R"("a/b~c":1)"))), ElementsAre("/a~1b~0c"));
  EXPECT_THAT(broken(read_new_key(with_name(R"("":1)"))), ElementsAre("/"));
}

TEST(BodyOfANewKey, ThatBreaksManyRules_NamesThemAll) {
  const auto body =
      read_new_key(R"({"description":7,"enabled":1,"expires_at":"soon","colour":"red"})");
  EXPECT_THAT(broken(body),
              UnorderedElementsAre("/name", "/description", "/enabled", "/expires_at", "/colour"));
}

TEST(BodyOfANewKey, ThatIsNoObject_IsInvalidAsAWhole) {
  EXPECT_THAT(broken(read_new_key("[]")), ElementsAre(""));
  EXPECT_THAT(broken(read_new_key("null")), ElementsAre(""));
  EXPECT_THAT(broken(read_new_key(R"("build")")), ElementsAre(""));
}

TEST(BodyOfANewKey, ThatIsNoJson_IsMalformed) {
  for (const char* text :
       {"", "{", R"({"name":"a"} x)", R"({"name":"a","name":"b"})", "{\"name\":\"\xff\"}"}) {
    const auto body = read_new_key(text);
    ASSERT_FALSE(body) << text;
    EXPECT_EQ(body.error().code, Errc::malformed) << text;
  }
}

TEST(BodyOfAChange, WithoutMembers_ChangesNothing) {
  const auto body = read_change("{}");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_FALSE(body->wish.name);
  EXPECT_FALSE(body->wish.description);
  EXPECT_FALSE(body->wish.enabled);
  EXPECT_FALSE(body->wish.expires_at);
  EXPECT_FALSE(body->wish.if_match);
  EXPECT_FALSE(body->reason);
}

TEST(BodyOfAChange, WithAllMembers_IsReadWhole) {
  const auto body = read_change(R"({"name":"deploy","description":"","enabled":false,)"
                                R"("expires_at":"2027-01-01T00:00:00Z","reason":"rotation"})");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->wish.name, KeyName{"deploy"});
  EXPECT_EQ(body->wish.description, std::optional<std::optional<Description>>(Description{""}));
  EXPECT_EQ(body->wish.enabled, false);
  EXPECT_EQ(body->wish.expires_at,
            std::optional<std::optional<Instant>>(parse_instant("2027-01-01T00:00:00Z").value()));
  EXPECT_EQ(body->reason, Reason{"rotation"});
}

TEST(BodyOfAChange, WithNull_ClearsDescriptionAndExpiryAndNothingElse) {
  const auto body = read_change(R"({"description":null,"expires_at":null})");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->wish.description, std::optional<std::optional<Description>>(std::in_place));
  EXPECT_EQ(body->wish.expires_at, std::optional<std::optional<Instant>>(std::in_place));

  EXPECT_THAT(broken(read_change(R"({"name":null,"enabled":null,"reason":null})")),
              UnorderedElementsAre("/name", "/enabled", "/reason"));
}

TEST(BodyOfAChange, ThatBreaksManyRules_NamesThemAll) {
  const auto body = read_change(
      R"({"name":"","description":[],"enabled":0,"expires_at":{},"reason":"","id":"key_1"})");
  EXPECT_THAT(broken(body), UnorderedElementsAre("/name", "/description", "/enabled", "/expires_at",
                                                 "/reason", "/id"));
}

TEST(BodyOfAnAccount, WithAUsername_IsRead) {
  const auto body = read_account(R"({"username":"ada@example.com"})");
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->wish.username, Username{"ada@example.com"});
}

TEST(BodyOfAnAccount, ThatBreaksARule_NamesTheMember) {
  const auto pointers = [](std::string_view text) { return broken(read_account(text)); };
  EXPECT_THAT(pointers("{}"), ElementsAre("/username"));
  EXPECT_THAT(pointers(R"({"username":null})"), ElementsAre("/username"));
  EXPECT_THAT(pointers(R"({"username":"a:b"})"), ElementsAre("/username"));
  EXPECT_THAT(pointers(R"({"username":"ada","reason":"x"})"), ElementsAre("/reason"));
  EXPECT_THAT(pointers(R"({"name":"ada"})"), UnorderedElementsAre("/username", "/name"));
}

http::Request request_with(std::vector<std::pair<std::string_view, std::string_view>> headers) {
  http::Request request;
  request.headers = std::move(headers);
  return request;
}

TEST(IfMatch, ThatIsAbsentOrAStar_AsksForNoVersion) {
  EXPECT_EQ(read_if_match(request_with({})).value(), std::nullopt);
  EXPECT_EQ(read_if_match(request_with({{"If-Match", "*"}})).value(), std::nullopt);
}

TEST(IfMatch, WithAVersionsTag_AsksForIt) {
  EXPECT_EQ(read_if_match(request_with({{"if-match", R"("v3")"}})).value(), Version{3});
  EXPECT_EQ(read_if_match(request_with({{"if-match", R"("v4294967295")"}})).value(),
            Version{4294967295});
}

TEST(IfMatch, WithATagThatNoVersionHas_IsAMismatch) {
  for (const char* tag : {R"("3")", R"("v")", R"("")", R"("v03")", R"("v3 ")", R"("v-1")",
                          R"("v+1")", R"("v4294967296")", R"("V3")", R"(W/"v3")", R"(W/"")"}) {
    const auto version = read_if_match(request_with({{"If-Match", tag}}));
    ASSERT_FALSE(version) << tag;
    EXPECT_EQ(version.error().code, Errc::version_mismatch) << tag;
  }
}

TEST(IfMatch, ThatIsNotOneEntityTag_IsMalformed) {
  for (const char* tag : {"", "v3", "3", "\"", "\"v3", "v3\"", "W/", "W/\"", "W/v3", "w/\"v3\"",
                          R"("v3", "v4")", "*, \"v3\""}) {
    const auto version = read_if_match(request_with({{"If-Match", tag}}));
    ASSERT_FALSE(version) << tag;
    EXPECT_EQ(version.error().code, Errc::malformed) << tag;
  }
  const auto twice = read_if_match(request_with({{"If-Match", "*"}, {"If-Match", "\"v3\""}}));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::malformed);
}

std::optional<unsigned> wait_in(std::string_view value) {
  return read_prefer_wait(request_with({{"Prefer", value}}));
}

TEST(PreferWait, InEveryFormOfThePreference_IsRead) {
  EXPECT_EQ(wait_in("wait=10"), 10u);
  EXPECT_EQ(wait_in("wait=0"), 0u);
  EXPECT_EQ(wait_in("Wait=10"), 10u);
  EXPECT_EQ(wait_in("wait = 10"), 10u);
  EXPECT_EQ(wait_in("wait=\"10\""), 10u);
  EXPECT_EQ(wait_in("respond-async, wait=10"), 10u);
  EXPECT_EQ(wait_in("wait=10;foo=bar, handling=lenient"), 10u);
  EXPECT_EQ(read_prefer_wait(request_with({{"Prefer", "respond-async"}, {"PREFER", "wait=7"}})),
            7u);
}

TEST(PreferWait, ThatIsThereTwice_CountsOnce) { EXPECT_EQ(wait_in("wait=1, wait=2"), 1u); }

TEST(PreferWait, ThatIsNotThereOrNoNumber_IsIgnored) {
  EXPECT_EQ(read_prefer_wait(request_with({})), std::nullopt);
  for (const char* value : {"", ",", "wait", "wait=", "wait=x", "wait=-1", "wait=10x", "wait=1.5",
                            "wait=99999999999", "await=1", "respond-async", "foo;wait=3"}) {
    EXPECT_EQ(wait_in(value), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace keyledger::commands
