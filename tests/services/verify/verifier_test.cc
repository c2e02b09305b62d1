#include "services/verify/verifier.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "events/key_value.h"
#include "projections/projector.h"
#include "tests/support/events.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::verify {
namespace {

constexpr std::string_view kPepper = "a pepper of some thirty-two bytes";
constexpr Instant kNow = kStoryBegins + std::chrono::hours{1};

std::string value_of(unsigned char fill) {
  KeyEntropy entropy;
  entropy.fill(std::byte{fill});
  return make_key_value("kl", entropy);
}

/// Verification against a real read model, in which Ada has the key of value_of(1).
class VerifierOfKeys : public testing::Test {
 protected:
  VerifierOfKeys() {
    append_events(log_, {story_.ledger_created(), story_.writer_elected(),
                         story_.account_registered("acme", "ada@example.com")});
    add_key(1);
  }

  /// The n-th key, of value_of(n).
  void add_key(unsigned char n, std::optional<Instant> expires_at = std::nullopt,
               bool enabled = true) {
    KeyCreated fact{nth_key_id(n), KeyName{"build"}, std::nullopt, enabled, expires_at, {}, {}};
    fact.digest = security::Hmac(kPepper)(value_of(n));
    tell(story_.key_created(fact));
  }

  void tell(const Event& event) { append_events(log_, {event}); }

  Result<Verdict> judge(std::string_view value,
                        std::optional<std::string_view> username = std::nullopt) {
    if (auto caught_up = projector_.catch_up([](const auto&) {}); !caught_up) {
      throw std::runtime_error(caught_up.error().message);
    }
    return verifier_.judge(value, username, kNow);
  }

  void expect_code(Code code, std::string_view value,
                   std::optional<std::string_view> username = std::nullopt) {
    const auto verdict = judge(value, username);
    ASSERT_TRUE(verdict) << verdict.error().message;
    EXPECT_EQ(code_name(verdict->code), code_name(code));
  }

  Story story_;
  log::MemoryLog log_;
  TemporaryDirectory directory_;
  std::unique_ptr<projections::ReadModel> model_ =
      projections::open_read_model(directory_ / "read-model").value();
  projections::Projector projector_{log_, *model_, [](const Error&) {}};
  bool fresh_ = true;
  int asked_ = 0;
  Verifier verifier_{*model_, kPepper, "kl", [this] { return ++asked_, fresh_; }};
};

TEST_F(VerifierOfKeys, WithAGoodKey_TellsWhoseItIs) {
  const auto verdict = judge(value_of(1));
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->code, Code::valid);
  EXPECT_EQ(verdict->grant.account, AccountId{"acme"});
  EXPECT_EQ(verdict->grant.username, Username{"ada@example.com"});
  EXPECT_EQ(verdict->grant.key, nth_key_id(1));
  EXPECT_EQ(verdict->grant.name, KeyName{"build"});
  EXPECT_EQ(verdict->grant.expires_at, std::nullopt);
  EXPECT_EQ(verdict->grant.version, Version{1});
}

TEST_F(VerifierOfKeys, WithItsUsernameInAnyCase_IsValid) {
  expect_code(Code::valid, value_of(1), "ada@example.com");
  expect_code(Code::valid, value_of(1), "ADA@example.COM");
}

TEST_F(VerifierOfKeys, WithAnotherUsername_IsAMismatch) {
  for (const char* username : {"bob@example.com", "", "ada@example.com ", "ada", "\xff"}) {
    expect_code(Code::username_mismatch, value_of(1), username);
  }
}

TEST_F(VerifierOfKeys, AfterAnAccountsRename_KnowsTheNewUsernameAlone) {
  tell(story_.account_username_changed("ada@example.org"));
  expect_code(Code::valid, value_of(1), "ada@example.org");
  expect_code(Code::username_mismatch, value_of(1), "ada@example.com");
}

TEST_F(VerifierOfKeys, WithAWellFormedValueThatNobodyHas_IsNotFound) {
  expect_code(Code::not_found, value_of(99));
  expect_code(Code::not_found, value_of(99), "ada@example.com");
}

