#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Which of an account's keys a list shows, and in which order. Keys go by their numbers.
class KeyList : public testing::Test {
 protected:
  KeyList() {
    for (const char* account : {"acme", "acme2", "ac"}) {
      ledger.tell({ledger.story.account_registered(account)});
    }
    add(1, "delta");
    add(2, "Bravo", "nightly JOBS");
    add(3, "alpha", "", false);
    add(4, "Charlie");
    ledger.tell({ledger.story.key_created(nth_key_id(5), "acme2", "alpha"),
                 ledger.story.key_created(nth_key_id(6), "ac", "alpha")});
  }

  void add(unsigned n, std::string_view name, std::string_view description = {},
           bool enabled = true) {
    KeyCreated fact{nth_key_id(n),
                    KeyName{std::string(name)},
                    std::nullopt,
                    enabled,
                    std::nullopt,
                    digest_filled_with(static_cast<unsigned char>(n)),
                    "kl_…wxY" + std::to_string(n)};
    if (!description.empty()) fact.description = Description{std::string(description)};
    ledger.tell({ledger.story.key_created(fact, "acme")});
  }

  static KeyQuery all() {
    KeyQuery query;
    query.account = AccountId{"acme"};
    return query;
  }
  static KeyQuery with_text(std::string_view text) {
    KeyQuery query = all();
    query.text = text;
    return query;
  }

  std::vector<unsigned> ask(const KeyQuery& query) const {
    std::vector<unsigned> numbers;
    for (const KeyState& key : must(ledger.model().list_keys(query)).keys) {
      for (unsigned n = 1; n < 20; ++n) {
        if (key.id == nth_key_id(n)) numbers.push_back(n);
      }
    }
    return numbers;
  }

  Folded ledger;
};

TEST_F(KeyList, OfAnAccount_HasNoKeysOfThoseWhoseIdsBeginAlike) {
  EXPECT_THAT(ask(all()), ElementsAre(1, 2, 3, 4));
  KeyQuery query = all();
  query.sort = KeySort::name;
  query.account = AccountId{"ac"};
  EXPECT_THAT(ask(query), ElementsAre(6));
  query.account = AccountId{"acme2"};
  EXPECT_THAT(ask(query), ElementsAre(5));
  query.account = AccountId{"acm"};
  EXPECT_THAT(ask(query), IsEmpty());
}

TEST_F(KeyList, ByCreation_IsInBothOrders) {
  KeyQuery query = all();
  query.order = Order::descending;
  EXPECT_THAT(ask(query), ElementsAre(4, 3, 2, 1));
}

TEST_F(KeyList, ByName_HasNoRegardToAsciiCase) {
  KeyQuery query = all();
  query.sort = KeySort::name;
  EXPECT_THAT(ask(query), ElementsAre(3, 2, 4, 1));
  query.order = Order::descending;
  EXPECT_THAT(ask(query), ElementsAre(1, 4, 2, 3));
}

TEST_F(KeyList, ByName_PutsEqualNamesInTheOrderOfTheirIds) {
  add(7, "ALPHA");
  add(8, "Alpha");
  KeyQuery query = all();
  query.sort = KeySort::name;
  EXPECT_THAT(ask(query), ElementsAre(3, 7, 8, 2, 4, 1));
  query.order = Order::descending;
  EXPECT_THAT(ask(query), ElementsAre(1, 4, 2, 8, 7, 3));
}

TEST_F(KeyList, OfEnabledOrDisabledKeys_HasThoseAlone) {
  KeyQuery query = all();
  query.enabled = true;
  EXPECT_THAT(ask(query), ElementsAre(1, 2, 4));
  query.enabled = false;
  EXPECT_THAT(ask(query), ElementsAre(3));
}

TEST_F(KeyList, OfADeletedKey_HasNothing) {
  ledger.tell({ledger.story.about(nth_key_id(2), KeyDeleted{})});
  EXPECT_THAT(ask(all()), ElementsAre(1, 3, 4));
  EXPECT_THAT(ask(with_text("bravo")), IsEmpty());
}

TEST_F(KeyList, OfAText_IsSoughtInNameAndDescriptionInAnyCase) {
  EXPECT_THAT(ask(with_text("rAv")), ElementsAre(2));
  EXPECT_THAT(ask(with_text("jobs")), ElementsAre(2));
  EXPECT_THAT(ask(with_text("l")), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ask(with_text("nowhere")), IsEmpty());
}

TEST_F(KeyList, OfAText_IsSoughtInIdAndLastFourAlone) {
  EXPECT_THAT(ask(with_text(nth_key_id(3).value)), ElementsAre(3));
  EXPECT_THAT(ask(with_text("WXy4")), ElementsAre(4));
  EXPECT_THAT(ask(with_text("kl_")), IsEmpty());
}

TEST_F(KeyList, OfATextWithLettersBeyondAscii_IsSoughtByItsBytes) {
  add(7, "Bücher");
  EXPECT_THAT(ask(with_text("bücher")), ElementsAre(7));
  EXPECT_THAT(ask(with_text("BÜCHER")), IsEmpty());
}

TEST_F(KeyList, OfAPage_SaysWhetherThereIsMore) {
  for (const KeySort sort : {KeySort::created_at, KeySort::name}) {
    KeyQuery query = all();
    query.sort = sort;
    query.limit = 3;
    auto page = must(ledger.model().list_keys(query));
    EXPECT_EQ(page.keys.size(), 3U);
    EXPECT_TRUE(page.more);
    query.limit = 4;
    page = must(ledger.model().list_keys(query));
    EXPECT_EQ(page.keys.size(), 4U);
    EXPECT_FALSE(page.more);
    // What doesn't match is no more.
    query.limit = 1;
    query.text = "bravo";
    EXPECT_FALSE(must(ledger.model().list_keys(query)).more);
  }
}

TEST_F(KeyList, HasTheKeysThatKeyTells) {
  for (const KeyState& key : must(ledger.model().list_keys(all())).keys) {
    EXPECT_EQ(key, ledger.key(key.id));
  }
}

}  // namespace
}  // namespace keyledger::projections
