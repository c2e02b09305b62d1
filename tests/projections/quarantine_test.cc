#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projections/projector.h"
#include "projections/quarantines.h"
#include "projections/rebuild.h"
#include "tests/projections/folded.h"
#include "tests/support/memory_log.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;

void say_nothing(const Progress& /*progress*/) {}

// A log in which the events of a command about a key, at the positions 5 and 6, are quarantined by
// the event at 8. What lies at 7 was appended before anybody knew that they were bad.
class Quarantined : public testing::Test {
 protected:
  Quarantined() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(fact)});
  }

  /// Appends the two events of a command, which are spoiled if `how` says so.
  void append_run(bool spoiled = true) {
    auto run = story.command_about(key, {KeyRenamed{{"bad"}}, KeyEnabled{}});
    if (spoiled) run[1].version = Version{9};
    append_events(log, run);
    append_events(log, {story.account_username_changed("bob@example.com")});
  }
  void append_quarantine(std::optional<EventQuarantined> what = std::nullopt) {
    append_events(log, {story.event_quarantined(what.value_or(named))});
  }

  /// What a node that starts makes of the log in the model `name`.
  Result<void> catch_up(const char* name) {
    if (!model) model = opened(directory / name);
    Projector projector(log, *model, [](const Error&) {});
    auto caught_up = projector.catch_up(say_nothing);
    halted = projector.halted();
    return caught_up;
  }
  std::string checksum() const { return must(model->checksum()).hex; }
  std::string rebuilt() {
    must(rebuild_read_model(log, directory / "rebuilt", say_nothing));
    return must(must(open_read_model_for_reading(directory / "rebuilt"))->checksum()).hex;
  }
  KeyState state() const { return must(model->key(AccountId{"acme"}, key)); }

  const KeyId key = nth_key_id(1);
  const KeyCreated fact{key, {"build"}, {}, true, {}, digest_filled_with(7), "kl_…a1B2"};
  const EventQuarantined named{{5}, {6}, AccountId{"acme"}, key, {9}};
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
  std::unique_ptr<ReadModel> model;
  std::optional<Halt> halted;
};

TEST_F(Quarantined, ARunThatDoesNotFollow_IsPassedOverAndItsKeyLeftDisabledAtItsVersion) {
  append_run();
  append_quarantine();
  must(catch_up("model"));
  EXPECT_FALSE(halted);
  EXPECT_EQ(must(model->meta()).position, Position{8});
  EXPECT_EQ(state().name.value, "build");
  EXPECT_EQ(state().version, Version{9});
  EXPECT_FALSE(state().enabled);
  const auto grant = must(model->grant(fact.digest));
  ASSERT_TRUE(grant);
  EXPECT_FALSE(grant->enabled);
  EXPECT_EQ(grant->version, Version{9});
  EXPECT_EQ(grant->username.value, "bob@example.com");  // What lies between was applied.
}

TEST_F(Quarantined, ARunThatFollowsOnIt_IsApplied) {
  append_run();
  append_quarantine();
  append_events(log, {story.about(key, KeyEnabled{})});
  must(catch_up("model"));
  EXPECT_EQ(state().version, Version{10});
  EXPECT_TRUE(must(model->grant(fact.digest))->enabled);
}

TEST_F(Quarantined, ARunThatCouldBeApplied_IsPassedOverAllTheSame) {
  append_run(/*spoiled=*/false);
  append_quarantine();
  must(catch_up("model"));
  EXPECT_EQ(state().name.value, "build");
  EXPECT_FALSE(state().enabled);
}

TEST_F(Quarantined, ARunThatWasAppliedBefore_MeansAnotherModel_WhichARebuildMakes) {
  append_run(/*spoiled=*/false);
  must(catch_up("model"));
  append_quarantine();
  expect_error(catch_up("model"), Errc::incompatible, "keyledger projection rebuild");
  ASSERT_TRUE(halted);
  EXPECT_FALSE(halted->event);
  EXPECT_EQ(must(model->meta()).position, Position{7});
  const std::string others = rebuilt();
  model = opened(directory / "new");
  must(catch_up("new"));
  EXPECT_EQ(checksum(), others);
}

TEST_F(Quarantined, BytesThatAreNoEvent_ArePassedOver) {
  must(log.append({.events = {"garbage"}, .envelopes = {}, .erased = {}}));
  append_quarantine(EventQuarantined{{5}, {5}, {}, {}, {}});
  append_events(log, {story.about(key, KeyDisabled{})});
  must(catch_up("model"));
  EXPECT_EQ(state().version, Version{2});
}

