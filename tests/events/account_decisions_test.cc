#include "tests/events/given.h"

namespace keyledger {
namespace {

TEST(PutAccount, OfAnUnknownAccount_RegistersIt) {
  expect_facts(given({}), PutAccount{Username{"ada@example.com"}},
               {AccountRegistered{Username{"ada@example.com"}}});
}

TEST(PutAccount, WithTheUsernameItHas_AddsNothing) {
  expect_facts(given({registered()}), PutAccount{Username{"ada@example.com"}}, {});
}

TEST(PutAccount, WithAnotherUsername_ChangesIt) {
  expect_facts(given({registered()}), PutAccount{Username{"bob@example.com"}},
               {AccountUsernameChanged{Username{"bob@example.com"}}});
}

TEST(PutAccount, WithTheSameUsernameInOtherCase_ChangesIt) {
  expect_facts(given({registered()}), PutAccount{Username{"Ada@example.com"}},
               {AccountUsernameChanged{Username{"Ada@example.com"}}});
}

TEST(PutAccount, WithTheUsernameItHadBefore_ChangesItBack) {
  expect_facts(given({registered(), AccountUsernameChanged{Username{"bob@example.com"}}}),
               PutAccount{Username{"ada@example.com"}},
               {AccountUsernameChanged{Username{"ada@example.com"}}});
}

}  // namespace
}  // namespace keyledger
