#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "services/security/key_ring.h"
#include "services/security/token.h"
#include "tests/services/security/forged_token.h"

namespace keyledger::security {

inline constexpr long kNowSeconds = 1'795'520'000;
inline constexpr Instant kNow{std::chrono::seconds{kNowSeconds}};

/// A ring and what it takes to make tokens of any form under it.
class Token : public testing::Test {
 protected:
  Principal ada() const {
    return {"user-mallory", AccountId{"acme"}, Username{"ada@example.com"},
            static_cast<unsigned>(Scope::keys_read) | static_cast<unsigned>(Scope::audit_read)};
  }

  std::string good_token() const {
    return sign_token(ring_, ada(), kNow, std::chrono::seconds{3600}).value();
  }

  std::string private_pem() const { return ring_.signing_keys().front().private_pem; }

  /// A header with these members and the newest key's `kid`.
  std::string header(const std::string& members = R"("alg":"ES256")") const {
    return "{" + members + R"(,"kid":")" + ring_.signing_keys().front().id + R"("})";
  }

  /// A claims set that holds, but with these members instead.
  std::string claims(const std::string& members = "") const {
    const auto member = [&members](const std::string& name, const std::string& value) {
      return members.contains('"' + name + "\":") ? "" : '"' + name + "\":" + value + ',';
    };
    const std::string frame = member("iss", R"("keyledger")") + member("aud", R"("keyledger")") +
                              member("exp", std::to_string(kNowSeconds + 60)) +
                              member("sub", R"("user-mallory")") + members;
    return '{' + (frame.ends_with(',') ? frame.substr(0, frame.size() - 1) : frame) + '}';
  }

  /// A token that the ring's key signed over claims() with these members.
  std::string token_with(const std::string& members) const {
    return with_es256(private_pem(), header(), claims(members));
  }

  /// Refused, and the text for the caller says `why` and nothing that was in the token.
  void expect_refused(const std::string& token, std::string_view why, Instant now = kNow) const {
    const auto answer = check_token(ring_, token, now);
    ASSERT_FALSE(answer) << "accepted: " << token;
    EXPECT_EQ(answer.error().code, Errc::unauthenticated);
    const std::string& text = answer.error().message;
    EXPECT_NE(text.find(why), std::string::npos) << text;
    EXPECT_EQ(text.find("mallory"), std::string::npos) << text;
    for (std::size_t i = 0; i + 12 <= token.size(); ++i) {
      ASSERT_EQ(text.find(token.substr(i, 12)), std::string::npos) << text;
    }
  }

  void expect_accepted(const std::string& token, Instant now = kNow) const {
    const auto answer = check_token(ring_, token, now);
    EXPECT_TRUE(answer) << answer.error().message;
  }

  KeyRing ring_ = KeyRing::generate();
  ProvenTokens proven_;
};

}  // namespace keyledger::security
