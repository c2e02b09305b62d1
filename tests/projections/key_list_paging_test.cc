#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/projections/few_cases.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

// Lists that are read page by page. What holds while keys are made, renamed and deleted between the
// pages: no list tells a key twice or leaves out one that was there all the time, except that a
// list by name may do either to keys that were renamed meanwhile.

/// An account whose keys have names of which many differ in case alone.
class Account {
 public:
  Account() {
    for (const char* account : {"a", "ab"}) {
      ledger_.tell({ledger_.story.account_registered(account)});
    }
    ledger_.tell({ledger_.story.key_created(nth_key_id(1'000'000), "ab", "a")});
    for (int i = *rc::gen::inRange(0, 12); i > 0; --i) add();
  }

  void add() {
    const KeyId id = nth_key_id(++made_);
    const std::string name = any_name();
    Event created = ledger_.story.key_created(id, "a", name);
    ledger_.tell({created});
    if (*rc::gen::inRange(0, 3) == 0) ledger_.tell({ledger_.story.about(id, KeyDisabled{})});
    live_.insert(id);
  }

  /// Makes, renames or deletes a key.
  void change() {
    const int what = *rc::gen::inRange(0, 4);
    if (what == 0 || live_.empty()) return add();
    const KeyId id = *rc::gen::elementOf(live_);
    if (what == 1) {
      ledger_.tell({ledger_.story.about(id, KeyDeleted{})});
      live_.erase(id);
      touched.insert(id);
    } else {
      ledger_.tell({ledger_.story.about(id, KeyRenamed{{any_name()}})});
      renamed.insert(id);
    }
  }

  std::vector<KeyState> keys() const {
    std::vector<KeyState> keys;
    for (const KeyId& id : live_) keys.push_back(ledger_.key(id, "a"));
    return keys;
  }
  const std::set<KeyId>& live() const { return live_; }
  const ReadModel& model() const { return ledger_.model(); }

  std::set<KeyId> touched;  ///< Deleted since the beginning.
  std::set<KeyId> renamed;

 private:
  static std::string any_name() {
    return *rc::gen::element<std::string>("a", "A", "b", "Bb", "bB", "c", "Ä", "ä");
  }

  Folded ledger_;
  unsigned made_ = 0;
  std::set<KeyId> live_;
};

KeyQuery any_query() {
  KeyQuery query;
  query.account = AccountId{"a"};
  query.sort = *rc::gen::element(KeySort::created_at, KeySort::name);
  query.order = *rc::gen::element(Order::ascending, Order::descending);
  query.limit = *rc::gen::inRange<std::size_t>(1, 5);
  return query;
}

std::vector<KeyId> ids_of_all_pages(
    const Account& account, KeyQuery query, const std::function<void()>& between = [] {}) {
  std::vector<KeyId> ids;
  for (;;) {
    const auto page = must(account.model().list_keys(query));
    RC_ASSERT(page.keys.size() <= query.limit);
    for (const KeyState& key : page.keys) ids.push_back(key.id);
    if (!page.more) return ids;
    RC_ASSERT(ids.size() < 100U);
    RC_ASSERT(page.keys.size() == query.limit);
    query.after = KeyQuery::After{page.keys.back().name.value, page.keys.back().id};
    between();
  }
}

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// What all pages must have, sorted and filtered in the simplest way.
std::vector<KeyId> expected_ids(std::vector<KeyState> keys, const KeyQuery& query) {
  std::erase_if(keys, [&](const KeyState& key) {
    return (query.enabled && key.enabled != *query.enabled) ||
           lowered(key.name.value).find(query.text) == std::string::npos;
  });
  std::ranges::sort(keys, [&](const KeyState& left, const KeyState& right) {
    const auto place = [&](const KeyState& key) {
      const bool by_name = query.sort == KeySort::name;
      return std::pair(by_name ? lowered(key.name.value) : "", key.id);
    };
    return place(left) < place(right);
  });
  if (query.order == Order::descending) std::ranges::reverse(keys);
  std::vector<KeyId> ids;
  for (const KeyState& key : keys) ids.push_back(key.id);
  return ids;
}

TEST(KeyListPaging, InAnyPagesOfAnyQuestion_TellsEachKeyOnceAndInOrder) {
  EXPECT_TRUE(holds_in_few_cases([] {
    const Account account;
    for (int i = 0; i < 20; ++i) {
      KeyQuery query = any_query();
      query.text = *rc::gen::element<std::string>("", "ä", "bb");
      if (*rc::gen::arbitrary<bool>()) query.enabled = *rc::gen::arbitrary<bool>();
      RC_ASSERT(ids_of_all_pages(account, query) == expected_ids(account.keys(), query));
    }
  }));
}

TEST(KeyListPaging, WhileKeysChangeBetweenPages_LeavesOutNoneThatStayedAndTellsNoneTwice) {
  EXPECT_TRUE(holds_in_few_cases([] {
    Account account;
    const std::set<KeyId> at_first = account.live();
    const KeyQuery query = any_query();
    int changes = 20;  // So that the pages end.
    const auto ids = ids_of_all_pages(account, query, [&] {
      for (int i = *rc::gen::inRange(0, 3); i > 0 && changes-- > 0; --i) account.change();
    });

    std::map<KeyId, int> told;
    for (const KeyId& id : ids) ++told[id];
    const auto may_be_told_otherwise = [&](const KeyId& id) {
      return query.sort == KeySort::name && account.renamed.contains(id);
    };
    for (const auto& [id, times] : told) RC_ASSERT(times == 1 || may_be_told_otherwise(id));
    for (const KeyId& id : at_first) {
      const bool stayed = account.live().contains(id);
      RC_ASSERT(!stayed || told.contains(id) || may_be_told_otherwise(id));
    }
    if (query.sort == KeySort::created_at && query.order == Order::descending) {
      for (const auto& [id, times] : told) RC_ASSERT(at_first.contains(id));
    }
  }));
}

TEST(KeyListPaging, ByCreationAscending_GoesOnToKeysThatWereMadeMeanwhile) {
  Folded ledger;
  ledger.tell({ledger.story.account_registered(), ledger.story.key_created(nth_key_id(1)),
               ledger.story.key_created(nth_key_id(2))});
  KeyQuery query;
  query.account = AccountId{"acme"};
  query.limit = 1;
  const auto first = must(ledger.model().list_keys(query));
  ledger.tell(
      {ledger.story.key_created(nth_key_id(3)), ledger.story.about(nth_key_id(1), KeyDeleted{})});
  query.after = KeyQuery::After{"", first.keys[0].id};
  query.limit = 10;
  const auto rest = must(ledger.model().list_keys(query));
  ASSERT_EQ(rest.keys.size(), 2U);
  EXPECT_EQ(rest.keys[0].id, nth_key_id(2));
  EXPECT_EQ(rest.keys[1].id, nth_key_id(3));
}

}  // namespace
}  // namespace keyledger::projections
