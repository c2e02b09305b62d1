#include "projections/changes.h"

#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "projections/store.h"
#include "tests/projections/few_cases.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using Rows = std::map<std::string, std::string>;
constexpr Family kFamily = Family::accounts;

std::string any_key() { return *rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c')); }

/// A store with rows, over which changes are made. `expected` is what reading must see.
class Overlay {
 public:
  Rows expected;

  void change_something(Changes& changes) {
    const std::string key = any_key();
    const int kind = *rc::gen::inRange(0, 4);
    if (kind == 0) {
      changes.erase(kFamily, key);
      expected.erase(key);
    } else if (kind == 1) {
      const std::string more = *rc::gen::element<std::string>("", "3", "45");
      changes.append(kFamily, key, more);
      expected[key] += more;
    } else {
      const std::string value = *rc::gen::element<std::string>("", "1", "2");
      changes.put(kFamily, key, value);
      expected.insert_or_assign(key, value);
    }
  }

  void change(Changes& changes, int times) {
    while (times-- > 0) change_something(changes);
  }

  Store& store() { return *store_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_ =
      must(Store::open(directory_ / "store", Store::Mode::serve, std::size_t{1} << 20U));
};

/// What is in [from, to) of `rows`, up to `limit` rows.
std::vector<std::pair<std::string, std::string>> part_of(const Rows& rows, const std::string& from,
                                                         const std::string& to, std::size_t limit) {
  std::vector<std::pair<std::string, std::string>> part;
  for (auto row = rows.lower_bound(from); row != rows.end(); ++row) {
    if ((!to.empty() && row->first >= to) || part.size() == limit) break;
    part.emplace_back(*row);
  }
  return part;
}

TEST(Changes, OverAnyStore_ReadAsIfTheyWereWritten) {
  EXPECT_TRUE(holds_in_few_cases([] {
    Overlay overlay;
    Changes earlier(overlay.store());
    overlay.change(earlier, *rc::gen::inRange(0, 20));
    must(overlay.store().write(earlier.take()));
    Changes changes(overlay.store());
    overlay.change(changes, *rc::gen::inRange(0, 20));

    for (int i = 0; i < 10; ++i) {
      const std::string key = any_key();
      const auto row = overlay.expected.find(key);
      const auto wanted = row == overlay.expected.end() ? std::nullopt : std::optional(row->second);
      RC_ASSERT(must(changes.get(kFamily, key)) == wanted);

      std::string from = any_key();
      std::string to = any_key();
      if (!to.empty() && to < from) std::swap(from, to);
      const auto limit = *rc::gen::inRange<std::size_t>(1, 8);
      std::vector<std::pair<std::string, std::string>> seen;
      must(changes.scan(kFamily, from, to, [&](std::string_view at, std::string_view value) {
        seen.emplace_back(at, value);
        return seen.size() < limit;
      }));
      RC_ASSERT(seen == part_of(overlay.expected, from, to, limit));
    }

    must(overlay.store().write(changes.take()));
    Rows written;
    must(overlay.store().scan(kFamily, {}, {}, false,
                              [&](std::string_view at, std::string_view value) {
                                written.emplace(at, value);
                                return true;
                              }));
    RC_ASSERT(written == overlay.expected);
  }));
}

TEST(Changes, ThatWereTaken_AreGoneFromHere) {
  Overlay overlay;
  Changes changes(overlay.store());
  changes.put(kFamily, "a", "1");
  changes.erase(kFamily, "b");
  EXPECT_EQ(changes.take().size(), 2U);
  EXPECT_TRUE(changes.take().empty());
  EXPECT_EQ(must(changes.get(kFamily, "a")), std::nullopt);
}

TEST(AfterPrefix, IsTheFirstKeyAfterAllThatBeginWithIt) {
  EXPECT_EQ(after_prefix(std::string_view("ab\0", 3)), std::string_view("ab\1", 3));
  EXPECT_EQ(after_prefix("a\xff\xff"), "b");
  EXPECT_EQ(after_prefix("\xff"), "");
  EXPECT_EQ(after_prefix(""), "");
}

}  // namespace
}  // namespace keyledger::projections
