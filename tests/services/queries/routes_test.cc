#include "services/queries/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/services/queries/asked.h"

namespace keyledger::queries {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kKeys = "/v1/accounts/acme/keys";

/// acme has the keys build, deploy, release, made in that order; globex has one of its own.
class Queries : public testing::Test {
 protected:
  Queries() {
    Story& story = asked.story;
    asked.tell({story.account_registered("acme", "ada@example.com"),
                story.key_created(nth_key_id(1), "acme", "release"),
                story.key_created(nth_key_id(2), "acme", "Build"),
                story.key_created(nth_key_id(3), "acme", "deploy"),
                story.account_registered("globex", "gus@example.com"),
                story.key_created(nth_key_id(4), "globex", "build")});
  }

  std::string path_of(unsigned key, std::string_view rest = {}) {
    return std::string(kKeys) + "/" + nth_key_id(key).value + std::string(rest);
  }

  /// The names on a page.
  static std::vector<std::string> names(const http::Response& response) {
    std::vector<std::string> names;
    for (const auto& key : json_of(response)["keys"]) names.push_back(key["name"]);
    return names;
  }

  /// The cursor after the first page of one key.
  std::string first_cursor(const std::string& query) {
    return json_of(asked.get(kKeys, "limit=1&" + query))["next_cursor"];
  }

  Asked asked;
};

TEST_F(Queries, OfAList_AnswerPageAfterPageInItsOrder) {
  for (const auto& [question, expected] :
       std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"sort=created_at", {"release", "Build", "deploy"}},
           {"order=desc", {"deploy", "Build", "release"}},
           {"sort=name", {"Build", "deploy", "release"}},
           {"sort=name&order=desc", {"release", "deploy", "Build"}}}) {
    SCOPED_TRACE(question);
    std::vector<std::string> seen;
    std::string query = "limit=1&" + question;
    for (int page = 0; page < 3; ++page) {
      const auto response = asked.get(kKeys, query);
      ASSERT_EQ(response.status, 200u) << response.body;
      for (const auto& name : names(response)) seen.push_back(name);
      const auto cursor = json_of(response)["next_cursor"];
      ASSERT_EQ(cursor.is_null(), page == 2);
      if (page < 2) query = "limit=1&" + question + "&cursor=" + cursor.get<std::string>();
    }
    EXPECT_EQ(seen, expected);
  }
}

TEST_F(Queries, WithTheCursorOfAnotherQuestion_AreMalformed) {
  const std::string cursor = first_cursor("sort=name");
  EXPECT_EQ(asked.get(kKeys, "limit=2&sort=name&cursor=" + cursor).status, 200u);
  for (const char* other : {"sort=created_at", "sort=name&order=desc", "sort=name&enabled=true",
                            "sort=name&enabled=false", "sort=name&q=b"}) {
    EXPECT_EQ(asked.get(kKeys, std::string(other) + "&cursor=" + cursor).status, 400u) << other;
  }
  EXPECT_EQ(
      asked.get("/v1/accounts/globex/keys", "sort=name&cursor=" + cursor, {}, "globex").status,
      400u);
}

TEST_F(Queries, WithAnAlteredCursor_AreMalformed) {
  const std::string cursor = first_cursor("sort=name");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string bad = cursor;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(asked.get(kKeys, "sort=name&cursor=" + bad).status, 400u) << i;
  }
  EXPECT_EQ(asked.get(kKeys, "cursor=").status, 400u);
}

TEST_F(Queries, OfAList_FilterByStateAndText) {
  asked.tell({asked.story.about(nth_key_id(3), KeyDisabled{})});
  EXPECT_THAT(names(asked.get(kKeys, "enabled=false")), ElementsAre("deploy"));
  EXPECT_THAT(names(asked.get(kKeys, "enabled=true")), ElementsAre("release", "Build"));
  EXPECT_THAT(names(asked.get(kKeys, "q=UIL")), ElementsAre("Build"));
  EXPECT_THAT(names(asked.get(kKeys, "q=nothing")), IsEmpty());
}

TEST_F(Queries, WithParametersThatCannotBe_AreMalformed) {
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "enabled=yes", "sort=id",
                            "order=up", "colour=red", "limit=1&limit=1", "min_position=x"}) {
    EXPECT_EQ(asked.get(kKeys, query).status, 400u) << query;
  }
}

TEST_F(Queries, OfAKey_AnswerWithItsTagAndTheModelsPosition) {
  const auto response = asked.get(path_of(1));
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.position, 8u);
  EXPECT_THAT(response.headers, HasSubstr("ETag: \"v1\"\r\n"));
  const auto key = json_of(response);
  EXPECT_EQ(key["id"], nth_key_id(1).value);
  EXPECT_EQ(key["description"], nullptr);
  EXPECT_EQ(key["version"], 1);
  EXPECT_FALSE(key.contains("value"));
}

