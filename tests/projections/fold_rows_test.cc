#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projections/rows.h"
#include "projections/store.h"
#include "tests/projections/folded.h"

namespace keyledger::projections {
namespace {

using testing::ElementsAre;

// The rows that each fact leaves.

const AccountId kAcme{"acme"};
const Instant kExpiry = kStoryBegins + std::chrono::hours{24};

KeyCreated a_creation(unsigned n = 1) {
  return {nth_key_id(n), KeyName{"build"}, Description{"of the nightly jobs"},
          false,         kExpiry,          digest_filled_with(static_cast<unsigned char>(n)),
          "kl_…a1B2"};
}

/// A ledger that has the account acme, whose username is ada@example.com.
class FoldRows : public testing::Test {
 protected:
  FoldRows() { ledger.tell({ledger.story.account_registered()}); }

  Folded ledger;
};

TEST_F(FoldRows, OfAccountRegistered_AreTheAccount) {
  const auto account = must(ledger.model().account(kAcme));
  EXPECT_TRUE(account.registered);
  EXPECT_EQ(account.username.value, "ada@example.com");
  EXPECT_EQ(account.registered_at, kStoryBegins + std::chrono::milliseconds{3});
}

TEST_F(FoldRows, OfNothing_AreAbsent) {
  EXPECT_EQ(must(ledger.model().account(AccountId{"nobody"})), AccountState{});
  EXPECT_EQ(ledger.key(nth_key_id(1)), KeyState{});
  EXPECT_EQ(ledger.grant(a_creation()), std::nullopt);
  EXPECT_TRUE(positions_about(ledger.model(), nth_key_id(1)).empty());
}

TEST_F(FoldRows, OfKeyCreated_AreTheKeyAndItsGrant) {
  const KeyCreated fact = a_creation();
  const Event event = ledger.story.key_created(fact);
  ledger.tell({event});
  const KeyState expected{KeyState::Status::live,
                          fact.key,
                          Version{1},
                          fact.name,
                          fact.description,
                          false,
                          event.time,
                          kExpiry,
                          fact.digest,
                          fact.value_hint};
  EXPECT_EQ(ledger.key(fact.key), expected);
  const Grant grant{kAcme,     Username{"ada@example.com"}, fact.key, fact.name, false, kExpiry,
                    Version{1}};
  EXPECT_EQ(ledger.grant(fact), grant);
  EXPECT_EQ(ledger.key(fact.key, "acme2"), KeyState{});
}

TEST_F(FoldRows, OfChangesToAKey_AreInKeyAndGrant) {
  const KeyCreated fact = a_creation();
  ledger.tell({ledger.story.key_created(fact)});
  ledger.tell(ledger.story.command_about(
      fact.key, {KeyRenamed{{"deploy"}}, KeyDescribed{}, KeyExpiryChanged{}, KeyEnabled{}}));
  const KeyState key = ledger.key(fact.key);
  EXPECT_EQ(key.name.value, "deploy");
  EXPECT_EQ(key.description, std::nullopt);
  EXPECT_EQ(key.expires_at, std::nullopt);
  EXPECT_TRUE(key.enabled);
  EXPECT_EQ(key.version, Version{5});
  const Grant grant{
      kAcme,     Username{"ada@example.com"}, fact.key, KeyName{"deploy"}, true, std::nullopt,
      Version{5}};
  EXPECT_EQ(ledger.grant(fact), grant);
}

TEST_F(FoldRows, OfKeyValueRevealed_AreItsHistoryAlone) {
  const KeyCreated fact = a_creation();
  ledger.tell({ledger.story.key_created(fact)});
  const KeyState before = ledger.key(fact.key);
  ledger.tell({ledger.story.about(fact.key, KeyValueRevealed{})});
  EXPECT_EQ(ledger.key(fact.key), before);
  EXPECT_EQ(ledger.grant(fact)->version, Version{1});
  EXPECT_THAT(positions_about(ledger.model(), fact.key), ElementsAre(4, 5));
}

TEST_F(FoldRows, OfAUsernameThatChanged_AreInTheGrantsOfAllTheAccountsLiveKeys) {
  const auto creations = {a_creation(1), a_creation(2), a_creation(3)};
  for (const auto& fact : creations) ledger.tell({ledger.story.key_created(fact)});
  ledger.tell({ledger.story.account_registered("acme2", "eve@example.com"),
               ledger.story.key_created(a_creation(4), "acme2"),
               ledger.story.about(nth_key_id(3), KeyDeleted{}),
               ledger.story.account_username_changed("bob@example.com")});
  EXPECT_EQ(must(ledger.model().account(kAcme)).username.value, "bob@example.com");
  EXPECT_EQ(must(ledger.model().account(kAcme)).registered_at,
            kStoryBegins + std::chrono::milliseconds{3});
  EXPECT_EQ(ledger.grant(a_creation(1))->username.value, "bob@example.com");
  EXPECT_EQ(ledger.grant(a_creation(2))->username.value, "bob@example.com");
  EXPECT_EQ(ledger.grant(a_creation(3)), std::nullopt);
  EXPECT_EQ(ledger.grant(a_creation(4))->username.value, "eve@example.com");
}

TEST_F(FoldRows, OfAUsernameThatChangedInThePageThatMadeAndDeletedKeys_AreRight) {
  ledger.tell({ledger.story.key_created(a_creation(1)), ledger.story.key_created(a_creation(2))});
  ledger.tell({ledger.story.key_created(a_creation(3)),
               ledger.story.about(nth_key_id(1), KeyRenamed{{"deploy"}}),
               ledger.story.about(nth_key_id(2), KeyDeleted{}),
               ledger.story.account_username_changed("bob@example.com"),
               ledger.story.key_created(a_creation(4))});
  EXPECT_EQ(ledger.grant(a_creation(1))->username.value, "bob@example.com");
  EXPECT_EQ(ledger.grant(a_creation(1))->name.value, "deploy");
  EXPECT_EQ(ledger.grant(a_creation(2)), std::nullopt);
  EXPECT_EQ(ledger.grant(a_creation(3))->username.value, "bob@example.com");
  EXPECT_EQ(ledger.grant(a_creation(4))->username.value, "bob@example.com");
}

TEST_F(FoldRows, OfADeletedKey_AreATombstoneWithoutItsTexts) {
  const KeyCreated fact = a_creation();
  const Event created = ledger.story.key_created(fact);
  ledger.tell({created, ledger.story.about(fact.key, KeyEnabled{}),
               ledger.story.about(fact.key, KeyDeleted{})});
  EXPECT_EQ(ledger.grant(fact), std::nullopt);
  KeyState tombstone;
  tombstone.status = KeyState::Status::deleted;
  tombstone.id = fact.key;
  tombstone.version = Version{3};
  tombstone.created_at = created.time;
  tombstone.digest = fact.digest;
  EXPECT_EQ(ledger.key(fact.key), tombstone);
}

TEST_F(FoldRows, OfADeletedKey_KeepHistoryAndIndexes) {
  const KeyCreated fact = a_creation();
  ledger.tell({ledger.story.key_created(fact), ledger.story.about(fact.key, KeyDeleted{})});
  EXPECT_THAT(positions_about(ledger.model(), fact.key), ElementsAre(4, 5));
  EXPECT_THAT(positions_about(ledger.model(), "acme"), ElementsAre(3, 4, 5));
  const auto owner = [&] {
    return must(
        ledger.writable_model().store().get(Family::history_by_digest, digest_key(fact.digest)));
  };
  EXPECT_EQ(owner(), keys_key(kAcme, fact.key));
  const auto grant = must(ledger.model().grant_at(fact.digest, Position{4}));
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->key, fact.key);
}

TEST_F(FoldRows, OfALiveKey_AreFoundByItsDigestInOnePlace) {
  const KeyCreated fact = a_creation();
  ledger.tell({ledger.story.key_created(fact)});
  EXPECT_TRUE(ledger.grant(fact));
  EXPECT_EQ(
      must(ledger.writable_model().store().get(Family::history_by_digest, digest_key(fact.digest))),
      std::nullopt);
}

TEST_F(FoldRows, OfEveryEvent_KeepItsBytesInTheHistory) {
  const Event created = ledger.story.key_created(a_creation());
  ledger.tell({created});
  HistoryQuery query;
  query.account = kAcme;
  query.after = Position{3};
  const auto page = must(ledger.model().history(query));
  ASSERT_THAT(positions_of(page), ElementsAre(4));
  EXPECT_EQ(page.entries[0].bytes, encoded({created}).front());
}

TEST_F(FoldRows, OfARunThatRegistersAnAccountAndMakesAKey_AreAllThere) {
  ledger.tell(as_one_command({ledger.story.account_registered("other", "eve@example.com"),
                              ledger.story.key_created(a_creation(7), "other")}));
  EXPECT_TRUE(must(ledger.model().account(AccountId{"other"})).registered);
  EXPECT_EQ(ledger.grant(a_creation(7))->username.value, "eve@example.com");
  EXPECT_EQ(ledger.position(), Position{5});
}

TEST_F(FoldRows, OfTwoAccountsWithAKeyOfOneId_AreEachTheirOwn) {
  KeyCreated theirs = a_creation(2);
  theirs.key = nth_key_id(1);
  ledger.tell({ledger.story.account_registered("acme2", "eve@example.com"),
               ledger.story.key_created(a_creation(1)), ledger.story.key_created(theirs, "acme2"),
               ledger.story.about(nth_key_id(1), KeyRenamed{{"theirs"}})});
  EXPECT_EQ(ledger.key(nth_key_id(1)).name.value, "build");
  EXPECT_EQ(ledger.key(nth_key_id(1), "acme2").name.value, "theirs");
  const auto end = Position{UINT64_MAX - 1};
  const auto ours = must(ledger.model().state_at(kAcme, nth_key_id(1), end));
  EXPECT_EQ(ours.key, ledger.key(nth_key_id(1)));
}

}  // namespace
}  // namespace keyledger::projections
