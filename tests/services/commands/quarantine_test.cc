#include "services/commands/quarantine.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/services/commands/running_ledger.h"
#include "tests/support/events.h"

namespace keyledger::commands {
namespace {

// A ledger with a key, whose log goes on at position 5 with what a test appends.
class QuarantineCommand : public testing::Test {
 protected:
  QuarantineCommand() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(key)});
  }

  void append(std::vector<std::string> events) {
    ASSERT_TRUE(log.append({.events = std::move(events), .envelopes = {}, .erased = {}}));
  }
  /// The events of one command about the key, whose last has a version that doesn't follow.
  std::vector<std::string> bad_run(std::vector<Fact> facts) {
    auto run = story.command_about(key, std::move(facts));
    run.back().version.value += 10;
    return encoded(run);
  }

  Result<QuarantineDone> quarantine(std::uint64_t first) {
    auto model = projections::open_read_model(directory / "read-model").value();
    projections::Projector projector(log, *model, [](const Error&) {});
    static_cast<void>(projector.catch_up([](const auto&) {}));
    return commands::quarantine(log, *model, projector.halted(),
                                {Position{first}, Reason{"why"}, Actor{"uid:7", "", "", "", ""}});
  }
  void expect_refused(std::uint64_t first, const std::string& why) {
    const Position before = end_of(log);
    const auto done = quarantine(first);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::invalid);
    EXPECT_THAT(done.error().message, testing::HasSubstr(why));
    EXPECT_EQ(end_of(log), before);
  }
  void expect_fact(std::uint64_t first, const EventQuarantined& fact) {
    const auto done = quarantine(first);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->fact, fact);
    const auto last = events_after(log, Position{done->position.value - 1});
    EXPECT_EQ(last.back().fact, Fact{fact});
    EXPECT_EQ(last.back().reason, Reason{"why"});
    EXPECT_EQ(last.back().actor.subject, "uid:7");
  }

  const KeyId key = nth_key_id(1);
  const AccountId acme{"acme"};
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
};

TEST_F(QuarantineCommand, OfACommand_NamesAllItsEventsAndItsKeyWithTheHighestVersion) {
  append(bad_run({KeyRenamed{{"a"}}, KeyDescribed{}, KeyDisabled{}}));
  append(encoded({story.account_username_changed("bob@example.com")}));
  expect_fact(5, {{5}, {7}, acme, key, {14}});
}

TEST_F(QuarantineCommand, WithAnEventInItThatCannotBeRead_CountsThatIn) {
  auto run = bad_run({KeyRenamed{{"a"}}, KeyDescribed{}, KeyDisabled{}});
  run[1] = "garbage";
  append(run);
  append({"garbage too"});
  expect_fact(5, {{5}, {7}, acme, key, {14}});
  expect_fact(8, {{8}, {8}, {}, {}, {}});
}

TEST_F(QuarantineCommand, WhoseFirstEventCannotBeRead_IsToldByTheOthers) {
  auto run = bad_run({KeyRenamed{{"a"}}, KeyDescribed{}, KeyDisabled{}});
  run[0] = "garbage";
  append(run);
  expect_fact(5, {{5}, {7}, acme, key, {14}});
}

TEST_F(QuarantineCommand, OfWhichOnlyTheKeyCanBeTold_DisablesIt) {
  std::string bytes = encoded({story.about(key, KeyRenamed{{"a"}})}).front();
  bytes.resize(bytes.find("\"keyversion\""));
  append({bytes});
  expect_fact(5, {{5}, {5}, acme, key, {1}});
}

TEST_F(QuarantineCommand, OfEventsThatCannotBeRead_TakesThemOneByOne) {
  append({"one", "two"});
  expect_fact(5, {{5}, {5}, {}, {}, {}});
  expect_fact(6, {{6}, {6}, {}, {}, {}});
  expect_refused(7, "not halted");
}

TEST_F(QuarantineCommand, DoesNotTakeInWhatIsOfAnotherCommandOrKey) {
  append_events(log, {story.key_created(nth_key_id(2))});
  auto run = story.command_about(key, {KeyRenamed{{"a"}}, KeyDisabled{}});
  const auto other = story.command_about(nth_key_id(2), {KeyRenamed{{"a"}}, KeyDisabled{}});
  append(encoded({run[0], other[1]}));
  expect_fact(6, {{6}, {6}, acme, key, {2}});
}

TEST_F(QuarantineCommand, OfACommandWithoutItsEnd_EndsWithTheLog) {
  append({encoded(story.command_about(key, {KeyRenamed{{"a"}}, KeyDisabled{}})).front()});
  expect_fact(5, {{5}, {5}, acme, key, {2}});
}

TEST_F(QuarantineCommand, OfWhatTheProjectorIsNotHaltedAt_IsRefused) {
  expect_refused(4, "not halted");
  append({"garbage"});
  expect_refused(4, "halted at position 5");
  expect_refused(6, "halted at position 5");
}

TEST_F(QuarantineCommand, OfALogThatCannotBeRead_IsRefused) {
  append({"garbage"});
  log.damage(Position{5});
  expect_refused(5, "no quarantine gets past");
}

TEST_F(QuarantineCommand, OfAnElectionThatLaterEventsRestOn_IsRefused) {
  auto election = encoded({story.writer_elected()});
  append({election.front().substr(0, 200)});
  append(encoded({story.about(key, KeyDisabled{})}));
  expect_refused(5, "under a term that began here");
}

TEST_F(QuarantineCommand, OfAnElectionThatNothingRestsOn_IsDone) {
  append({"{\"type\":\"keyledger.WriterElected\""});
  append(encoded({story.writer_elected(), story.about(key, KeyDisabled{})}));
  expect_fact(5, {{5}, {5}, {}, {}, {}});
}

TEST_F(QuarantineCommand, HasATimeThatIsNotBeforeWhatFollowsTheBadEvent) {
  append({"garbage"});
  Event late = story.about(key, KeyDisabled{});
  late.time = now() + std::chrono::seconds{30};
  append(encoded({late}));
  ASSERT_TRUE(quarantine(5));
  EXPECT_GE(events_after(log, Position{6}).front().time, late.time);
}

TEST(WriterWhoseProjectorHalted, SaysOfACommandThatWasAppliedAllTheSameThatItSucceeded) {
  Disk disk;
  RunningLedger ledger(disk);
  const auto creation = ledger.submit(create(disk.ring));
  ASSERT_CARRIED_OUT(creation);
  HeldLog::Hold projector(disk.log, HeldLog::Call::read);
  auto renamed = ledger.start(rename(creation->state.key.id, "deploy"));
  ASSERT_TRUE(projector.wait_until_held());
  ledger.projector().gate().halted();
  projector.release();
  ASSERT_CARRIED_OUT(RunningLedger::answer(std::move(renamed)));
}

}  // namespace
}  // namespace keyledger::commands
