#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "projections/rows.h"
#include "projections/store.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

const AccountId kAcme{"acme"};
const std::string kHash(64, 'a');

/// A directory with a model of an account and a key.
class ReadModelFiles : public testing::Test {
 protected:
  ReadModelFiles() {
    const auto model = opened(path);
    Fold fold(model->store(), MetaRow{});
    std::vector<Event> events = {story.ledger_created(), story.writer_elected(),
                                 story.account_registered(), story.key_created(key)};
    events.back().idempotency = Idempotency{kHash, kHash};
    must(fold.apply(stored_after({}, encoded(events))));
    must(model->store().flush());
    digest = creation(events.back()).digest;
  }

  /// The model after `value` was written where the row `row_key` was.
  std::unique_ptr<ReadModel> with_row(Family family, std::string row_key, std::string value) {
    auto model = opened(path);
    must(model->store().write({{family, Change::Kind::put, std::move(row_key), std::move(value)}}));
    return model;
  }
  std::string checksum() const {
    return must(must(open_read_model_for_reading(path))->checksum()).hex;
  }

  const KeyId key = nth_key_id(1);
  Story story;
  TemporaryDirectory directory;
  const std::filesystem::path path = directory / "read-model";
  Digest digest{};
};

TEST_F(ReadModelFiles, OfAnotherRowFormat_AreIncompatible) {
  with_row(Family::meta, std::string(kFormatKey), std::to_string(kRowFormat + 1));
  expect_error(open_read_model(path), Errc::incompatible, "projection rebuild");
  expect_error(open_read_model_for_reading(path), Errc::incompatible,
               "row format " + std::to_string(kRowFormat + 1));
}

TEST_F(ReadModelFiles, ThatAreNotThere_AreNotFoundByAReaderAndMadeByANode) {
  const auto nowhere = directory / "nowhere" / "read-model";
  expect_error(open_read_model_for_reading(nowhere), Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(nowhere));
  EXPECT_EQ(must(opened(nowhere)->meta()).position, Position{0});
  EXPECT_EQ(must(must(open_read_model_for_reading(nowhere))->meta()).position, Position{0});
}

TEST_F(ReadModelFiles, ThatAreOpen_AreLockedForASecondNodeAndReadByOthers) {
  const auto node = opened(path);
  expect_error(open_read_model(path), Errc::locked);
  const auto reader = must(open_read_model_for_reading(path));
  EXPECT_EQ(must(reader->meta()).position, Position{4});
  EXPECT_EQ(must(reader->checksum()).hex, must(node->checksum()).hex);
}

TEST_F(ReadModelFiles, WithoutTheirManifest_AreDamaged) {
  std::ofstream(path / "CURRENT") << "garbage\n";
  expect_error(open_read_model(path), Errc::damaged);
  expect_error(open_read_model_for_reading(path), Errc::damaged);
}

TEST_F(ReadModelFiles, InAPlaceWhereNoDirectoryCanBe_AreAnErrorOfTheSystem) {
  std::ofstream(directory / "file") << "text";
  expect_error(open_read_model(directory / "file" / "read-model"), Errc::io);
}

TEST_F(ReadModelFiles, WithAByteChangedInATable_AreDamagedOrTheSame) {
  const std::string before = checksum();
  std::vector<std::filesystem::path> tables;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() == ".sst") tables.push_back(entry.path());
  }
  ASSERT_FALSE(tables.empty());
  int damaged = 0;
  constexpr std::streamoff kStride = 997;
  for (const auto& table : tables) {
    const auto bytes = static_cast<std::streamoff>(std::filesystem::file_size(table));
    for (std::streamoff offset = 0; offset < bytes; offset += kStride) {
      std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(offset);
      const int original = file.get();
      const auto put = [&](int byte) {
        file.seekp(offset);
        file.put(static_cast<char>(byte));
        file.flush();
      };
      put(original ^ 1);
      const auto model = open_read_model_for_reading(path);
      const auto sum = model ? (*model)->checksum() : fail(model.error());
      put(original);
      if (sum) {
        EXPECT_EQ(sum->hex, before);
      } else {
        EXPECT_EQ(sum.error().code, Errc::damaged) << sum.error().message;
        ++damaged;
      }
    }
  }
  EXPECT_GT(damaged, 0);
  EXPECT_EQ(checksum(), before);
}

