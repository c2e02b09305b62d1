#include "services/security/token.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/security/crypto.h"
#include "services/security/signing_key.h"
#include "tests/services/security/forged_token.h"
#include "tests/services/security/token_fixture.h"

namespace keyledger::security {
namespace {

using std::chrono::seconds;

TEST_F(Token, ThatWasSigned_TellsWhoItsBearerIs) {
  const auto who = check_token(ring_, good_token(), kNow);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->subject, "user-mallory");
  EXPECT_EQ(who->account, AccountId{"acme"});
  EXPECT_EQ(who->username, Username{"ada@example.com"});
  EXPECT_EQ(who->scopes, ada().scopes);
}

TEST_F(Token, WithEveryScopeAndUnicode_RoundTrips) {
  const Principal signed_for{"usér-\"1\"", std::nullopt, Username{"zoë \\ ☃"}, 0xffU};
  const auto token = sign_token(ring_, signed_for, kNow, seconds{60});
  ASSERT_TRUE(token);
  const auto who = check_token(ring_, *token, kNow);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->subject, signed_for.subject);
  EXPECT_EQ(who->account, std::nullopt);
  EXPECT_EQ(who->username, signed_for.username);
  EXPECT_EQ(who->scopes, 0xffU);
}

TEST_F(Token, WithNothingButASubject_MayDoNothing) {
  const auto token = sign_token(ring_, {"user-1", {}, {}, 0}, kNow, seconds{60});
  ASSERT_TRUE(token);
  const auto who = check_token(ring_, *token, kNow);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->account, std::nullopt);
  EXPECT_EQ(who->username, std::nullopt);
  EXPECT_EQ(who->scopes, 0U);
}

TEST_F(Token, OfANodeThatPassesARequestOn_TellsWhatItSawOfTheClient) {
  Principal signed_for = ada();
  signed_for.relay = {"192.0.2.7", "curl/8.0 (\"quoted\")", "request-1", std::chrono::seconds{29}};
  const auto token = sign_token(ring_, signed_for, kNow, seconds{30});
  ASSERT_TRUE(token);
  const auto who = check_token(ring_, *token, kNow);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->subject, signed_for.subject);
  EXPECT_EQ(who->account, signed_for.account);
  EXPECT_EQ(who->relay, signed_for.relay);
  EXPECT_FALSE(check_token(ring_, *token, kNow + std::chrono::seconds{61}));
}

TEST_F(Token, ForTheLeaderThatDoesNotSayWhoseRequestItIs_IsRefused) {
  expect_refused(token_with(R"("aud":"keyledger-leader","request_id":"request-1")"),
                 "does not say whose request it is");
}

TEST_F(Token, ThatAnotherImplementationSigned_IsAccepted) { expect_accepted(token_with("")); }

TEST_F(Token, SignedForASubjectThatNoCheckWouldTake_IsRefusedAtOnce) {
  for (const std::string& subject : {std::string(), std::string(257, 'a'), std::string("a\nb"),
                                     std::string("a\0b", 3), std::string("\xff")}) {
    const auto token = sign_token(ring_, {subject, {}, {}, 0}, kNow, seconds{60});
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, Errc::invalid);
  }
  EXPECT_TRUE(sign_token(ring_, {std::string(256, 'a'), {}, {}, 0}, kNow, seconds{60}));
}

TEST_F(Token, UnderARingForVerification_IsNotSignedAndNotAccepted) {
  const KeyRing verifying = ring_.for_verification();
  const auto token = sign_token(verifying, ada(), kNow, seconds{60});
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, Errc::incompatible);
  EXPECT_FALSE(check_token(verifying, good_token(), kNow));
}

TEST_F(Token, SignedBeforeARotation_StillHolds) {
  const std::string before = good_token();
  ring_.rotate();
  const std::string between = good_token();
  ring_.rotate();
  expect_accepted(before);
  expect_accepted(between);
  expect_accepted(good_token());
}

TEST_F(Token, SignedAfterARotation_NeedsTheNewRing) {
  KeyRing after = ring_;
  after.rotate();
  expect_refused(sign_token(after, ada(), kNow, seconds{60}).value(), "not in this node's key");
}

// Algorithms and keys.

