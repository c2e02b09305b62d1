#include "services/verify/credential.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace keyledger::verify {
namespace {

constexpr std::string_view kSecret = "kl_secret";

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

Result<Credential> read(Headers headers) {
  http::Request request;
  request.headers = std::move(headers);
  return read_credential(request);
}

void expect_credential(const Result<Credential>& credential, std::string_view value,
                       std::optional<std::string> username) {
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential->value, value);
  EXPECT_EQ(credential->username, username);
}

void expect_refused(const Result<Credential>& credential) {
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code, Errc::unauthenticated);
  EXPECT_EQ(credential.error().message.find(kSecret), std::string::npos);
}

TEST(CredentialOfARequest, InBasicForm_IsUsernameAndKey) {
  // ada@example.com:kl_secret
  expect_credential(read({{"Authorization", "Basic YWRhQGV4YW1wbGUuY29tOmtsX3NlY3JldA=="}}),
                    kSecret, "ada@example.com");
}

TEST(CredentialOfARequest, InBasicFormWithAnEmptyPassword_IsTheKeyAlone) {
  // kl_secret:
  expect_credential(read({{"Authorization", "Basic a2xfc2VjcmV0Og=="}}), kSecret, std::nullopt);
}

TEST(CredentialOfARequest, InBasicFormWithAnEmptyUsername_NamesNobody) {
  // :kl_secret
  expect_credential(read({{"Authorization", "Basic OmtsX3NlY3JldA=="}}), kSecret, "");
}

TEST(CredentialOfARequest, InBasicFormWithTwoColons_IsCutAtTheFirst) {
  // ada:kl_secret:x
  expect_credential(read({{"Authorization", "Basic YWRhOmtsX3NlY3JldDp4"}}), "kl_secret:x", "ada");
}

TEST(CredentialOfARequest, InBasicFormThatIsNotUtf8_IsTakenByteForByte) {
  // \xffda:kl_secret
  expect_credential(read({{"Authorization", "Basic /2RhOmtsX3NlY3JldA=="}}), kSecret,
                    "\xff"
                    "da");
}

TEST(CredentialOfARequest, InBasicFormWithoutAColon_IsRefused) {
  // kl_secret
  expect_refused(read({{"Authorization", "Basic a2xfc2VjcmV0"}}));
}

TEST(CredentialOfARequest, InBasicFormThatIsNoBase64_IsRefused) {
  for (const char* header : {"Basic kl_secret", "Basic a2xfc2VjcmV0Og", "Basic a2xfc2VjcmV0Og==,x",
                             "Basic a2xfc2VjcmV0Og== a2xf", "Basic ", "Basic !!!!", "Basic ===="}) {
    SCOPED_TRACE(header);
    expect_refused(read({{"Authorization", header}}));
  }
}

TEST(CredentialOfARequest, InBearerForm_IsTheKeyAlone) {
  expect_credential(read({{"Authorization", "Bearer kl_secret"}}), kSecret, std::nullopt);
}

TEST(CredentialOfARequest, InTheHeaderOfItsOwn_IsTheKeyAlone) {
  expect_credential(read({{"X-API-Key", kSecret}}), kSecret, std::nullopt);
  expect_credential(read({{"x-api-key", "Bearer kl_secret"}}), "Bearer kl_secret", std::nullopt);
}

TEST(CredentialOfARequest, WithASchemeInAnyCase_IsRead) {
  expect_credential(read({{"authorization", "bEARER kl_secret"}}), kSecret, std::nullopt);
  expect_credential(read({{"AUTHORIZATION", "BASIC a2xfc2VjcmV0Og=="}}), kSecret, std::nullopt);
}

TEST(CredentialOfARequest, AfterSeveralSpaces_IsRead) {
  expect_credential(read({{"Authorization", "Bearer   kl_secret"}}), kSecret, std::nullopt);
}

TEST(CredentialOfARequest, ThatIsAbsentOrOfAnotherScheme_IsRefused) {
  expect_refused(read({}));
  for (const char* header : {"", "kl_secret", "Bearer", "Basic", "Bearerkl_secret", "Bearer\tkl",
                             "Digest username=\"ada\"", "Token kl_secret"}) {
    SCOPED_TRACE(header);
    expect_refused(read({{"Authorization", header}}));
  }
}

TEST(CredentialOfARequest, WithASecondOne_IsRefused) {
  expect_refused(read({{"Authorization", "Bearer kl_secret"}, {"X-API-Key", kSecret}}));
  expect_refused(
      read({{"Authorization", "Bearer kl_secret"}, {"Authorization", "Bearer kl_secret"}}));
  expect_refused(read({{"X-API-Key", kSecret}, {"x-api-key", kSecret}}));
  expect_refused(read({{"Authorization", ""}, {"X-API-Key", kSecret}}));
}

}  // namespace
}  // namespace keyledger::verify