TEST_F(ReadModelFiles, WithADamagedKey_SaySoToWhoeverNeedsIt) {
  const auto model = with_row(Family::keys, keys_key(kAcme, key), "garbage");
  expect_error(model->key(kAcme, key), Errc::damaged, "a key of the read model");
  KeyQuery query;
  query.account = kAcme;
  expect_error(model->list_keys(query), Errc::damaged);
  query.sort = KeySort::name;
  expect_error(model->list_keys(query), Errc::damaged);
  EXPECT_TRUE(must(model->grant(digest)));

  Fold fold(model->store(), must(model->meta()));
  const auto fact = encoded({story.about(key, KeyDisabled{})});
  expect_error(fold.apply(stored_after(Position{4}, fact)), Errc::damaged);
  const auto renamed = encoded({story.account_username_changed("bob@example.com")});
  expect_error(fold.apply(stored_after(Position{4}, renamed)), Errc::damaged);
  EXPECT_EQ(must(model->meta()).position, Position{4});
}

TEST_F(ReadModelFiles, WithADamagedGrant_LetNobodyIn) {
  const auto model = with_row(Family::grants, std::string(digest_key(digest)), "garbage");
  expect_error(model->grant(digest), Errc::damaged);
  expect_error(model->grant(digest), Errc::damaged);
}

TEST_F(ReadModelFiles, WithADamagedAccount_SaySo) {
  const auto model = with_row(Family::accounts, kAcme.value, "garbage");
  expect_error(model->account(kAcme), Errc::damaged);
  Fold fold(model->store(), must(model->meta()));
  const auto fact = encoded({story.about(key, KeyDisabled{})});
  expect_error(fold.apply(stored_after(Position{4}, fact)), Errc::damaged);
}

TEST_F(ReadModelFiles, WithADamagedIdempotencyKey_SaySo) {
  const auto model = with_row(Family::idempotency, kHash, "garbage");
  expect_error(model->idempotency(kHash), Errc::damaged);
}

TEST_F(ReadModelFiles, WithADamagedPosition_SaySo) {
  const auto model = with_row(Family::meta, std::string(kMetaKey), "garbage");
  expect_error(model->meta(), Errc::damaged);
  expect_error(model->checksum(), Errc::damaged);
}

TEST_F(ReadModelFiles, WithADamagedIndex_SaySo) {
  const auto model =
      with_row(Family::history_by_subject, index_key(key.value, Position{4}), "short");
  HistoryQuery query;
  query.key = key;
  expect_error(model->history(query), Errc::damaged);
}

TEST_F(ReadModelFiles, WithAnIndexOfAnEventThatIsNotThere_SaySo) {
  const auto model = opened(path);
  must(model->store().write(
      {{Family::history, Change::Kind::erase, position_key(Position{4}), {}}}));
  HistoryQuery query;
  query.key = key;
  expect_error(model->history(query), Errc::damaged, "lacks position 4");
  expect_error(model->state_at(kAcme, key, Position{4}), Errc::damaged, "lacks position 4");
}

TEST_F(ReadModelFiles, WithADamagedEventInTheHistory_SaySo) {
  const auto model = with_row(Family::history, position_key(Position{4}), "garbage");
  expect_error(model->state_at(kAcme, key, Position{4}), Errc::damaged);
}

TEST_F(ReadModelFiles, CopiedWhileTheyAreWritten_AreAModelThatGoesOn) {
  const auto model = opened(path);
  Fold fold(model->store(), must(model->meta()));
  for (int i = 0; i < 5; ++i) {
    const auto copy = directory / ("copy-" + std::to_string(i));
    must(model->checkpoint(copy));
    EXPECT_EQ(must(must(open_read_model_for_reading(copy))->checksum()).hex, checksum());
    const Event event = story.about(key, KeyRenamed{{std::to_string(i)}});
    must(fold.apply(stored_after(fold.position(), encoded({event}))));
    const auto other = opened(copy);
    Fold follower(other->store(), must(other->meta()));
    must(follower.apply(stored_after(follower.position(), encoded({event}))));
    EXPECT_EQ(must(other->checksum()).hex, must(model->checksum()).hex);
  }
}

TEST_F(ReadModelFiles, CopiedToADirectoryThatIsThere_AreNotCopied) {
  const auto model = opened(path);
  expect_error(model->checkpoint(path), Errc::io);
  expect_error(model->checkpoint(directory / "no" / "where"), Errc::io);
}

}  // namespace
}  // namespace keyledger::projections
