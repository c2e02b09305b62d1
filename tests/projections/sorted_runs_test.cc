#include "projections/sorted_runs.h"

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/projections/few_cases.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::projections {
namespace {

using Use = SortedRuns::Use;
using Rows = std::map<std::string, std::string>;

void must(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

/// A database, and runs of a few rows for its one family.
class Bulk {
 public:
  Bulk() {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    must(rocksdb::DB::Open(options, (directory_ / "db").string(), &db));
    db_.reset(db);
    runs_.emplace(
        *db_, directory_ / "db", "run",
        SortedRuns::Limits{.run_bytes = 64, .findable_run_bytes = 64, .min_table_rows = 3});
  }
  ~Bulk() { runs_.reset(); }
  Bulk(const Bulk&) = delete;
  Bulk& operator=(const Bulk&) = delete;

  rocksdb::DB& db() { return *db_; }
  SortedRuns& runs() { return *runs_; }
  rocksdb::ColumnFamilyHandle& family() { return *db_->DefaultColumnFamily(); }

  /// As a store reads: here first, then in RocksDB.
  std::optional<std::string> get(const std::string& key) {
    const auto found = runs_->find(family(), key);
    if (found.is_known)
      return found.value ? std::optional(std::string(*found.value)) : std::nullopt;
    std::string value;
    const auto status = db_->Get({}, key, &value);
    if (status.IsNotFound()) return std::nullopt;
    must(status);
    return value;
  }

  /// What RocksDB alone has.
  Rows written() const {
    Rows rows;
    const std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
    for (row->SeekToFirst(); row->Valid(); row->Next()) {
      rows.emplace(row->key().ToString(), row->value().ToString());
    }
    must(row->status());
    return rows;
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<rocksdb::DB> db_;
  std::optional<SortedRuns> runs_;
};

std::string any_key() {
  return *rc::gen::container<std::string>(
      rc::gen::element('a', 'b', '\0', static_cast<char>(0xFF)));
}

void add_something(Bulk& bulk, Use use, Rows& expected) {
  const std::string key = "key-" + any_key();
  if (*rc::gen::inRange(0, 3) == 0) {
    must(bulk.runs().add(bulk.family(), use, key, std::nullopt));
    expected.erase(key);
  } else {
    const std::string value(*rc::gen::element<std::size_t>(0, 1, 20, 100),
                            *rc::gen::inRange('a', 'z'));
    must(bulk.runs().add(bulk.family(), use, key, value));
    expected.insert_or_assign(key, value);
  }
}

TEST(SortedRuns, OfAnyRows_AreInRocksDbOnceFlushed) {
  EXPECT_TRUE(holds_in_few_cases([] {
    Bulk bulk;
    Rows expected;
    for (int part = 0; part < 2; ++part) {
      for (int i = *rc::gen::inRange(0, 100); i > 0; --i) {
        add_something(bulk, Use::write_only, expected);
      }
      must(bulk.runs().flush());
      RC_ASSERT(bulk.written() == expected);
    }
  }));
}

TEST(SortedRuns, OfAnyRows_AreFoundWhereverTheyAreAndScannedOnceSettled) {
  EXPECT_TRUE(holds_in_few_cases([] {
    Bulk bulk;
    Rows expected;
    for (int i = 0; i < 200; ++i) {
      if (*rc::gen::inRange(0, 20) == 0) {
        must(bulk.runs().settle(bulk.family()));
        RC_ASSERT(bulk.written() == expected);
      }
      add_something(bulk, Use::find, expected);
      const std::string key = "key-" + any_key();
      const auto row = expected.find(key);
      RC_ASSERT(bulk.get(key) ==
                (row == expected.end() ? std::nullopt : std::optional(row->second)));
    }
    for (const auto& [key, value] : expected) RC_ASSERT(bulk.get(key) == value);
    must(bulk.runs().flush());
    RC_ASSERT(bulk.written() == expected);
  }));
}

TEST(SortedRuns, WhoseTableCannotBeWritten_SayItAtTheNextOneAndInTheEnd) {
  Bulk bulk;
  SortedRuns nowhere(bulk.db(), "/nowhere", "run", SortedRuns::Limits{.run_bytes = 64});
  const std::string value(60, 'x');
  must(nowhere.add(bulk.family(), Use::write_only, "a", value));
  must(nowhere.add(bulk.family(), Use::write_only, "b", value));
  EXPECT_FALSE(nowhere.add(bulk.family(), Use::write_only, "c", value).ok());
  EXPECT_FALSE(nowhere.flush().ok());
}

TEST(SortedRuns, WhoseTableCannotBeWritten_TakeNoMoreAndStillFindWhatTheyHave) {
  Bulk bulk;
  SortedRuns nowhere(bulk.db(), "/nowhere", "run", SortedRuns::Limits{.findable_run_bytes = 64});
  const std::string value(60, 'x');
  must(nowhere.add(bulk.family(), Use::find, "a", value));
  must(nowhere.add(bulk.family(), Use::find, "b", value));
  EXPECT_FALSE(nowhere.add(bulk.family(), Use::find, "b", value + value).ok());
  EXPECT_EQ(nowhere.find(bulk.family(), "b").value, value);
  EXPECT_FALSE(nowhere.settle(bulk.family()).ok());
  EXPECT_FALSE(nowhere.flush().ok());
}

}  // namespace
}  // namespace keyledger::projections
