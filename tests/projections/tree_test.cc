#include "projections/tree.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "projections/projector.h"
#include "projections/rebuild.h"
#include "projections/rows.h"
#include "projections/store.h"
#include "tests/projections/few_cases.h"
#include "tests/projections/folded.h"
#include "tests/projections/merkle/naive_tree.h"
#include "tests/projections/random_history.h"
#include "tests/support/memory_log.h"

namespace keyledger::projections {
namespace {

using merkle::GrownTree;
using merkle::Hash;
using merkle::naive_root;

void say_nothing(const Progress& /*progress*/) {}

/// All events of `log`, as they are stored.
std::vector<std::string> all_bytes(const log::LogReader& log) {
  std::vector<std::string> bytes;
  Position position;
  for (;;) {
    const auto events = must(log.read_after(position, 1'000));
    if (events.empty()) return bytes;
    for (const auto& event : events) bytes.push_back(event.bytes);
    position = events.back().position;
  }
}

/// Whether the model's tree is that over `events`, which lie at the positions from 1 on.
void expect_tree_of(const ReadModel& model, const std::vector<std::string>& events) {
  const Tree tree(model);
  ASSERT_EQ(must(tree.size()), events.size());
  EXPECT_EQ(must(tree.root(events.size())), naive_root(events));
  for (const auto& [id, hashes] : GrownTree(events).tiles) {
    EXPECT_EQ(must(tree.tile(id, hashes.size() / merkle::kHashBytes)), hashes);
    EXPECT_EQ(must(tree.tile(id, hashes.size() / merkle::kHashBytes + 1)), std::nullopt);
  }
  for (std::uint64_t index = 0; index < events.size(); ++index) {
    ASSERT_EQ(must(tree.leaf_at(Position{index + 1})), index);
  }
  EXPECT_EQ(must(tree.leaf_at(Position{})), std::nullopt);
  EXPECT_EQ(must(tree.leaf_at(Position{events.size() + 1})), std::nullopt);
}

TEST(TreeOfAReadModel, IsThatOfTheLog_HoweverItWasFolded) {
  EXPECT_TRUE(holds_in_few_cases([] {
    const RandomHistory history = random_history(60);
    const auto events = history.bytes(0, history.entries.size());
    TemporaryDirectory directory;
    auto model = opened(directory / "model");
    std::optional<Fold> fold(std::in_place, model->store(), MetaRow{});
    while (fold->position().value < events.size()) {
      const std::size_t begin = fold->position().value;
      const std::size_t end =
          std::min(begin + *rc::gen::inRange<std::size_t>(1, 40), events.size());
      must(fold->apply(stored_after(fold->position(), history.bytes(begin, end))));
      if (*rc::gen::inRange(0, 4) != 0) continue;
      fold.reset();
      model.reset();
      model = opened(directory / "model");
      fold.emplace(model->store(), must(model->meta()));
    }
    expect_tree_of(*model, events);
    RC_ASSERT(!testing::Test::HasFailure());
  }));
}

class TreeOfALog : public testing::Test {
 protected:
  TreeOfALog() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(key)});
  }

  void append_renames(int count) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      events.push_back(story.about(key, KeyRenamed{{std::to_string(i)}}));
    }
    append_events(log, events);
  }
  void catch_up() {
    if (!model) model = opened(directory / "model");
    Projector projector(log, *model, [](const Error&) {});
    must(projector.catch_up(say_nothing));
  }

  const KeyId key = nth_key_id(1);
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
  std::unique_ptr<ReadModel> model;
};

TEST_F(TreeOfALog, OfSeveralTiles_IsTheSameWhenItIsRebuilt) {
  append_renames(700);
  catch_up();
  append_renames(300);
  catch_up();
  expect_tree_of(*model, all_bytes(log));
  must(rebuild_read_model(log, directory / "rebuilt", say_nothing));
  const auto rebuilt = must(open_read_model_for_reading(directory / "rebuilt"));
  expect_tree_of(*rebuilt, all_bytes(log));
  EXPECT_EQ(must(rebuilt->checksum()).hex, must(model->checksum()).hex);
}

TEST_F(TreeOfALog, HasWhatWasPassedOver) {
  must(log.append({.events = {"garbage", "more garbage"}, .envelopes = {}, .erased = {}}));
  append_renames(2);
  append_events(log, {story.event_quarantined({{5}, {6}, {}, {}, {}})});
  catch_up();
  expect_tree_of(*model, all_bytes(log));
}

TEST_F(TreeOfALog, WithGaps_FindsEachLeafAndNothingBetween) {
  model = opened(directory / "model");
  Fold fold(model->store(), MetaRow{});
  append_renames(600);
  const auto bytes = all_bytes(log);
  std::vector<log::StoredEvent> stored;
  for (std::size_t i = 0; i < bytes.size(); ++i) stored.push_back({{3 * i + 1}, bytes[i]});
  must(fold.apply(stored));
  const Tree tree(*model);
  EXPECT_EQ(must(tree.root(bytes.size())), naive_root(bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_EQ(must(tree.leaf_at(Position{3 * i + 1})), i);
    ASSERT_EQ(must(tree.leaf_at(Position{3 * i + 2})), std::nullopt);
    ASSERT_EQ(must(tree.positions(i / merkle::kTileWidth)).at(i % merkle::kTileWidth),
              Position{3 * i + 1});
  }
  EXPECT_EQ(must(tree.leaf_at(Position{3 * bytes.size() + 1})), std::nullopt);
}

TEST_F(TreeOfALog, WhoseTileIsDamaged_GrowsNoFurther) {
  append_renames(10);
  catch_up();
  must(model->store().write({{Family::tiles, Change::Kind::put, tile_key({0, 0}), "short"}}));
  Fold fold(model->store(), must(model->meta()));
  const Event next = story.about(key, KeyRenamed{{"x"}});
  expect_error(fold.apply(stored_after(fold.position(), encoded({next}))), Errc::damaged,
               "projection rebuild");
  EXPECT_EQ(must(model->meta()).tree_size, 14U);
}

}  // namespace
}  // namespace keyledger::projections
