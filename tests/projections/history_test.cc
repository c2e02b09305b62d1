#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The audit trail of a ledger with two accounts, of which one's id begins as the other's, and a key
// of each.
class History : public testing::Test {
 protected:
  History() {
    Story& story = ledger.story;
    events = {story.account_registered("acme"),
              story.key_created(ours, "acme"),
              story.account_registered("acme2"),
              story.key_created(theirs, "acme2"),
              story.about(ours, KeyRenamed{{"new"}}),
              story.about(ours, KeyValueRevealed{}),
              story.account_username_changed("bob@example.com", "acme"),
              story.about(theirs, KeyRenamed{{"new"}}),
              story.about(ours, KeyDeleted{})};
    ledger.tell(events);
  }

  std::vector<std::uint64_t> ask(const HistoryQuery& query) const {
    return positions_of(must(ledger.model().history(query)));
  }
  static HistoryQuery about(std::string_view account) {
    HistoryQuery query;
    query.account = AccountId{std::string(account)};
    return query;
  }
  static HistoryQuery about(const KeyId& key) {
    HistoryQuery query;
    query.key = key;
    return query;
  }
  const Event& event_at(std::uint64_t position) const { return events[position - 3]; }

  const KeyId ours = nth_key_id(1);
  const KeyId theirs = nth_key_id(2);
  Folded ledger;
  std::vector<Event> events;  ///< From position 3 on.
};

TEST_F(History, OfAnAccount_HasItsEventsAndThoseOfItsKeysAlone) {
  EXPECT_THAT(ask(about("acme")), ElementsAre(3, 4, 7, 8, 9, 11));
  EXPECT_THAT(ask(about("acme2")), ElementsAre(5, 6, 10));
  EXPECT_THAT(ask(about("acm")), IsEmpty());
}

TEST_F(History, OfAKey_OutlivesItsDeletion) {
  EXPECT_THAT(ask(about(ours)), ElementsAre(4, 7, 8, 11));
  EXPECT_THAT(ask(about(theirs)), ElementsAre(6, 10));
  EXPECT_THAT(ask(about(nth_key_id(3))), IsEmpty());
}

TEST_F(History, OfAKeyInAnotherAccount_IsEmpty) {
  HistoryQuery query = about(ours);
  query.account = AccountId{"acme2"};
  EXPECT_THAT(ask(query), IsEmpty());
  query.account = AccountId{"acme"};
  EXPECT_THAT(ask(query), ElementsAre(4, 7, 8, 11));
}

TEST_F(History, OfNobody_IsEmpty) { EXPECT_THAT(ask({}), IsEmpty()); }

TEST_F(History, HasTheBytesOfTheLog) {
  const auto page = must(ledger.model().history(about(theirs)));
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.entries[0].bytes, encoded({event_at(6)}).front());
  EXPECT_EQ(page.entries[1].bytes, encoded({event_at(10)}).front());
}

TEST_F(History, Descending_IsNewestFirst) {
  HistoryQuery query = about("acme");
  query.order = Order::descending;
  EXPECT_THAT(ask(query), ElementsAre(11, 9, 8, 7, 4, 3));
  query.after = Position{8};
  EXPECT_THAT(ask(query), ElementsAre(7, 4, 3));
  query.after = Position{3};
  EXPECT_THAT(ask(query), IsEmpty());
}

TEST_F(History, AfterAPosition_LeavesItOut) {
  HistoryQuery query = about("acme");
  query.after = Position{8};
  EXPECT_THAT(ask(query), ElementsAre(9, 11));
  query.after = Position{11};
  EXPECT_THAT(ask(query), IsEmpty());
  query.after = Position{UINT64_MAX};
  EXPECT_THAT(ask(query), IsEmpty());
}

TEST_F(History, OfAPage_SaysWhetherThereIsMore) {
  HistoryQuery query = about("acme");
  query.limit = 5;
  auto page = must(ledger.model().history(query));
  EXPECT_THAT(positions_of(page), ElementsAre(3, 4, 7, 8, 9));
  EXPECT_TRUE(page.more);
  query.limit = 6;
  page = must(ledger.model().history(query));
  EXPECT_EQ(page.entries.size(), 6U);
  EXPECT_FALSE(page.more);
}

