#include "tests/events/given.h"

namespace keyledger {
namespace {

using std::chrono::microseconds;

TEST(CreateKey, InARegisteredAccount_AddsTheKey) {
  expect_facts(given({registered()}), create_key(), {created()});
}

TEST(CreateKey, InAnUnknownAccountThatMayBeRegistered_RegistersItFirst) {
  CreateKey command = create_key();
  command.register_as = Username{"ada@example.com"};
  expect_facts(given({}), command, {registered(), created()});
}

TEST(CreateKey, InAnUnknownAccountThatMayNotBeRegistered_IsRefused) {
  const Error error = expect_refused(given({}), create_key(), Errc::account_unknown);
  EXPECT_EQ(error.message, "register the account first");
}

TEST(CreateKey, InARegisteredAccountUnderAnotherUsername_RenamesNobody) {
  CreateKey command = create_key();
  command.register_as = Username{"bob@example.com"};
  expect_facts(given({registered()}), command, {created()});
}

TEST(CreateKey, WithAnEmptyDescription_HasNone) {
  CreateKey command = create_key();
  command.description = Description{""};
  expect_facts(given({registered()}), command, {created()});
}

TEST(CreateKey, Twice_AddsNothingTheSecondTime) {
  expect_facts(given({registered(), created()}), create_key(), {});
}

TEST(CreateKey, WithATakenIdAndAnotherDigest_IsABrokenPromise) {
  CreateKey command = create_key();
  command.digest = digest_of(2);
  expect_refused(given({registered(), created()}), command, Errc::internal);
}

TEST(CreateKey, WithTheIdOfADeletedKey_IsABrokenPromise) {
  expect_refused(given({registered(), created(), KeyDeleted{}}), create_key(), Errc::internal);
}

TEST(CreateKey, ThatExpiresAMicrosecondFromNow_IsAccepted) {
  CreateKey command = create_key();
  command.expires_at = kNoon + microseconds{1};
  KeyCreated fact = created();
  fact.expires_at = command.expires_at;
  expect_facts(given({registered()}), command, {fact});
}

TEST(CreateKey, ThatExpiresNow_IsRefusedAtThatField) {
  CreateKey command = create_key();
  command.expires_at = kNoon;
  const Error error = expect_refused(given({registered()}), command, Errc::invalid);
  ASSERT_EQ(error.fields.size(), 1u);
  EXPECT_EQ(error.fields.front().pointer, "/expires_at");
}

TEST(ChangeKey, OfAnAbsentKey_IsRefused) {
  expect_refused(given({registered()}), ChangeKey{.enabled = false}, Errc::not_found);
}

TEST(ChangeKey, OfADeletedKey_IsRefused) {
  expect_refused(given({registered(), created(), KeyDeleted{}}), ChangeKey{.enabled = false},
                 Errc::not_found);
}

TEST(ChangeKey, OfNothing_AddsNothing) {
  expect_facts(given({registered(), created()}), ChangeKey{}, {});
}

TEST(ChangeKey, OfEverything_AddsOneFactEachInAFixedOrder) {
  const ChangeKey command{.name = KeyName{"deploy"},
                          .description = Description{"for the nightly build"},
                          .enabled = false,
                          .expires_at = kTomorrow};
  expect_facts(given({registered(), created()}), command,
               {KeyRenamed{KeyName{"deploy"}}, KeyDescribed{Description{"for the nightly build"}},
                KeyExpiryChanged{kTomorrow}, KeyDisabled{}});
}

TEST(ChangeKey, ToWhatItIs_AddsNothing) {
  const ChangeKey command{.name = KeyName{"build"},
                          .description = std::optional<Description>{},
                          .enabled = true,
                          .expires_at = std::optional<Instant>{}};
  expect_facts(given({registered(), created()}), command, {});
}

TEST(ChangeKey, ToEnabledOfADisabledKey_EnablesIt) {
  expect_facts(given({registered(), created(), KeyDisabled{}}), ChangeKey{.enabled = true},
               {KeyEnabled{}});
}

TEST(ChangeKey, ToAnEmptyDescription_ClearsIt) {
  expect_facts(given({registered(), created(), KeyDescribed{Description{"old"}}}),
               ChangeKey{.description = Description{""}}, {KeyDescribed{std::nullopt}});
}

TEST(ChangeKey, ToAnEmptyDescriptionWhereThereIsNone_AddsNothing) {
  expect_facts(given({registered(), created()}), ChangeKey{.description = Description{""}}, {});
}

TEST(ChangeKey, ToNoExpiry_ClearsIt) {
  expect_facts(given({registered(), created(), KeyExpiryChanged{kTomorrow}}),
               ChangeKey{.expires_at = std::optional<Instant>{}}, {KeyExpiryChanged{std::nullopt}});
}

TEST(ChangeKey, ToAnExpiryThatHasPassed_IsRefusedWhole) {
  const ChangeKey command{.name = KeyName{"deploy"}, .expires_at = kNoon};
  const Error error = expect_refused(given({registered(), created()}), command, Errc::invalid);
  ASSERT_EQ(error.fields.size(), 1u);
  EXPECT_EQ(error.fields.front().pointer, "/expires_at");
}

TEST(ChangeKey, OfAnExpiredKeyToTheExpiryItHas_ChangesOnlyTheRest) {
  expect_facts(given({registered(), created(), KeyExpiryChanged{kYesterday}}),
               ChangeKey{.name = KeyName{"deploy"}, .expires_at = kYesterday},
               {KeyRenamed{KeyName{"deploy"}}});
}

TEST(ChangeKey, WithTheVersionItHas_IsAccepted) {
  expect_facts(given({registered(), created(), KeyDisabled{}}),
               ChangeKey{.enabled = true, .if_match = Version{2}}, {KeyEnabled{}});
}

TEST(ChangeKey, WithAnotherVersion_IsRefusedEvenWhereNothingWouldChange) {
  expect_refused(given({registered(), created(), KeyDisabled{}}),
                 ChangeKey{.enabled = false, .if_match = Version{1}}, Errc::version_mismatch);
}

TEST(DeleteKey, OfALiveKey_DeletesIt) {
  expect_facts(given({registered(), created()}), DeleteKey{}, {KeyDeleted{}});
}

TEST(DeleteKey, OfAnAbsentKey_IsRefused) {
  expect_refused(given({registered()}), DeleteKey{}, Errc::not_found);
}

TEST(DeleteKey, Twice_IsRefusedTheSecondTime) {
  expect_refused(given({registered(), created(), KeyDeleted{}}), DeleteKey{}, Errc::not_found);
}

TEST(DeleteKey, WithAnotherVersion_IsRefused) {
  expect_refused(given({registered(), created()}), DeleteKey{.if_match = Version{2}},
                 Errc::version_mismatch);
}

TEST(RevealValue, OfALiveKey_IsAFactEachTime) {
  expect_facts(given({registered(), created()}), RevealValue{}, {KeyValueRevealed{}});
  expect_facts(given({registered(), created(), KeyValueRevealed{}}), RevealValue{},
               {KeyValueRevealed{}});
}

TEST(RevealValue, OfADisabledKey_IsAFact) {
  expect_facts(given({registered(), created(), KeyDisabled{}}), RevealValue{},
               {KeyValueRevealed{}});
}

TEST(RevealValue, OfAnAbsentOrDeletedKey_IsRefused) {
  expect_refused(given({registered()}), RevealValue{}, Errc::not_found);
  expect_refused(given({registered(), created(), KeyDeleted{}}), RevealValue{}, Errc::not_found);
}

}  // namespace
}  // namespace keyledger