TEST_F(Queries, OfAKeyThatTheCallerHas_AnswerNotModified) {
  for (const char* tag : {"\"v1\"", "W/\"v1\"", "*", "\"v7\", \"v1\""}) {
    const auto response = asked.get(path_of(1), "", {{"If-None-Match", tag}});
    EXPECT_EQ(response.status, 304u) << tag;
    EXPECT_THAT(response.body, IsEmpty());
    EXPECT_THAT(response.headers, HasSubstr("ETag: \"v1\"\r\n"));
  }
  EXPECT_EQ(asked.get(path_of(1), "", {{"If-None-Match", "\"v2\""}}).status, 200u);
}

TEST_F(Queries, OfWhatIsNotTheCallers_AnswerNotFound) {
  EXPECT_EQ(asked.get(path_of(4)).status, 404u);
  EXPECT_EQ(asked.get(path_of(4, "/events")).status, 404u);
  EXPECT_EQ(asked.get(path_of(9)).status, 404u);
  EXPECT_EQ(asked.get(std::string(kKeys) + "/key_1").status, 404u);
  EXPECT_EQ(asked.get("/v1/accounts/globex/keys").status, 404u);
  EXPECT_EQ(asked.get("/v1/accounts/globex").status, 404u);
  EXPECT_EQ(asked.get("/v1/accounts/initech", "", {}, "initech").status, 404u);
}

TEST_F(Queries, OfADeletedKey_AnswerItsTrailAlone) {
  asked.tell({asked.story.about(nth_key_id(1), KeyDeleted{})});
  EXPECT_EQ(asked.get(path_of(1)).status, 404u);
  const auto trail = json_of(asked.get(path_of(1, "/events")));
  ASSERT_EQ(trail["events"].size(), 2u);
  EXPECT_EQ(trail["events"][1]["type"], "keyledger.KeyDeleted");
  EXPECT_EQ(trail["events"][1]["position"], 9);
  EXPECT_EQ(trail["next_after"], nullptr);
}

TEST_F(Queries, OfATrail_AnswerPageAfterPageInBothOrders) {
  for (const auto& [order, expected] : std::vector<std::pair<std::string, std::vector<int>>>{
           {"asc", {3, 4, 5, 6}}, {"desc", {6, 5, 4, 3}}}) {
    std::vector<int> seen;
    std::string after;
    for (int page = 0; page < 4; ++page) {
      const auto response = asked.get("/v1/accounts/acme/events", "limit=1&order=" + order + after);
      ASSERT_EQ(response.status, 200u) << response.body;
      const auto trail = json_of(response);
      ASSERT_EQ(trail["events"].size(), 1u);
      seen.push_back(trail["events"][0]["position"]);
      ASSERT_EQ(trail["next_after"].is_null(), page == 3);
      if (page < 3) after = "&after=" + std::to_string(trail["next_after"].get<std::uint64_t>());
    }
    EXPECT_EQ(seen, expected);
  }
}

TEST_F(Queries, OfATrail_AnswerInTheFormThatIsAccepted) {
  const std::string path = "/v1/accounts/acme/events";
  const auto ndjson = asked.get(path, "limit=2", {{"Accept", "application/x-ndjson"}});
  EXPECT_THAT(ndjson.headers, HasSubstr("Content-Type: application/x-ndjson\r\n"));
  EXPECT_THAT(ndjson.headers, HasSubstr("Keyledger-Next-After: 4\r\n"));
  const auto csv = asked.get(path, "type=KeyCreated", {{"Accept", "text/csv"}});
  EXPECT_THAT(csv.headers, HasSubstr("Content-Type: text/csv; charset=utf-8; header=present\r\n"));
  EXPECT_THAT(csv.headers, Not(HasSubstr("Keyledger-Next-After")));
  EXPECT_THAT(csv.body, HasSubstr("release"));
  EXPECT_THAT(csv.body, Not(HasSubstr("AccountRegistered")));
  EXPECT_EQ(asked.get(path, "", {{"Accept", "image/png"}}).status, 406u);
}

TEST_F(Queries, BeyondTheModelsPosition_AreNotAnsweredFromAnOlderModel) {
  EXPECT_EQ(asked.get(kKeys, "min_position=8").status, 200u);
  EXPECT_EQ(asked.get(kKeys, "min_position=9").status, 503u);
  EXPECT_EQ(asked.get(path_of(1), "", {{"Keyledger-Min-Position", "9"}}).status, 503u);
  EXPECT_EQ(asked.get(path_of(1), "", {{"Keyledger-Min-Position", "x"}}).status, 400u);
}

TEST_F(Queries, OfATrailByType_TakeTheTypeAsEventsTellItToo) {
  const std::string path = "/v1/accounts/acme/events";
  const auto events = json_of(asked.get(path, "type=KeyCreated"))["events"];
  ASSERT_EQ(events.size(), 3u);
  const std::string told = events[0]["type"];
  EXPECT_EQ(told, "keyledger.KeyCreated");
  EXPECT_EQ(json_of(asked.get(path, "type=" + told))["events"], events);
}

TEST_F(Queries, WithTwoMinimumPositions_AreMalformed) {
  EXPECT_EQ(asked.get(kKeys, "", {{"Keyledger-Min-Position", "1"}}).status, 200u);
  EXPECT_EQ(
      asked.get(kKeys, "", {{"Keyledger-Min-Position", "1"}, {"keyledger-min-position", "999"}})
          .status,
      400u);
}

}  // namespace
}  // namespace keyledger::queries
