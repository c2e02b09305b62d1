#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;

// What the fold must not pass over, on a ledger that has the account acme and a key, at position 4.
class FoldHalt : public testing::Test {
 protected:
  FoldHalt() { ledger.tell({ledger.story.account_registered(), ledger.story.key_created(key)}); }

  /// Halts the fold with a text that says `why`, and changes nothing.
  void expect_halts(std::vector<std::string> events, const std::string& why) {
    const std::string before = ledger.checksum();
    const auto applied = ledger.apply(std::move(events));
    expect_error(applied, Errc::damaged, why);
    EXPECT_EQ(ledger.checksum(), before);
    EXPECT_EQ(ledger.fold().position(), ledger.position());
    EXPECT_EQ(ledger.fold().rejected_runs(), 0U);
  }
  void expect_halts(const std::vector<Event>& events, const std::string& why) {
    expect_halts(encoded(events), why);
  }

  const KeyId key = nth_key_id(1);
  Folded ledger;
};

TEST_F(FoldHalt, OfAVersionThatIsTooHigh) {
  Event event = ledger.story.about(key, KeyDisabled{});
  event.version = Version{3};
  expect_halts({event}, "position 5: KeyDisabled of " + key.value);
}

TEST_F(FoldHalt, OfAVersionThatWasThereAlready) {
  Event event = ledger.story.about(key, KeyDisabled{});
  event.version = Version{1};
  expect_halts({event}, "its version is 1, not 2");
}

TEST_F(FoldHalt, OfARevelationWithAVersionOfItsOwn) {
  Event event = ledger.story.about(key, KeyValueRevealed{});
  event.version = Version{2};
  expect_halts({event}, "its version is 2, not 1");
}

TEST_F(FoldHalt, OfACreationThatIsNotVersionOne) {
  Event event = ledger.story.key_created(nth_key_id(2));
  event.version = Version{2};
  expect_halts({event}, "its version is 2, not 1");
}

TEST_F(FoldHalt, OfAKeyThatIsThereAlready) {
  expect_halts({ledger.story.key_created(key)}, "the key is there already");
}

TEST_F(FoldHalt, OfAFactAboutAKeyThatWasNeverMade) {
  Event event = ledger.story.about(key, KeyDisabled{});
  event.key = nth_key_id(2);
  expect_halts({event}, "there is no such key");
}

TEST_F(FoldHalt, OfAFactAboutAKeyOfAnotherAccount) {
  ledger.tell({ledger.story.account_registered("acme2")});
  Event event = ledger.story.about(key, KeyDisabled{});
  event.account = AccountId{"acme2"};
  expect_halts({event}, "there is no such key");
}

TEST_F(FoldHalt, OfAFactAboutADeletedKey_OrItsCreationAnew) {
  ledger.tell({ledger.story.about(key, KeyDeleted{})});
  expect_halts({ledger.story.about(key, KeyEnabled{})}, "position 6");
  expect_halts({ledger.story.key_created(key)}, "position 6");
}

TEST_F(FoldHalt, OfAKeyOfAnAccountThatIsNotRegistered) {
  expect_halts({ledger.story.key_created(nth_key_id(2), "nobody")}, "not registered");
}

TEST_F(FoldHalt, OfAUsernameOfAnAccountThatIsNotRegistered) {
  expect_halts({ledger.story.account_username_changed("bob@example.com", "nobody")},
               "position 5: AccountUsernameChanged of an account");
}

TEST_F(FoldHalt, OfALogThatBeginsTwice) {
  expect_halts({ledger.story.ledger_created()}, "the log has begun before");
}

TEST_F(FoldHalt, OfAnUnknownTypeThatIsCritical) {
  expect_halts({of_unknown_type(ledger.story.about(key, KeyDisabled{}), R"("critical":true,)")},
               "position 5: ");
}

TEST_F(FoldHalt, OfAnEventThatCannotBeRead) {
  expect_halts(std::vector<std::string>{"{}"}, "position 5: ");
}

TEST_F(FoldHalt, OfAnEventThatCannotBeReadInTheMiddleOfARun) {
  auto run = encoded(ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}}));
  run[1].resize(run[1].size() / 2);
  expect_halts(run, "position 6: ");
}

TEST_F(FoldHalt, OfARunThatIsBrokenOffByAnotherCommand) {
  const auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  expect_halts({run[0], ledger.story.account_username_changed("bob@example.com")},
               "position 6: the command whose 2 events should be here is broken off");
}

TEST_F(FoldHalt, OfARunWhoseSecondEventIsOfAnotherCommand) {
  auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  run[1].command = CommandId{nth_unique_id(999)};
  expect_halts(run, "position 6: ");
}

TEST_F(FoldHalt, OfARunWithoutItsBeginning) {
  const auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  expect_halts({run[1]}, "position 5: ");
}

TEST_F(FoldHalt, OfARunWhosePlacesAreTheSameTwice) {
  auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  run[1].place = run[0].place;
  expect_halts(run, "position 6: ");
}

TEST_F(FoldHalt, OfARunWhoseLastEventDoesNotFollow_AppliesNothingOfIt) {
  auto run = ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDisabled{}});
  run[1].version = Version{7};
  expect_halts(run, "position 5: ");
  EXPECT_EQ(ledger.key(key).name.value, "build");
}

TEST_F(FoldHalt, BehindGoodRunsOfTheSamePage_HasAppliedThose) {
  const Event good = ledger.story.about(key, KeyRenamed{{"new"}});
  auto bad = ledger.story.command_about(key, {KeyDescribed{}, KeyDisabled{}});
  bad[1].version = Version{9};
  const auto applied = ledger.apply({good, bad[0], bad[1]});
  expect_error(applied, Errc::damaged, "position 6: ");
  EXPECT_EQ(ledger.position(), Position{5});
  EXPECT_EQ(ledger.key(key).name.value, "new");
  EXPECT_EQ(ledger.key(key).version, Version{2});
  EXPECT_THAT(positions_about(ledger.model(), key), ElementsAre(4, 5));
  expect_halts(bad, "position 6: ");
}

TEST_F(FoldHalt, BehindASkippedRun_CountsThatOnce) {
  Event late = ledger.story.account_username_changed("late@example.com");
  late.term = Term{nth_unique_id(999)};
  expect_error(ledger.apply({encoded({late}).front(), "{}"}), Errc::damaged, "position 6: ");
  EXPECT_EQ(ledger.fold().rejected_runs(), 1U);
  EXPECT_EQ(ledger.position(), Position{5});
}

TEST_F(FoldHalt, NotOfARunWhoseEndIsYetToCome_WhichIsAppliedWithIt) {
  const auto run =
      ledger.story.command_about(key, {KeyRenamed{{"new"}}, KeyDescribed{}, KeyDisabled{}});
  for (const std::size_t events : {1U, 2U}) {
    const std::string before = ledger.checksum();
    must(ledger.apply(std::vector<Event>(run.begin(), run.begin() + static_cast<long>(events))));
    EXPECT_EQ(ledger.fold().position(), Position{4});
    EXPECT_EQ(ledger.checksum(), before);
  }
  must(ledger.apply(run));
  EXPECT_EQ(ledger.position(), Position{7});
  EXPECT_EQ(ledger.key(key).version, Version{4});
  EXPECT_EQ(ledger.key(key).name.value, "new");
  EXPECT_FALSE(ledger.key(key).enabled);
}

TEST_F(FoldHalt, NotOfNoEvents) {
  must(ledger.apply(std::vector<Event>{}));
  EXPECT_EQ(ledger.position(), Position{4});
}

}  // namespace
}  // namespace keyledger::projections
