#include "projections/row_cache.h"

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace keyledger::projections {
namespace {

constexpr std::size_t kOneBucket = 1;
constexpr std::size_t kFourBuckets = std::size_t{4} * 1088;

/// A key with its own bytes for where it lies, its tag and its stamp.
std::string key_of(char bucket, char tag = 't', char stamp = 's') {
  std::string key(32, '\0');
  key[0] = bucket;
  key[8] = tag;
  key[12] = stamp;
  return key;
}

std::optional<std::string> found(const RowCache& cache, const std::string& key) {
  std::string row;
  if (!cache.find(key, row)) return std::nullopt;
  return row;
}

TEST(RowCache, OfARowThatWasPutIn_FindsIt) {
  const RowCache cache(1 << 20);
  const std::string key = key_of('a');
  EXPECT_EQ(found(cache, key), std::nullopt);
  cache.insert(key, "row", cache.stamp(key));
  EXPECT_EQ(found(cache, key), "row");
  EXPECT_EQ(found(cache, key_of('a', 'u')), std::nullopt);
}

TEST(RowCache, OfARowThatWasPutInAgain_FindsTheLaterOne) {
  const RowCache cache(kOneBucket);
  const std::string key = key_of('a');
  cache.insert(key, "row", cache.stamp(key));
  cache.insert(key, "other row", cache.stamp(key));
  EXPECT_EQ(found(cache, key), "other row");
}

TEST(RowCache, OfARowThatWasInvalidated_FindsNothing) {
  RowCache cache(1 << 20);
  const std::string key = key_of('a');
  cache.insert(key, "row", cache.stamp(key));
  cache.invalidate(key);
  EXPECT_EQ(found(cache, key), std::nullopt);
  cache.insert(key, "new row", cache.stamp(key));
  EXPECT_EQ(found(cache, key), "new row");
}

TEST(RowCache, OfAReaderThatAWriterOvertook_NeverFindsItsRow) {
  RowCache cache(1 << 20);
  const std::string key = key_of('a');
  const auto before = cache.stamp(key);
  cache.invalidate(key);
  cache.insert(key, "what was read before the write", before);
  EXPECT_EQ(found(cache, key), std::nullopt);
}

TEST(RowCache, OfAReaderThatWasOvertakenByAWriterAndAReader_NeverFindsItsRow) {
  RowCache cache(kOneBucket);
  const std::string key = key_of('a');
  const auto before = cache.stamp(key);
  cache.invalidate(key);
  cache.insert(key, "new row", cache.stamp(key));
  cache.insert(key, "what was read before the write", before);
  EXPECT_NE(found(cache, key), "what was read before the write");
}

TEST(RowCache, OfKeysThatShareAStamp_ForgetsAllWithOne) {
  RowCache cache(1 << 20);
  cache.insert(key_of('a'), "row", cache.stamp(key_of('a')));
  cache.insert(key_of('b'), "row", cache.stamp(key_of('b')));
  cache.insert(key_of('c', 't', 'S'), "row", cache.stamp(key_of('c', 't', 'S')));
  cache.invalidate(key_of('a'));
  EXPECT_EQ(found(cache, key_of('b')), std::nullopt);
  EXPECT_EQ(found(cache, key_of('c', 't', 'S')), "row");
}

TEST(RowCache, OfKeysWithOneTag_TellsThemApart) {
  RowCache cache(kOneBucket);
  cache.insert(key_of('a'), "row of a", cache.stamp(key_of('a')));
  EXPECT_EQ(found(cache, key_of('b')), std::nullopt);
  cache.insert(key_of('b'), "row of b", cache.stamp(key_of('b')));
  EXPECT_EQ(found(cache, key_of('b')), "row of b");
  EXPECT_NE(found(cache, key_of('a')), "row of b");
}

TEST(RowCache, OfMoreRowsThanABucketHas_KeepsTheLatest) {
  const RowCache cache(kOneBucket);
  for (char tag = 'a'; tag <= 'z'; ++tag) {
    const std::string key = key_of('a', tag);
    cache.insert(key, std::string(3, tag), cache.stamp(key));
    EXPECT_EQ(found(cache, key), std::string(3, tag));
  }
  int kept = 0;
  for (char tag = 'a'; tag <= 'z'; ++tag) kept += found(cache, key_of('a', tag)) ? 1 : 0;
  EXPECT_EQ(kept, 8);
}

TEST(RowCache, OfARowOfTheGreatestLength_KeepsItAndNoLongerOne) {
  constexpr std::size_t kMost = 224;
  const RowCache cache(1 << 20);
  const std::string key = key_of('a');
  const std::string row(kMost, 'x');
  cache.insert(key, row + 'x', cache.stamp(key));
  EXPECT_EQ(found(cache, key), std::nullopt);
  cache.insert(key, "", cache.stamp(key));
  EXPECT_EQ(found(cache, key), std::nullopt);
  cache.insert(key, row, cache.stamp(key));
  EXPECT_EQ(found(cache, key), row);
}

TEST(RowCache, OfAKeyThatIsNoDigest_KeepsNothing) {
  RowCache cache(1 << 20);
  for (const std::string& key : {std::string(31, 'k'), std::string(33, 'k')}) {
    cache.insert(key, "row", 0);
    EXPECT_EQ(found(cache, key), std::nullopt);
    cache.invalidate(key);
  }
}

TEST(RowCache, UnderAnyReadersAndWrites_FindsNoRowButTheLast) {
  EXPECT_TRUE(rc::check([] {
    RowCache cache(*rc::gen::element(kOneBucket, kFourBuckets));
    std::map<std::string, int> rows;  // What lies in the store.
    struct Reader {
      std::string key;
      RowCache::Stamp stamp;
      int row;
    };
    std::vector<Reader> readers;  // They have read, and will put it in.
    for (int step = *rc::gen::inRange(1, 200); step > 0; --step) {
      const std::string key = key_of(*rc::gen::element('a', 'b'), *rc::gen::element('t', 'u', 'v'),
                                     *rc::gen::element('s', 'S'));
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          ++rows[key];
          cache.invalidate(key);
          break;
        case 1:
          readers.push_back({key, cache.stamp(key), rows[key]});
          break;
        case 2:
          if (readers.empty()) break;
          cache.insert(readers.back().key, std::to_string(readers.back().row),
                       readers.back().stamp);
          readers.pop_back();
          break;
        default:
          if (readers.empty()) break;
          std::swap(readers[*rc::gen::inRange<std::size_t>(0, readers.size())], readers.back());
      }
      for (const auto& [each, row] : rows) {
        const auto kept = found(cache, each);
        RC_ASSERT(!kept || *kept == std::to_string(row));
      }
    }
  }));
}

}  // namespace
}  // namespace keyledger::projections
