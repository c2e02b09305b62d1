#include "events/events.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace keyledger {
namespace {

const std::vector<Fact> kOneOfEach{
    LedgerCreated{},   WriterElected{},    AccountRegistered{}, AccountUsernameChanged{},
    KeyCreated{},      KeyEnabled{},       KeyDisabled{},       KeyRenamed{},
    KeyDescribed{},    KeyExpiryChanged{}, KeyDeleted{},        KeyValueRevealed{},
    EventQuarantined{}};

TEST(TypeName, OfEachType_IsItsOwn) {
  std::set<std::string> names;
  for (const Fact& fact : kOneOfEach) names.emplace(type_name(fact));
  EXPECT_EQ(names,
            (std::set<std::string>{"LedgerCreated", "WriterElected", "AccountRegistered",
                                   "AccountUsernameChanged", "KeyCreated", "KeyEnabled",
                                   "KeyDisabled", "KeyRenamed", "KeyDescribed", "KeyExpiryChanged",
                                   "KeyDeleted", "KeyValueRevealed", "EventQuarantined"}));
  EXPECT_EQ(type_name(KeyRenamed{}), "KeyRenamed");
  EXPECT_EQ(kOneOfEach.size(), std::variant_size_v<Fact>);
}

TEST(IsLedgersOwn, HoldsForTheFactsThatAreAboutNoAccount) {
  for (const Fact& fact : kOneOfEach) {
    const auto name = type_name(fact);
    EXPECT_EQ(is_ledgers_own(fact), !name.starts_with("Key") && !name.starts_with("Account"))
        << name;
  }
}

TEST(IsAboutAKey, HoldsForTheFactsNamedAfterKeys) {
  for (const Fact& fact : kOneOfEach) {
    EXPECT_EQ(is_about_a_key(fact), type_name(fact).starts_with("Key")) << type_name(fact);
  }
}

TEST(StepsVersion, HoldsForAllAboutAKeyButRevealing) {
  for (const Fact& fact : kOneOfEach) {
    const bool reveals = std::holds_alternative<KeyValueRevealed>(fact);
    EXPECT_EQ(steps_version(fact), is_about_a_key(fact) && !reveals) << type_name(fact);
  }
}

}  // namespace
}  // namespace keyledger
