#include "services/verify/answer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "events/time.h"

namespace keyledger::verify {
namespace {

Verdict verdict(Code code) {
  return {code,
          {AccountId{"acme"}, Username{"ada@example.com"}, KeyId{"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8"},
           KeyName{"build"}, true, std::nullopt, Version{3}}};
}

std::string answer(const Verdict& verdict) {
  std::string out;
  append_answer(out, verdict, 12);
  return out;
}

TEST(AnswerOfVerification, WithAValidKey_TellsAllOfIt) {
  EXPECT_EQ(answer(verdict(Code::valid)),
            R"({"valid":true,"code":"VALID","account":"acme","username":"ada@example.com",)"
            R"("key_id":"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8","name":"build","expires_at":null,)"
            R"("version":3,"position":12})");
}

TEST(AnswerOfVerification, WithADisabledOrExpiredKey_TellsAllOfItToo) {
  const std::string rest =
      R"(,"account":"acme","username":"ada@example.com",)"
      R"("key_id":"key_06DZ3K5V9QKZ3YF8S1W2X4T6B8","name":"build",)"
      R"("expires_at":"2026-11-24T11:17:30.000001Z","version":3,"position":12})";
  Verdict told = verdict(Code::disabled);
  told.grant.expires_at = parse_instant("2026-11-24T11:17:30.000001Z").value();
  EXPECT_EQ(answer(told), R"({"valid":false,"code":"DISABLED")" + rest);
  told.code = Code::expired;
  EXPECT_EQ(answer(told), R"({"valid":false,"code":"EXPIRED")" + rest);
}

TEST(AnswerOfVerification, WithAnyOtherCode_TellsNothingOfAKey) {
  EXPECT_EQ(answer(verdict(Code::malformed)),
            R"({"valid":false,"code":"MALFORMED","position":12})");
  EXPECT_EQ(answer(verdict(Code::not_found)),
            R"({"valid":false,"code":"NOT_FOUND","position":12})");
  EXPECT_EQ(answer(verdict(Code::username_mismatch)),
            R"({"valid":false,"code":"USERNAME_MISMATCH","position":12})");
}

TEST(AnswerOfVerification, WithTextsThatJsonEscapes_IsStillThatText) {
  Verdict told = verdict(Code::valid);
  told.grant.username.value = R"(ada "\" <é>)";
  for (char c = 1; c < 0x20; ++c) told.grant.name.value += c;
  told.grant.name.value.append("\x7f").append(1, '\0').append("🔑");
  const std::string text = answer(told);
  EXPECT_NE(text.find(R"("username":"ada \"\\\" <é>")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(\u0001\u0002)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(\u001f)"), std::string::npos) << text;

  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["username"], told.grant.username.value);
  EXPECT_EQ(json["name"], told.grant.name.value);
}

TEST(AnswerOfVerification, AfterOthers_IsAppended) {
  std::string out = "[";
  append_answer(out, verdict(Code::not_found), 0);
  EXPECT_EQ(out, R"([{"valid":false,"code":"NOT_FOUND","position":0})");
}

}  // namespace
}  // namespace keyledger::verify
