#include "services/security/access.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace keyledger::security {
namespace {

const std::vector<std::pair<Scope, std::string>> kNames = {
    {Scope::keys_read, "keys:read"},     {Scope::keys_write, "keys:write"},
    {Scope::keys_reveal, "keys:reveal"}, {Scope::audit_read, "audit:read"},
    {Scope::events_read, "events:read"}, {Scope::accounts_write, "accounts:write"},
    {Scope::keys_verify, "keys:verify"}, {Scope::accounts_any, "accounts:any"},
};

const AccountId kAcme{"acme"};

unsigned bits(Scope scope) { return static_cast<unsigned>(scope); }

Principal bearer(std::optional<AccountId> account, unsigned scopes) {
  return {"user-1", std::move(account), std::nullopt, scopes};
}

/// What authorize() says: "allowed", or the name of its error.
std::string verdict(const Principal& principal, Scope scope, const AccountId& account) {
  const auto answer = authorize(principal, scope, account);
  if (answer) return "allowed";
  if (answer.error().code == Errc::forbidden) return "forbidden";
  return answer.error().code == Errc::not_found ? "not found" : "something else";
}

TEST(Scopes, ByTheNamesOfTheContract_AreFoundAndNamed) {
  std::set<unsigned> seen;
  for (const auto& [scope, name] : kNames) {
    EXPECT_EQ(scope_name(scope), name);
    EXPECT_EQ(parse_scope(name), scope);
    EXPECT_TRUE(seen.insert(bits(scope)).second) << name;
  }
}

TEST(Scopes, OfAnyOtherName_AreNone) {
  for (const std::string_view name :
       {"", "keys", "keys:", "keys:Read", "KEYS:READ", "keys:read ", "keys:read keys:write", "*"}) {
    EXPECT_EQ(parse_scope(name), std::nullopt) << name;
  }
}

TEST(Authorize, EachScopeOnTheOwnAccount_IsAllowedByThatScopeAlone) {
  for (const auto& [wanted, wanted_name] : kNames) {
    for (const auto& [held, held_name] : kNames) {
      EXPECT_EQ(verdict(bearer(kAcme, bits(held)), wanted, kAcme),
                wanted == held ? "allowed" : "forbidden")
          << wanted_name << " with " << held_name;
    }
  }
}

TEST(Authorize, AnotherAccountWithAllOtherScopes_IsNotFound) {
  const unsigned all_but_any = 0xffU & ~bits(Scope::accounts_any);
  for (const auto& [wanted, name] : kNames) {
    EXPECT_EQ(verdict(bearer(AccountId{"other"}, all_but_any), wanted, kAcme), "not found") << name;
    EXPECT_EQ(verdict(bearer(std::nullopt, all_but_any), wanted, kAcme), "not found") << name;
    EXPECT_EQ(verdict(bearer(AccountId{"ACME"}, all_but_any), wanted, kAcme), "not found") << name;
    EXPECT_EQ(verdict(bearer(AccountId{""}, all_but_any), wanted, kAcme), "not found") << name;
  }
}

TEST(Authorize, AnotherAccountWithAccountsAny_NeedsTheScopeAsWell) {
  const unsigned any = bits(Scope::accounts_any);
  for (const auto& account : {std::optional(AccountId{"other"}), std::optional<AccountId>()}) {
    EXPECT_EQ(verdict(bearer(account, any | bits(Scope::keys_read)), Scope::keys_read, kAcme),
              "allowed");
    EXPECT_EQ(verdict(bearer(account, any | bits(Scope::keys_read)), Scope::keys_write, kAcme),
              "forbidden");
    EXPECT_EQ(verdict(bearer(account, any), Scope::keys_read, kAcme), "forbidden");
  }
}

TEST(Authorize, WithoutAnyScope_IsForbiddenOnTheOwnAccount) {
  for (const auto& [wanted, name] : kNames) {
    EXPECT_EQ(verdict(bearer(kAcme, 0), wanted, kAcme), "forbidden") << name;
  }
}

TEST(Authorize, WithoutTheScope_NamesIt) {
  for (const auto& [wanted, name] : kNames) {
    const auto answer = authorize(bearer(kAcme, 0), wanted, kAcme);
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().message.find("'" + name + "'"), std::string::npos);
  }
}

TEST(Authorize, OfAnotherAccount_DoesNotNameIt) {
  const auto answer = authorize(bearer(AccountId{"other"}, 0), Scope::keys_read, kAcme);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message.find("acme"), std::string::npos);
}

}  // namespace
}  // namespace keyledger::security