TEST_F(Token, WithAlgNone_IsRefused) {
  for (const char* name : {"none", "None", "NONE", ""}) {
    const std::string head = header(std::string(R"("alg":")") + name + '"');
    expect_refused(with_signature("", head, claims()), "not signed with ES256");
    expect_refused(with_es256(private_pem(), head, claims()), "not signed with ES256");
  }
  expect_refused(with_signature("", header(), claims()), "signature does not hold");
}

TEST_F(Token, WithThePublicKeyAsAnHmacSecret_IsRefused) {
  const std::string& public_pem = ring_.signing_keys().front().public_pem;
  expect_refused(with_hs256(public_pem, header(R"("alg":"HS256")"), claims()),
                 "not signed with ES256");
  expect_refused(with_hs256(public_pem, header(), claims()), "signature does not hold");
}

TEST_F(Token, WithRs256_IsRefused) {
  expect_refused(with_rs256(header(R"("alg":"RS256")"), claims()), "not signed with ES256");
  expect_refused(with_rs256(header(), claims()), "signature does not hold");
}

TEST_F(Token, WithAnotherAlgorithmsName_IsRefused) {
  for (const char* name : {"ES384", "ES512", "ES256K", "EdDSA", "PS256", "es256", "ES256 "}) {
    expect_refused(
        with_es256(private_pem(), header(std::string(R"("alg":")") + name + '"'), claims()),
        "not signed with ES256");
  }
}

TEST_F(Token, OfAnotherKeyUnderAKnownKid_IsRefused) {
  const std::string other = make_signing_key("other").private_pem;
  expect_refused(with_es256(other, header(), claims()), "signature does not hold");
}

TEST_F(Token, ThatBringsItsOwnKey_IsRefused) {
  const std::string other = make_signing_key("other").private_pem;
  expect_refused(with_es256(other, header(R"("alg":"ES256","jwk":{"kty":"EC"})"), claims()),
                 "signature does not hold");
}

TEST_F(Token, OfARetiredKeyUnderTheNewestKid_IsRefused) {
  const std::string retired = private_pem();
  ring_.rotate();
  expect_refused(with_es256(retired, header(), claims()), "signature does not hold");
}

TEST_F(Token, OfAnUnknownKid_IsRefused) {
  for (const char* kid : {"mallory", "", "../../dev/null", "' OR 1=1"}) {
    expect_refused(
        with_es256(private_pem(), std::string(R"({"alg":"ES256","kid":")") + kid + "\"}", claims()),
        "not in this node's key ring");
  }
  expect_refused(sign_token(KeyRing::generate(), ada(), kNow, seconds{60}).value(),
                 "not in this node's key ring");
}

TEST_F(Token, WithASignatureOfAnotherForm_IsRefused) {
  expect_refused(with_es256_in_der(private_pem(), header(), claims()), "signature does not hold");
  expect_refused(with_signature(std::string(64, '\0'), header(), claims()),
                 "signature does not hold");
  const std::string token = token_with("");
  const std::string raw = base64url_decode(token.substr(token.rfind('.') + 1)).value();
  for (const std::string& signature :
       {raw.substr(0, 63), raw.substr(1), raw + '\0', '\0' + raw, raw.substr(0, 32), raw + raw}) {
    expect_refused(with_signature(signature, header(), claims()), "signature does not hold");
  }
}

TEST_F(Token, WithAHeaderThatIsNotSound_IsRefused) {
  const std::string kid = R"("kid":")" + ring_.signing_keys().front().id + '"';
  const auto refused = [this](const std::string& head, std::string_view why) {
    expect_refused(with_es256(private_pem(), head, claims()), why);
  };
  refused("{" + kid + "}", "(alg)");
  refused(R"({"alg":"ES256"})", "(kid)");
  refused(R"({"alg":256,)" + kid + "}", "alg is not a text");
  refused(R"({"alg":null,)" + kid + "}", "alg is not a text");
  refused(R"({"alg":"ES256","kid":["mallory"]})", "kid is not a text");
  refused(R"({"alg":"none","alg":"ES256",)" + kid + "}", "not a JWT");
  refused(R"({"alg":"ES256","a\u006cg":"ES256",)" + kid + "}", "not a JWT");
  refused(header(R"("alg":"ES256","crit":["exp"])"), "(crit)");
  refused(header(R"("alg":"ES256","crit":[])"), "(crit)");
  for (const std::string& head :
       {std::string(), std::string("mallory"), std::string("[]"), std::string("\"ES256\""),
        std::string("{"), header() + "x", header("\"alg\":\"ES256\",\"x\":\"\xff\"")}) {
    refused(head, "not a JWT");
  }
}

// Alterations.

TEST_F(Token, WithAnyOneCharacterReplaced_IsRefused) {
  const std::string token = good_token();
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    expect_refused(altered, "token");
  }
}

TEST_F(Token, WithThePartsOfTwoTokens_IsRefused) {
  const std::string one = good_token();
  Principal root = ada();
  root.scopes = 0xffU;
  const std::string two = sign_token(ring_, root, kNow, seconds{3600}).value();
  const std::string head_and_claims = two.substr(0, two.rfind('.'));
  expect_refused(head_and_claims + one.substr(one.rfind('.')), "signature does not hold");
}

TEST_F(Token, CutOrLengthenedOrDecorated_IsRefused) {
  const std::string token = good_token();
  for (std::size_t length = 0; length < token.size(); ++length) {
    ASSERT_FALSE(check_token(ring_, token.substr(0, length), kNow)) << length;
  }
  for (const std::string& other :
       {token + "A", token + "=", token + ".", token + ".A", "." + token, " " + token, token + " ",
        token + '\n', token + '\0', token + '\0' + "mallory", std::string("mallory"),
        std::string("mallory.mallory"), std::string("a.b.c"), std::string(".."), std::string("."),
        std::string("e30.e30.e30")}) {
    expect_refused(other, "token");
  }
}

TEST_F(Token, LongerThan8KiB_IsRefusedAndOneOf8KiBIsNot) {
  const auto padded = [this](std::size_t bytes) {
    return token_with(R"("pad":")" + std::string(bytes, 'x') + '"');
  };
  std::size_t bytes = 6000;
  while (padded(bytes).size() < 8 * 1024) ++bytes;
  while (padded(bytes).size() > 8 * 1024) --bytes;
  EXPECT_GE(padded(bytes).size(), 8 * 1024 - 1U);
  expect_accepted(padded(bytes));
  expect_refused(padded(bytes + 2), "longer than 8 KiB");
  const auto huge = check_token(ring_, std::string(1'000'000, 'A'), kNow);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().code, Errc::unauthenticated);
}