TEST_F(VerifierOfKeys, WithADeletedKey_IsNotFound) {
  tell(story_.about(nth_key_id(1), KeyDeleted{}));
  expect_code(Code::not_found, value_of(1));
  expect_code(Code::not_found, value_of(1), "bob@example.com");
}

TEST_F(VerifierOfKeys, WithAnyByteChanged_IsMalformed) {
  const std::string good = value_of(1);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    expect_code(Code::malformed, bad);
  }
}

TEST_F(VerifierOfKeys, WithGarbage_IsMalformedWithoutALookUp) {
  fresh_ = false;
  KeyEntropy entropy{};
  for (const std::string& garbage :
       {std::string{}, std::string("kl_"), std::string(100'000, 'k'), std::string("\0\xff", 2),
        value_of(1) + " ", make_key_value("other", entropy)}) {
    expect_code(Code::malformed, garbage, "bob@example.com");
  }
  EXPECT_EQ(asked_, 0);
}

TEST_F(VerifierOfKeys, WithADisabledKey_SaysSoUntilItIsEnabled) {
  tell(story_.about(nth_key_id(1), KeyDisabled{}));
  const auto verdict = judge(value_of(1));
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->code, Code::disabled);
  EXPECT_EQ(verdict->grant.version, Version{2});
  tell(story_.about(nth_key_id(1), KeyEnabled{}));
  expect_code(Code::valid, value_of(1));
}

TEST_F(VerifierOfKeys, AtTheInstantOfItsExpiry_IsExpired) {
  add_key(2, kNow);
  add_key(3, kNow + std::chrono::microseconds{1});
  expect_code(Code::expired, value_of(2));
  expect_code(Code::valid, value_of(3));
}

TEST_F(VerifierOfKeys, WithSeveralThingsWrong_NamesTheFirstInTheContractsOrder) {
  add_key(2, kNow - std::chrono::hours{1}, /*enabled=*/false);
  expect_code(Code::username_mismatch, value_of(2), "bob@example.com");
  expect_code(Code::disabled, value_of(2), "ada@example.com");
  tell(story_.about(nth_key_id(2), KeyEnabled{}));
  expect_code(Code::username_mismatch, value_of(2), "bob@example.com");
  expect_code(Code::expired, value_of(2));
}

TEST_F(VerifierOfKeys, AsksWhetherTheModelIsFreshWhenTheRowWasRead) {
  const Verifier verifier(*model_, kPepper, "kl", [&] {
    tell(story_.about(nth_key_id(1), KeyDisabled{}));
    return judge(value_of(1))->code == Code::disabled;
  });
  ASSERT_TRUE(judge(value_of(1)));
  const auto verdict = verifier.judge(value_of(1), std::nullopt, kNow);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->code, Code::valid) << "the row was not read before";
}

TEST_F(VerifierOfKeys, OnAStaleModel_FailsClosed) {
  fresh_ = false;
  for (const std::string& value : {value_of(1), value_of(99)}) {
    const auto verdict = judge(value);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, Errc::unavailable);
  }
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(verifier_.count(Code::valid), 0u);
  EXPECT_EQ(verifier_.count(Code::not_found), 0u);
}

TEST_F(VerifierOfKeys, WithAnotherPepper_FindsNothing) {
  expect_code(Code::valid, value_of(1));
  const Verifier stranger(*model_, "another pepper", "kl", [] { return true; });
  EXPECT_EQ(stranger.judge(value_of(1), std::nullopt, kNow).value().code, Code::not_found);
}

TEST_F(VerifierOfKeys, OfEveryCode_CountsWhatItGave) {
  expect_code(Code::valid, value_of(1));
  expect_code(Code::valid, value_of(1));
  expect_code(Code::malformed, "x");
  expect_code(Code::not_found, value_of(99));
  expect_code(Code::username_mismatch, value_of(1), "bob");
  EXPECT_EQ(verifier_.count(Code::valid), 2u);
  EXPECT_EQ(verifier_.count(Code::malformed), 1u);
  EXPECT_EQ(verifier_.count(Code::not_found), 1u);
  EXPECT_EQ(verifier_.count(Code::username_mismatch), 1u);
  EXPECT_EQ(verifier_.count(Code::disabled), 0u);
}

}  // namespace
}  // namespace keyledger::verify
