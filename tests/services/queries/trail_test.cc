#include "services/queries/trail.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/events.h"

namespace keyledger::queries {
namespace {

using projections::HistoryPage;

constexpr std::string_view kColumns =
    "position,time,type,account,key_id,key_version,actor_subject,actor_username,actor_address,"
    "actor_user_agent,request_id,reason,name,description,enabled,expires_at,username\r\n";

HistoryPage page_of(const std::vector<std::string>& events, bool more = false) {
  HistoryPage page;
  for (const std::string& bytes : events) {
    page.entries.push_back({Position{page.entries.size() + 11}, bytes});
  }
  page.more = more;
  return page;
}

/// The one line of CSV that is made of an event.
std::string csv_line(const std::string& event) {
  const auto csv = trail_as_csv(page_of({event}));
  if (!csv) return csv.error().message;
  EXPECT_TRUE(csv->starts_with(kColumns)) << *csv;
  return csv->substr(kColumns.size());
}

/// What the cell of a name looks like.
std::string name_cell(std::string_view name) {
  const nlohmann::json event{{"data", {{"name", name}}}};
  const std::string line = csv_line(event.dump());
  const std::string before = "11,,,,,,,,,,,,";
  const std::string after = ",,,,\r\n";
  EXPECT_TRUE(line.starts_with(before) && line.ends_with(after)) << line;
  return line.substr(before.size(), line.size() - before.size() - after.size());
}

TEST(TrailAsJson, OfSomeEvents_HoldsTheStoredBytesAfterTheirPositions) {
  EXPECT_EQ(trail_as_json(page_of({R"({"id":"A","data":{"b":1}})", R"({"id":"B"})"})),
            R"({"events":[{"position":11,"id":"A","data":{"b":1}},{"position":12,"id":"B"}],)"
            R"("next_after":null})");
}

TEST(TrailAsJson, OfAPageWithMoreAfterIt_NamesItsLastPositionAsText) {
  EXPECT_EQ(trail_as_json(page_of({R"({"id":"A"})", R"({"id":"B"})"}, true)),
            R"({"events":[{"position":11,"id":"A"},{"position":12,"id":"B"}],"next_after":12})");
}

TEST(TrailAsJson, OfNothing_IsAnEmptyList) {
  EXPECT_EQ(trail_as_json({}), R"({"events":[],"next_after":null})");
}

TEST(TrailAsNdjson, OfSomeEvents_HasOneALine) {
  EXPECT_EQ(trail_as_ndjson(page_of({R"({"id":"A","n":"a\nb"})", R"({"id":"B"})"}, true)),
            "{\"position\":11,\"id\":\"A\",\"n\":\"a\\nb\"}\n{\"position\":12,\"id\":\"B\"}\n");
  EXPECT_EQ(trail_as_ndjson({}), "");
}

TEST(TrailAsCsv, OfNothing_IsTheHeaderRow) { EXPECT_EQ(trail_as_csv({}).value(), kColumns); }

TEST(TrailAsCsv, OfStoredEvents_HasTheirMembersInTheColumns) {
  Story story;
  std::vector<Event> events{story.account_registered("acme", "ada@example.com"),
                            story.key_created(nth_key_id(1))};
  auto& fact = std::get<KeyCreated>(events[1].fact);
  fact.enabled = false;
  fact.description = Description{"two\nlines"};
  fact.expires_at = kStoryBegins;
  events.push_back(story.about(nth_key_id(1), KeyExpiryChanged{std::nullopt}));
  events[2].reason = Reason{"by \"hand\", once"};
  const auto csv = trail_as_csv(page_of(encoded(events)));
  ASSERT_TRUE(csv) << csv.error().message;

  const std::string key = nth_key_id(1).value;
  const std::string ada = "user-ada,ada@example.com,192.0.2.7,curl/8.0,";
  EXPECT_EQ(*csv, std::string(kColumns) +
                      "11,2026-11-24T11:00:00.001000Z,keyledger.AccountRegistered,acme,,," + ada +
                      events[0].actor.request_id + ",,,,,,ada@example.com\r\n" +
                      "12,2026-11-24T11:00:00.002000Z,keyledger.KeyCreated,acme," + key + ",1," +
                      ada + events[1].actor.request_id +
                      ",,build,\"two\nlines\",false,2026-11-24T11:00:00.000000Z,\r\n" +
                      "13,2026-11-24T11:00:00.003000Z,keyledger.KeyExpiryChanged,acme," + key +
                      ",2," + ada + events[2].actor.request_id +
                      ",\"by \"\"hand\"\", once\",,,,,\r\n");
}

TEST(TrailAsCsv, OfPlainTexts_LeavesThemUnquoted) {
  for (const char* plain : {"build", "a b", " x", "é", "a=b", "a-1", "'x", "1"}) {
    EXPECT_EQ(name_cell(plain), plain);
  }
}

TEST(TrailAsCsv, OfTextsWithSeparators_QuotesThem) {
  EXPECT_EQ(name_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(name_cell("a;b"), "\"a;b\"");
  EXPECT_EQ(name_cell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(name_cell("\""), "\"\"\"\"");
  EXPECT_EQ(name_cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(name_cell("a\rb"), "\"a\rb\"");
}

TEST(TrailAsCsv, OfWhatASpreadsheetTakesForAFormula_PutsAnApostropheBeforeIt) {
  EXPECT_EQ(name_cell("=1+1"), "\"'=1+1\"");
  EXPECT_EQ(name_cell("+1"), "\"'+1\"");
  EXPECT_EQ(name_cell("-1"), "\"'-1\"");
  EXPECT_EQ(name_cell("@SUM(A1)"), "\"'@SUM(A1)\"");
  EXPECT_EQ(name_cell("\t=1"), "\"'\t=1\"");
  EXPECT_EQ(name_cell("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(name_cell("\n=1"), "\"'\n=1\"");
  EXPECT_EQ(name_cell("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
}

TEST(TrailAsCsv, OfAnEventOfAnotherTime_LeavesWhatItLacksEmpty) {
  EXPECT_EQ(csv_line(R"({"type":"keyledger.KeyShared","data":7})"),
            "11,,keyledger.KeyShared,,,,,,,,,,,,,,\r\n");
  EXPECT_EQ(csv_line(R"({"data":{"actor":"ada","name":null,"enabled":true}})"),
            "11,,,,,,,,,,,,,,true,,\r\n");
}

TEST(TrailAsCsv, OfBytesThatAreNoJson_IsDamagedAndSaysWhere) {
  for (const char* bytes : {"", "{", "[]", "7"}) {
    const auto csv = trail_as_csv(page_of({R"({"id":"A"})", bytes}));
    ASSERT_FALSE(csv) << bytes;
    EXPECT_EQ(csv.error().code, Errc::damaged);
    EXPECT_NE(csv.error().message.find("position 12"), std::string::npos);
  }
}

}  // namespace
}  // namespace keyledger::queries
