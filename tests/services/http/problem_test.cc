#include "services/http/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace keyledger::http {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

struct Expected {
  Errc code;
  unsigned status;
  const char* slug;
};

constexpr Expected kExpected[] = {
    {Errc::malformed, 400, "malformed"},
    {Errc::invalid, 422, "invalid"},
    {Errc::unauthenticated, 401, "unauthenticated"},
    {Errc::forbidden, 403, "forbidden"},
    {Errc::not_found, 404, "not-found"},
    {Errc::account_unknown, 409, "account-unknown"},
    {Errc::gone, 410, "gone"},
    {Errc::version_mismatch, 412, "version-mismatch"},
    {Errc::idempotency_mismatch, 422, "idempotency-mismatch"},
    {Errc::not_caught_up, 503, "not-caught-up"},
    {Errc::overloaded, 503, "overloaded"},
    {Errc::unavailable, 503, "unavailable"},
    {Errc::not_leader, 503, "not-leader"},
    {Errc::outcome_unknown, 503, "outcome-unknown"},
    {Errc::damaged, 500, "internal"},
    {Errc::locked, 500, "internal"},
    {Errc::incompatible, 500, "internal"},
    {Errc::io, 500, "internal"},
    {Errc::internal, 500, "internal"},
};

std::string type_of(const char* slug) { return std::string("urn:keyledger:problem:") + slug; }

TEST(Problem, OfEachError_HasItsStatusTypeAndHeaders) {
  for (const Expected& expected : kExpected) {
    SCOPED_TRACE(expected.slug);
    const Response response = problem(Error{expected.code, "what was wrong"}, "id-1");
    const json body = json::parse(response.body);
    EXPECT_EQ(response.status, expected.status);
    EXPECT_EQ(body["status"], expected.status);
    EXPECT_EQ(body["type"], type_of(expected.slug));
    EXPECT_EQ(body["instance"], "id-1");
    EXPECT_FALSE(body["title"].get<std::string>().empty());
    EXPECT_FALSE(body.contains("errors"));
    EXPECT_THAT(response.headers, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_THAT(response.headers, HasSubstr("Cache-Control: no-store\r\n"));
    const bool is_503 = response.headers.find("Retry-After: ") != std::string::npos;
    const bool is_401 = response.headers.find("WWW-Authenticate: Bearer") != std::string::npos;
    EXPECT_EQ(is_503, expected.status == 503);
    EXPECT_EQ(is_401, expected.status == 401);
  }
}

TEST(Problem, OfWhatTheCallerMayKnow_TellsItsText) {
  for (const Expected& expected : kExpected) {
    if (expected.status == 500) continue;
    const Response response = problem(Error{expected.code, "what was wrong"}, "id-1");
    const std::string detail = json::parse(response.body)["detail"];
    // What the storage said is the operator's alone; the caller is told what to do.
    const bool is_unknown = expected.code == Errc::outcome_unknown;
    EXPECT_EQ(detail == "what was wrong", !is_unknown) << detail;
    // The operator is told too of what is no fault of the caller's.
    EXPECT_EQ(response.log_text, expected.status == 503 ? "what was wrong" : "");
  }
}

TEST(Problem, OfOurError_KeepsItsTextAndFieldsForTheLog) {
  for (const Expected& expected : kExpected) {
    if (expected.status != 500) continue;
    const Response response =
        problem(Error{expected.code, "secret /var/lib/path", {{"/secret", "secret"}}}, "id-1");
    EXPECT_THAT(response.body, Not(HasSubstr("secret")));
    EXPECT_THAT(response.headers, Not(HasSubstr("secret")));
    EXPECT_EQ(response.log_text, "secret /var/lib/path");
  }
}

TEST(Problem, WithFields_ListsThem) {
  const Error error{Errc::invalid, "two are wrong", {{"/name", "too long"}, {"/a~1b", "bad"}}};
  const json body = json::parse(problem(error, "id-1").body);
  EXPECT_EQ(body["errors"], json::parse(R"([{"pointer":"/name","detail":"too long"},
                                            {"pointer":"/a~1b","detail":"bad"}])"));
}

TEST(Problem, WithTextThatIsNotUtf8_IsStillJson) {
  const Response response = problem(Error{Errc::malformed, "\xff\"\r\n"}, "id-1");
  EXPECT_TRUE(json::accept(response.body));
}

TEST(Problem, OfWhatTheProtocolRefuses_HasItsOwnType) {
  const std::pair<unsigned, const char*> kinds[] = {{400, "malformed"},
                                                    {401, "unauthenticated"},
                                                    {404, "not-found"},
                                                    {405, "method-not-allowed"},
                                                    {406, "not-acceptable"},
                                                    {408, "request-timeout"},
                                                    {413, "content-too-large"},
                                                    {415, "unsupported-media-type"},
                                                    {417, "expectation-failed"},
                                                    {431, "header-too-large"},
                                                    {500, "internal"}};
  for (const auto& [status, slug] : kinds) {
    SCOPED_TRACE(slug);
    const Response response = problem(status, "why", "id-1");
    const json body = json::parse(response.body);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(body["type"], type_of(slug));
    EXPECT_EQ(body["detail"], "why");
    EXPECT_EQ(body["status"], status);
    EXPECT_THAT(response.headers, Not(HasSubstr("WWW-Authenticate")));
    EXPECT_NE(reason_phrase(status), "Unknown");
  }
}

TEST(Response, SetWithLineEndsOrNul_PutsSpacesInstead) {
  Response response;
  response.set("X-Name", std::string_view("a\r\nb\nc\0d", 8));
  EXPECT_EQ(response.headers, "X-Name: a  b c d\r\n");
}

TEST(Request, Header_IsFoundWithoutRegardToCase) {
  Request request;
  request.headers = {{"Accept", "a"}, {"X-Twice", "1"}, {"x-twice", "2"}};
  EXPECT_EQ(request.header("ACCEPT"), "a");
  EXPECT_EQ(request.header("absent"), "");
  EXPECT_EQ(request.count("X-TWICE"), 2U);
  EXPECT_EQ(request.count("absent"), 0U);
}

}  // namespace
}  // namespace keyledger::http