TEST_F(History, WhereNoMoreEventsMatch_SaysThatThereAreNone) {
  HistoryQuery query = about("acme");
  query.type = "KeyRenamed";
  query.limit = 1;
  const auto page = must(ledger.model().history(query));
  EXPECT_THAT(positions_of(page), ElementsAre(7));
  EXPECT_FALSE(page.more);
}

TEST_F(History, OfAType_HasNoOther) {
  HistoryQuery query = about("acme");
  query.type = "KeyRenamed";
  EXPECT_THAT(ask(query), ElementsAre(7));
  query.type = "keyledger.KeyRenamed";
  EXPECT_THAT(ask(query), IsEmpty());
}

TEST_F(History, OfATime_BeginsWithItAndEndsBeforeTheOther) {
  HistoryQuery query = about("acme");
  query.from = event_at(7).time;
  query.to = event_at(9).time;
  EXPECT_THAT(ask(query), ElementsAre(7, 8));
  query.to.reset();
  EXPECT_THAT(ask(query), ElementsAre(7, 8, 9, 11));
}

TEST_F(History, InAnyPagesOfAnyQuestion_LeavesOutNothingAndTellsNothingTwice) {
  EXPECT_TRUE(rc::check([this] {
    HistoryQuery query;
    const int subject = *rc::gen::inRange(0, 3);
    if (subject != 1) query.account = AccountId{*rc::gen::element<std::string>("acme", "acme2")};
    if (subject != 0) query.key = *rc::gen::element(ours, theirs);
    query.order = *rc::gen::element(Order::ascending, Order::descending);
    query.limit = *rc::gen::inRange<std::size_t>(1, 4);
    query.type = *rc::gen::element<std::string>("", "", "KeyRenamed", "KeyCreated");
    if (*rc::gen::arbitrary<bool>())
      query.from = event_at(*rc::gen::inRange<std::uint64_t>(3, 12)).time;
    if (*rc::gen::arbitrary<bool>())
      query.to = event_at(*rc::gen::inRange<std::uint64_t>(3, 12)).time;

    std::vector<std::uint64_t> expected;
    for (std::uint64_t at = 3; at < 3 + events.size(); ++at) {
      const Event& event = event_at(at);
      const bool wanted = (!query.account || event.account == query.account) &&
                          (!query.key || event.key == query.key) &&
                          (query.type.empty() || type_name(event.fact) == query.type) &&
                          (!query.from || event.time >= *query.from) &&
                          (!query.to || event.time < *query.to);
      if (wanted) expected.push_back(at);
    }
    if (query.order == Order::descending) std::ranges::reverse(expected);

    std::vector<std::uint64_t> told;
    bool more = true;
    while (more) {
      const auto page = must(ledger.model().history(query));
      for (const auto& entry : page.entries) told.push_back(entry.position.value);
      RC_ASSERT(told.size() <= expected.size());
      more = page.more;
      RC_ASSERT(!more || page.entries.size() == query.limit);
      if (more) query.after = page.entries.back().position;
    }
    RC_ASSERT(told == expected);
  }));
}

TEST_F(History, StateAtAPosition_IsThatOfThen) {
  const AccountId acme{"acme"};
  const auto key_at = [&](std::uint64_t position) {
    return must(ledger.model().state_at(acme, ours, Position{position})).key;
  };
  EXPECT_EQ(key_at(3).status, KeyState::Status::absent);
  EXPECT_EQ(key_at(4).name.value, "build");
  EXPECT_EQ(key_at(6).name.value, "build");
  EXPECT_EQ(key_at(7).name.value, "new");
  EXPECT_EQ(key_at(10).status, KeyState::Status::live);
  EXPECT_EQ(key_at(11).status, KeyState::Status::deleted);
  EXPECT_EQ(key_at(11).version, Version{3});
  const auto account = must(ledger.model().state_at(acme, std::nullopt, Position{8})).account;
  EXPECT_EQ(account.username.value, "ada@example.com");
}

TEST_F(History, StateAtThePositionBehindAll_IsThatOfNow) {
  const auto state = must(ledger.model().state_at(AccountId{"acme2"}, theirs, {UINT64_MAX}));
  EXPECT_EQ(state.key, ledger.key(theirs, "acme2"));
}

TEST_F(History, StateAtAPosition_IsNoneForAKeyOfAnotherAccount) {
  const auto state = must(ledger.model().state_at(AccountId{"acme"}, theirs, Position{10}));
  EXPECT_EQ(state.key, KeyState{});
}

}  // namespace
}  // namespace keyledger::projections
