#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/codec.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;

// What the fold passes over (design §2), on a ledger that has the account acme and a key.
class FoldGuard : public testing::Test {
 protected:
  FoldGuard() { ledger.tell({ledger.story.account_registered(), ledger.story.key_created(key)}); }

  Event renamed_account(std::string_view username) {
    return ledger.story.account_username_changed(username);
  }
  std::string username() const {
    return must(ledger.model().account(AccountId{"acme"})).username.value;
  }

  const KeyId key = nth_key_id(1);
  Folded ledger;
};

TEST_F(FoldGuard, OfARunOfAStaleTerm_SkipsAndCountsIt) {
  Event late = renamed_account("late@example.com");
  ledger.tell({ledger.story.writer_elected("node-2"), late});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(username(), "ada@example.com");
  EXPECT_EQ(ledger.position(), Position{6});
  EXPECT_THAT(positions_about(ledger.model(), "acme"), ElementsAre(3, 4));
}

TEST_F(FoldGuard, OfAnotherLogsWriter_StopsBeforeIt) {
  const auto foreign = log::encode(ledger.story.writer_elected("node-2"), nth_unique_id(777));
  const auto applied = ledger.apply({must(foreign)});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Errc::incompatible);
  EXPECT_FALSE(ledger.fold().failed_for_an_event());
  EXPECT_EQ(ledger.position(), Position{4});
}

TEST_F(FoldGuard, OfARunAfterASkippedOne_GoesOn) {
  Event late = renamed_account("late@example.com");
  ledger.tell({ledger.story.writer_elected("node-2"), late, renamed_account("bob@example.com")});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(username(), "bob@example.com");
}

TEST_F(FoldGuard, OfARunWithOneEventOfAStaleTerm_SkipsTheWholeRun) {
  auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  run[1].term = Term{nth_unique_id(999)};
  ledger.tell(run);
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(ledger.key(key).name.value, "build");
  EXPECT_EQ(ledger.position(), Position{6});
}

TEST_F(FoldGuard, OfAStaleRunWhoseVersionDoesNotFollow_SkipsIt) {
  Event late = ledger.story.about(key, KeyDisabled{});
  late.version = Version{17};
  ledger.tell({ledger.story.writer_elected("node-2"), late});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_TRUE(ledger.key(key).enabled);
}

TEST_F(FoldGuard, OfACommandOfTheSamePage_SkipsTheSecondRun) {
  const Event once = renamed_account("bob@example.com");
  ledger.tell({once, renamed_account("eve@example.com"), once});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(username(), "eve@example.com");
  EXPECT_THAT(positions_about(ledger.model(), "acme"), ElementsAre(3, 4, 5, 6));
}

TEST_F(FoldGuard, OfACommandThatWasAppliedBeforeARestart_SkipsAndCountsIt) {
  const auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  ledger.tell(run);
  ledger.reopen();
  ledger.tell(run);
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(ledger.key(key).version, Version{3});
  EXPECT_EQ(ledger.position(), Position{8});
}

TEST_F(FoldGuard, OfASkippedRun_DoesNotRememberItsCommand) {
  Event late = renamed_account("bob@example.com");
  const Term term = late.term;
  late.term = Term{nth_unique_id(999)};
  ledger.tell({late});
  late.term = term;
  ledger.tell({late});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(username(), "bob@example.com");
}

TEST_F(FoldGuard, OfWriterElected_ChecksNoTerm) {
  Event elected = ledger.story.writer_elected("node-2");
  elected.term = Term{nth_unique_id(999)};
  ledger.tell({elected, renamed_account("bob@example.com")});
  EXPECT_EQ(ledger.fold().rejected_runs(), 0U);
  EXPECT_EQ(username(), "bob@example.com");
  EXPECT_EQ(must(ledger.model().meta()).term, Term{elected.id});
}

