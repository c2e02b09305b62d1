#include "tests/events/given.h"

namespace keyledger {
namespace {

TEST(Evolve, KeyCreated_HoldsWhatTheFactHeld) {
  KeyCreated fact = created();
  fact.description = Description{"notes"};
  fact.enabled = false;
  fact.expires_at = kTomorrow;
  const KeyState key = given({fact}).key;
  EXPECT_EQ(key.status, KeyState::Status::live);
  EXPECT_EQ(key.id, fact.key);
  EXPECT_EQ(key.version, Version{1});
  EXPECT_EQ(key.name, fact.name);
  EXPECT_EQ(key.description, fact.description);
  EXPECT_FALSE(key.enabled);
  EXPECT_EQ(key.created_at, kYesterday);
  EXPECT_EQ(key.expires_at, kTomorrow);
  EXPECT_EQ(key.digest, fact.digest);
  EXPECT_EQ(key.value_hint, fact.value_hint);
}

TEST(Evolve, AccountRegistered_RemembersWhen) {
  const AccountState account = given({registered()}).account;
  EXPECT_TRUE(account.registered);
  EXPECT_EQ(account.username, Username{"ada@example.com"});
  EXPECT_EQ(account.registered_at, kYesterday);
}

TEST(Evolve, KeyDeleted_StepsTheVersionAndIsFinal) {
  const KeyState key = given({created(), KeyDeleted{}}).key;
  EXPECT_EQ(key.status, KeyState::Status::deleted);
  EXPECT_EQ(key.version, Version{2});
}

TEST(Evolve, KeyValueRevealed_ChangesNothing) {
  EXPECT_EQ(given({created(), KeyValueRevealed{}}), given({created()}));
}

TEST(Evolve, TheLedgersOwnFacts_ChangeNothing) {
  EXPECT_EQ(given({LedgerCreated{"log", "pepper"}, WriterElected{"node", "url"}}), State{});
}

TEST(Evolve, EventQuarantined_DisablesItsKeyAtTheVersionThatItsEventsHad) {
  const KeyId key = created().key;
  KeyState expected = given({created()}).key;
  expected.enabled = false;
  expected.version = Version{3};
  const EventQuarantined fact{{7}, {8}, AccountId{"acme"}, key, {3}};
  EXPECT_EQ(given({created(), fact}).key, expected);
  EXPECT_TRUE(given({created(), fact, KeyEnabled{}}).key.enabled);
}

TEST(Evolve, EventQuarantined_OfAnOlderVersion_LeavesTheVersion) {
  const EventQuarantined fact{{7}, {7}, AccountId{"acme"}, created().key, {1}};
  const KeyState key = given({created(), KeyRenamed{{"new"}}, fact}).key;
  EXPECT_EQ(key.version, Version{2});
  EXPECT_FALSE(key.enabled);
}

TEST(Evolve, EventQuarantined_OfNoKeyOrAnotherOrADeletedOne_ChangesNothing) {
  const EventQuarantined none{{7}, {8}, AccountId{"acme"}, std::nullopt, {}};
  const EventQuarantined other{{7}, {8}, AccountId{"acme"}, KeyId{"key_other"}, {3}};
  const EventQuarantined same{{7}, {8}, AccountId{"acme"}, created().key, {3}};
  EXPECT_EQ(given({created(), none, other}), given({created()}));
  EXPECT_EQ(given({created(), KeyDeleted{}, same}), given({created(), KeyDeleted{}}));
  EXPECT_EQ(given({same}), State{});
}

}  // namespace
}  // namespace keyledger