TEST_F(Quarantined, ARun_IsInTheTrailAsItsQuarantine) {
  append_run();
  append_quarantine();
  must(catch_up("model"));
  EXPECT_THAT(positions_about(*model, key), ElementsAre(4, 5));
  EXPECT_THAT(positions_about(*model, "acme"), ElementsAre(3, 4, 5, 7));
  HistoryQuery query;
  query.key = key;
  query.type = "EventQuarantined";
  const auto page = must(model->history(query));
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.entries.front().bytes, must(log.read_after({7}, 1)).front().bytes);
}

TEST_F(Quarantined, ARun_IsPartOfWhatWasTheStateThen) {
  append_run();
  append_quarantine();
  append_events(log, {story.about(key, KeyEnabled{})});
  must(catch_up("model"));
  const auto at = [&](std::uint64_t position) {
    return must(model->state_at(AccountId{"acme"}, key, Position{position})).key;
  };
  EXPECT_TRUE(at(4).enabled);
  EXPECT_FALSE(at(5).enabled);
  EXPECT_EQ(at(8).version, Version{9});
  EXPECT_TRUE(at(9).enabled);
  EXPECT_EQ(at(9).version, Version{10});
}

TEST_F(Quarantined, ADeletedOrUnknownKey_StaysWhatItIs) {
  append_events(log, {story.about(key, KeyDeleted{})});  // 5
  must(log.append({.events = {"{}", "{}"}, .envelopes = {}, .erased = {}}));
  append_quarantine(EventQuarantined{{6}, {6}, AccountId{"acme"}, key, {7}});
  append_quarantine(EventQuarantined{{7}, {7}, AccountId{"acme"}, nth_key_id(2), {1}});
  must(catch_up("model"));
  EXPECT_EQ(state().status, KeyState::Status::deleted);
  EXPECT_EQ(state().version, Version{2});
  EXPECT_EQ(must(model->grant(fact.digest)), std::nullopt);
  EXPECT_EQ(must(model->key(AccountId{"acme"}, nth_key_id(2))).status, KeyState::Status::absent);
}

TEST_F(Quarantined, TheLiveModelAndARebuiltOne_AreTheSame) {
  append_run();
  expect_error(catch_up("model"), Errc::damaged, "position 5: ");
  ASSERT_TRUE(halted && halted->event);
  EXPECT_EQ(*halted->event, Position{5});
  append_quarantine();
  must(catch_up("model"));
  EXPECT_FALSE(halted);
  append_events(log, {story.about(key, KeyRenamed{{"new"}})});
  must(catch_up("model"));
  EXPECT_EQ(checksum(), rebuilt());
  append_quarantine();  // Said twice.
  must(catch_up("model"));
  EXPECT_EQ(checksum(), rebuilt());
}

TEST_F(Quarantined, WithoutItsPosition_OrBeforeIt_IsNoHelp) {
  append_quarantine();  // 5: names itself.
  must(log.append({.events = {"garbage"}, .envelopes = {}, .erased = {}}));
  append_quarantine(EventQuarantined{{5}, {5}, {}, {}, {}});
  append_quarantine(EventQuarantined{{7}, {7}, {}, {}, {}});
  expect_error(catch_up("model"), Errc::damaged, "position 6: ");
  EXPECT_EQ(halted->event, Position{6});
}

TEST_F(Quarantined, TheHaltNamesWhereTheCommandBegins) {
  auto run = encoded(story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}}));
  run[1] = "{}";
  must(log.append({.events = run, .envelopes = {}, .erased = {}}));
  expect_error(catch_up("model"), Errc::damaged, "position 6: ");
  EXPECT_EQ(halted->event, Position{5});
}

TEST_F(Quarantined, OfALogThatCannotBeRead_NoEventIsNamed) {
  append_run();
  log.damage(Position{5});
  expect_error(catch_up("model"), Errc::damaged, "position 5");
  ASSERT_TRUE(halted);
  EXPECT_FALSE(halted->event);
}

TEST(QuarantineOfTheLogsBeginning, IsNoHelp) {
  log::MemoryLog log;
  must(log.append({.events = {"garbage"}, .envelopes = {}, .erased = {}}));
  const TemporaryDirectory directory;
  const auto model = opened(directory / "model");
  Projector projector(log, *model, [](const Error&) {});
  expect_error(projector.catch_up(say_nothing), Errc::damaged, "position 1");
  EXPECT_FALSE(projector.halted()->event);
}

}  // namespace
}  // namespace keyledger::projections
