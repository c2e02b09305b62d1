#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "tests/services/security/token_fixture.h"

namespace keyledger::security {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

// Times.

TEST_F(Token, UpToItsExpiryAndThirtySeconds_Holds) {
  const Instant end = kNow + seconds{3600} + seconds{30};
  expect_accepted(good_token(), end - microseconds{1});
  expect_refused(good_token(), "has expired", end);
  expect_refused(good_token(), "has expired", end + seconds{1'000'000});
}

TEST_F(Token, FromThirtySecondsBeforeItsNbfOn_Holds) {
  const std::string token = token_with("\"exp\":" + std::to_string(kNowSeconds + 7200) +
                                       ",\"nbf\":" + std::to_string(kNowSeconds + 3600));
  const Instant start = kNow + seconds{3600} - seconds{30};
  expect_accepted(token, start);
  expect_refused(token, "not valid yet", start - microseconds{1});
  expect_refused(token, "not valid yet");
}

TEST_F(Token, SignedByAClockThatIsAheadALittle_Holds) {
  expect_accepted(good_token(), kNow - seconds{30});
  expect_refused(good_token(), "not valid yet", kNow - seconds{31});
}

TEST_F(Token, WithTimesThatAreFractionsOrFarAway_IsJudgedByThem) {
  expect_accepted(token_with("\"exp\":" + std::to_string(kNowSeconds) + ".5"));
  expect_accepted(token_with(R"("exp":1e300)"));
  expect_refused(token_with(R"("exp":-1)"), "has expired");
  expect_refused(token_with(R"("exp":0)"), "has expired");
  expect_refused(token_with(R"("nbf":1e300)"), "not valid yet");
  EXPECT_FALSE(check_token(ring_, token_with(R"("exp":1e999)"), kNow));
}

TEST_F(Token, WithoutAnExpiry_IsRefused) {
  expect_refused(with_es256(private_pem(), header(),
                            R"({"iss":"keyledger","aud":"keyledger","sub":"user-mallory"})"),
                 "(exp)");
  for (const char* exp : {"null", "\"1795520060\"", "true", "[1795520060]", "{}"}) {
    expect_refused(token_with(std::string("\"exp\":") + exp), "(exp)");
  }
}

TEST_F(Token, WithAnNbfThatIsNoTime_IsRefused) {
  for (const char* nbf : {"null", "\"0\"", "false", "[]"}) {
    expect_refused(token_with(std::string("\"nbf\":") + nbf), "nbf");
  }
}

// Claims.

TEST_F(Token, OfAnotherIssuer_IsRefused) {
  for (const char* issuer :
       {"\"mallory\"", "\"Keyledger\"", "\"keyledger \"", "\"\"", "null", "1", "[\"keyledger\"]"}) {
    expect_refused(token_with(std::string("\"iss\":") + issuer), "another issuer");
  }
  expect_refused(with_es256(private_pem(), header(),
                            R"({"aud":"keyledger","exp":1e300,"sub":"user-mallory"})"),
                 "another issuer");
}

TEST_F(Token, ForAnotherAudience_IsRefused) {
  for (const char* audience : {"\"mallory\"", "\"KEYLEDGER\"", "\"\"", "null", "1", "[]",
                               "[\"mallory\"]", "[[\"keyledger\"]]", "{\"keyledger\":1}"}) {
    expect_refused(token_with(std::string("\"aud\":") + audience), "another audience");
  }
  expect_refused(with_es256(private_pem(), header(),
                            R"({"iss":"keyledger","exp":1e300,"sub":"user-mallory"})"),
                 "another audience");
}

TEST_F(Token, ForSeveralAudiencesWithUsAmongThem_IsAccepted) {
  expect_accepted(token_with(R"("aud":["keyledger"])"));
  expect_accepted(token_with(R"("aud":["mallory",1,"keyledger"])"));
}

TEST_F(Token, WithAClaimTwice_IsRefused) {
  expect_refused(token_with(R"("account":"acme","account":"mallory")"), "each name once");
  expect_refused(token_with(R"("account":"acme","acc\u006funt":"mallory")"), "each name once");
  expect_refused(token_with(R"("exp":1,"exp":1e300)"), "each name once");
  expect_refused(token_with(R"("x":1,"x":1)"), "each name once");
}

TEST_F(Token, WithANameAgainInsideAnUnknownClaim_IsAccepted) {
  expect_accepted(token_with(R"("account":"acme","x":{"account":"other","x":{"x":1}})"));
}

TEST_F(Token, WhoseClaimsAreNoObject_IsRefused) {
  for (const char* text : {"", "[]", "null", "\"mallory\"", "{", "{}x"}) {
    ASSERT_FALSE(check_token(ring_, with_es256(private_pem(), header(), text), kNow)) << text;
  }
}

TEST_F(Token, WithoutASoundSubject_IsRefused) {
  expect_refused(
      with_es256(private_pem(), header(), R"({"iss":"keyledger","aud":"keyledger","exp":1e300})"),
      "(sub)");
  for (const std::string& subject :
       {std::string("\"\""), R"("mallory\n")" + std::string(), '"' + std::string(257, 'a') + '"'}) {
    expect_refused(token_with("\"sub\":" + subject), "sub must be");
  }
  expect_refused(token_with("\"sub\":7"), "sub is not a text");
  expect_refused(token_with("\"sub\":null"), "sub is not a text");
}

TEST_F(Token, WithAnAccountOrUsernameThatCannotBe_IsRefused) {
  expect_refused(token_with(R"("account":"mallory/..")"), "account must be");
  expect_refused(token_with(R"("account":"")"), "account must be");
  expect_refused(token_with(R"("account":null)"), "account is not a text");
  expect_refused(token_with(R"("account":["mallory"])"), "account is not a text");
  expect_refused(token_with(R"("username":"mallory:x")"), "username must");
  expect_refused(token_with(R"("username":"mallory\t")"), "username must");
  expect_refused(token_with(R"("username":1)"), "username is not a text");
  expect_refused(token_with(R"("scope":["keys:read"])"), "scope is not a text");
}

TEST_F(Token, WithScopesOfOthers_PassesThemOver) {
  const auto scopes = [this](const std::string& text) {
    return check_token(ring_, token_with("\"scope\":\"" + text + '"'), kNow).value().scopes;
  };
  const unsigned read = static_cast<unsigned>(Scope::keys_read);
  EXPECT_EQ(scopes("openid keys:read email"), read);
  EXPECT_EQ(scopes("  keys:read  keys:read "), read);
  EXPECT_EQ(scopes(""), 0U);
  EXPECT_EQ(scopes(" "), 0U);
  EXPECT_EQ(scopes("Keys:read keys:readx keys:read,keys:write keys:*"), 0U);
}

}  // namespace
}  // namespace keyledger::security