TEST_F(FoldGuard, OfAnUnknownType_KeepsItInTheHistoryAndChangesNothingElse) {
  const std::string unknown = of_unknown_type(ledger.story.about(key, KeyValueRevealed{}));
  const KeyState before = ledger.key(key);
  ledger.tell({unknown});
  EXPECT_EQ(ledger.fold().rejected_runs(), 0U);
  EXPECT_EQ(ledger.key(key), before);
  EXPECT_THAT(positions_about(ledger.model(), "acme"), ElementsAre(3, 4, 5));
  HistoryQuery query;
  query.key = key;
  query.type = "KeyShared";
  const auto page = must(ledger.model().history(query));
  ASSERT_THAT(positions_of(page), ElementsAre(5));
  EXPECT_EQ(page.entries[0].bytes, unknown);
  ledger.tell({ledger.story.about(key, KeyDisabled{})});
  EXPECT_FALSE(ledger.key(key).enabled);
}

TEST_F(FoldGuard, OfAnUnknownTypeMarkedNotCritical_IgnoresIt) {
  ledger.tell({of_unknown_type(renamed_account("bob@example.com"), R"("critical":false,)")});
  EXPECT_EQ(username(), "ada@example.com");
  EXPECT_EQ(ledger.position(), Position{5});
}

TEST_F(FoldGuard, OfAnUnknownTypeOfAStaleTerm_SkipsIt) {
  const std::string late = of_unknown_type(renamed_account("bob@example.com"));
  ledger.tell(encoded({ledger.story.writer_elected("node-2")}));
  ledger.tell({late});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_THAT(positions_about(ledger.model(), "acme"), ElementsAre(3, 4));
}

TEST_F(FoldGuard, OfAnUnknownTypeOfACommandThatWasApplied_SkipsIt) {
  const std::string unknown = of_unknown_type(renamed_account("bob@example.com"));
  ledger.tell({unknown, unknown});
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
}

TEST_F(FoldGuard, OfARunWithAnUnknownTypeInIt_AppliesTheOthers) {
  const auto run = ledger.story.command_about(key, {KeyValueRevealed{}, KeyDisabled{}});
  ledger.tell({of_unknown_type(run[0]), encoded({run[1]}).front()});
  EXPECT_FALSE(ledger.key(key).enabled);
  EXPECT_THAT(positions_about(ledger.model(), key), ElementsAre(4, 5, 6));
}

TEST_F(FoldGuard, OfEventsOfTheLedgerAlone_TellsMetaAndNoHistoryOfAnAccount) {
  const Folded fresh;
  const auto meta = must(fresh.model().meta());
  EXPECT_EQ(meta.log_id, kStoryLogId);
  EXPECT_EQ(meta.pepper_fingerprint, "5a5a5a5a");
  EXPECT_EQ(meta.position, Position{2});
  EXPECT_EQ(meta.last_event_time, kStoryBegins + std::chrono::milliseconds{2});
  EXPECT_FALSE(meta.term.value.empty());
}

TEST_F(FoldGuard, OfAModelThatIsOpenedAnew_StillHasItsMeta) {
  const auto before = must(ledger.model().meta());
  ledger.reopen();
  const auto after = must(ledger.model().meta());
  EXPECT_EQ(after.position, Position{4});
  EXPECT_EQ(after.log_id, before.log_id);
  EXPECT_EQ(after.pepper_fingerprint, before.pepper_fingerprint);
  EXPECT_EQ(after.term, before.term);
  EXPECT_EQ(after.last_event_time, before.last_event_time);
}

TEST_F(FoldGuard, OfAnEventFromBeforeItsPredecessor_KeepsTheLatestTime) {
  Event early = renamed_account("bob@example.com");
  early.time -= std::chrono::hours{1};
  const Instant latest = must(ledger.model().meta()).last_event_time;
  ledger.tell({early});
  EXPECT_EQ(must(ledger.model().meta()).last_event_time, latest);
}

}  // namespace
}  // namespace keyledger::projections
