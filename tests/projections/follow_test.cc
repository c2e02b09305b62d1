#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Position 1 and 2 are the ledger's own; then an account with a key, one whose id begins as the
// first's, and what happens to both.
class Follow : public testing::Test {
 protected:
  Follow() {
    Story& story = ledger.story;
    stored = encoded({story.account_registered("acme"), story.key_created(ours, "acme"),
                      story.account_registered("acme2"), story.key_created(theirs, "acme2"),
                      story.about(ours, KeyRenamed{{"new"}}),
                      story.about(theirs, KeyRenamed{{"new"}}), story.about(ours, KeyDeleted{})});
    ledger.tell(stored);
  }

  /// A page, and what it gave.
  struct Page {
    Position last;
    std::vector<HistoryEntry> entries;
  };
  static std::vector<std::uint64_t> positions(const Page& page) {
    std::vector<std::uint64_t> all;
    for (const auto& entry : page.entries) all.push_back(entry.position.value);
    return all;
  }
  Page ask(const FollowQuery& query) const {
    Page page;
    const auto take = [&page](Position position, std::string_view bytes) {
      page.entries.push_back({position, std::string(bytes)});
    };
    const auto found = must(ledger.model().follow(query, take));
    EXPECT_EQ(found.events, page.entries.size());
    page.last = found.last;
    return page;
  }

  const KeyId ours = nth_key_id(1);
  const KeyId theirs = nth_key_id(2);
  Folded ledger;
  std::vector<std::string> stored;  ///< From position 3 on.
};

TEST_F(Follow, OfAll_HasTheLedgersOwnAndTheStoredBytes) {
  const auto page = ask({.up_to = Position{9}});
  EXPECT_THAT(positions(page), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(page.entries[2].bytes, stored[0]);
  EXPECT_EQ(page.last, Position{9});
}

TEST_F(Follow, OfAnAccount_HasItsEventsAloneAndHasLookedAtAll) {
  const auto page = ask({.account = AccountId{"acme"}, .up_to = Position{8}});
  EXPECT_THAT(positions(page), ElementsAre(3, 4, 7));
  EXPECT_EQ(page.entries[2].bytes, stored[4]);
  EXPECT_EQ(page.last, Position{8});
}

TEST_F(Follow, AfterIsExclusiveAndUpToInclusive) {
  EXPECT_THAT(positions(ask({.after = Position{3}, .up_to = Position{5}})), ElementsAre(4, 5));
  const auto none = ask({.after = Position{5}, .up_to = Position{5}});
  EXPECT_THAT(none.entries, IsEmpty());
  EXPECT_EQ(none.last, Position{5});
  // Of one that is to come: it stays where it is.
  EXPECT_EQ(ask({.after = Position{50}, .up_to = Position{9}}).last, Position{50});
}

TEST_F(Follow, OfTypes_HasThoseAlone) {
  const std::vector<std::string> types{"KeyRenamed", "WriterElected"};
  EXPECT_THAT(positions(ask({.types = types, .up_to = Position{9}})), ElementsAre(2, 7, 8));
  EXPECT_THAT(positions(ask({.account = AccountId{"acme2"}, .types = types, .up_to = Position{9}})),
              ElementsAre(8));
}

TEST_F(Follow, InPagesOfAnySize_GivesEachEventOnce) {
  for (const auto& account : {std::optional<AccountId>{}, std::optional(AccountId{"acme"})}) {
    const auto whole = positions(ask({.account = account, .up_to = Position{9}}));
    for (std::size_t rows = 1; rows <= 10; ++rows) {
      for (const std::size_t bytes : {std::size_t{1}, std::size_t{1000}, std::size_t{100'000}}) {
        std::vector<std::uint64_t> all;
        FollowQuery query{
            .account = account, .up_to = Position{9}, .max_bytes = bytes, .max_rows = rows};
        while (query.after < query.up_to) {
          const auto page = ask(query);
          ASSERT_GT(page.last, query.after);
          for (const auto position : positions(page)) all.push_back(position);
          query.after = page.last;
        }
        EXPECT_EQ(all, whole) << rows << " rows, " << bytes << " bytes";
      }
    }
  }
}

TEST_F(Follow, OfWhatNothingFits_IsBoundedByTheRowsThatAreLookedAt) {
  const auto page = ask({.types = {"Nope"}, .up_to = Position{9}, .max_rows = 4});
  EXPECT_THAT(page.entries, IsEmpty());
  EXPECT_EQ(page.last, Position{4});
}

}  // namespace
}  // namespace keyledger::projections