TEST_F(Token, OfDeeplyNestedJson_IsRefusedInPeace) {
  const std::string deep = std::string(2900, '[') + std::string(2900, ']');
  EXPECT_FALSE(check_token(ring_, with_signature("x", deep, "{}"), kNow));
  EXPECT_FALSE(check_token(ring_, with_signature("x", "{\"alg\":" + deep + "}", "{}"), kNow));
}

// The Authorization header.

TEST_F(Token, InAnAuthorizationHeader_FollowsTheSchemeInAnyCase) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "}) {
    const auto who = check_authorization(ring_, proven_, scheme + good_token(), kNow);
    ASSERT_TRUE(who) << scheme << who.error().message;
    EXPECT_EQ(who->subject, "user-mallory");
  }
}

TEST_F(Token, InAnAuthorizationHeaderOfAnotherForm_IsRefused) {
  for (const std::string& value :
       {std::string(), std::string("Bearer"), std::string("Bearer "), "Basic " + good_token(),
        "Bearer" + good_token(), good_token(), " Bearer " + good_token(), "Bearer\t" + good_token(),
        "Token " + good_token(), "Bearer " + good_token() + ",", "Bearer Bearer " + good_token(),
        std::string("\x02\x05\x01\x12\x05\x12\x20") + good_token()}) {
    const auto who = check_authorization(ring_, proven_, value, kNow);
    ASSERT_FALSE(who) << value;
    EXPECT_EQ(who.error().code, Errc::unauthenticated);
    EXPECT_EQ(who.error().message.find(good_token().substr(0, 12)), std::string::npos);
  }
}

TEST_F(Token, ThatWasProvenBefore_IsGoodOnlyAsItWasAndAsLongAsItSays) {
  const std::string good = "Bearer " + good_token();
  ASSERT_TRUE(check_authorization(ring_, proven_, good, kNow));
  const auto again = check_authorization(ring_, proven_, good, kNow);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->subject, "user-mallory");
  EXPECT_FALSE(check_authorization(ring_, proven_, good, kNow + std::chrono::hours{2}));
  for (std::size_t i = std::string_view("Bearer ").size(); i < good.size(); ++i) {
    std::string other = good;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    ASSERT_FALSE(check_authorization(ring_, proven_, other, kNow)) << i;
  }
  EXPECT_FALSE(check_authorization(KeyRing::generate(), proven_, good, kNow));
}

// Threads.

TEST_F(Token, CheckedByManyThreadsAtOnce_IsJudgedAlikeByAll) {
  const std::string good = good_token();
  std::string bad = good;
  bad[bad.size() - 10] = bad[bad.size() - 10] == 'A' ? 'B' : 'A';
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        if (!check_token(ring_, good, kNow)) ++wrong;
        if (check_token(ring_, bad, kNow)) ++wrong;
        const auto fresh = sign_token(ring_, ada(), kNow, seconds{60});
        if (!fresh || !check_token(ring_, *fresh, kNow)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace keyledger::security
