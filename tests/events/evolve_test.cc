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

}  // namespace
}  // namespace keyledger
