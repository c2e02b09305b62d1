// Bearer tokens: one that is accepted was signed by the ring, and says what its claims say.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/security/claims.h"
#include "services/security/crypto.h"
#include "services/security/token.h"
#include "tests/fuzz/fixed_ring.h"
#include "tests/fuzz/promise.h"

namespace keyledger::security {
namespace {

using fuzz::promise;
using Json = nlohmann::json;

constexpr std::int64_t kNowSeconds = 1'795'520'000;
constexpr Instant kNow{std::chrono::seconds{kNowSeconds}};

/// What a signature is over: all before the last dot.
std::string signing_input(std::string_view token) {
  return std::string(token.substr(0, token.rfind('.')));
}

/// The signing inputs of all tokens that the ring ever signed, as far as this program knows: those
/// of the seeds. Made anew, since they are the same for the same claims and time.
std::vector<std::string> all_signed(const KeyRing& ring) {
  std::vector<std::string> inputs;
  for (const unsigned scopes : {0U, 1U, 0x13U, 0xFFU}) {
    Principal principal{"user-mallory", AccountId{"acme"}, Username{"ada@example.com"}, scopes};
    if (scopes == 0xFFU) principal = {"operator", std::nullopt, std::nullopt, scopes};
    inputs.push_back(
        signing_input(sign_token(ring, principal, kNow, std::chrono::seconds{3600}).value()));
  }
  return inputs;
}

void check_refusal(const Error& error) {
  promise(error.code == Errc::unauthenticated, "a token is good or unauthenticated");
  promise(!error.message.contains("mallory"), "an error repeats nothing of the token");
}

void check_token_text(const KeyRing& ring, std::string_view text) {
  static const std::vector<std::string> inputs = all_signed(ring);
  // Kept from input to input, as a running node keeps it: no token may pass for another one's sake.
  static ProvenTokens proven;
  const auto principal = check_token(ring, text, kNow);
  const auto by_header = check_authorization(ring, proven, "Bearer " + std::string(text), kNow);
  promise(by_header.has_value() == principal.has_value() || text.starts_with(' '),
          "a header is as good as its token");
  if (!principal) {
    check_refusal(principal.error());
    return;
  }
  promise(std::ranges::find(inputs, signing_input(text)) != inputs.end(),
          "a token that is accepted was signed by the ring");
  promise(!check_token(ring, text, kNow + std::chrono::seconds{3600 + 30}), "a token expires");
  promise(!check_token(ring, text, kNow - std::chrono::seconds{31}), "a token has a beginning");
  promise(!check_token(ring.for_verification(), text, kNow), "a token is of its ring");
}

/// Reads `text` as if it had been signed.
void check_claims(std::string_view text) {
  const auto principal = read_claims(text, kNow);
  if (!principal) {
    check_refusal(principal.error());
    return;
  }
  const Json claims = Json::parse(text);
  promise(claims["iss"] == "keyledger", "a token is of our issuer");
  const Json& audience = claims["aud"];
  promise(audience == "keyledger" ||
              (audience.is_array() && std::ranges::find(audience, "keyledger") != audience.end()),
          "a token is for us");
  promise(claims["exp"].get<double>() > static_cast<double>(kNowSeconds) - 31,
          "a token has not expired");
  promise(!claims.contains("nbf") ||
              claims["nbf"].get<double>() < static_cast<double>(kNowSeconds) + 31,
          "a token is valid already");
  promise(claims["sub"] == principal->subject && is_subject(principal->subject),
          "a subject is that of the claims");
  promise(claims.contains("account") == principal->account.has_value(), "no account is made up");
  if (principal->account) {
    promise(claims["account"] == principal->account->value, "an account is that of the claims");
    promise(AccountId::parse(principal->account->value).has_value(), "an account is well-formed");
  }
  promise(claims.contains("username") == principal->username.has_value(), "no name is made up");
  if (principal->username) {
    promise(claims["username"] == principal->username->value, "a name is that of the claims");
  }
  const std::string scope = " " + claims.value("scope", "") + " ";
  for (unsigned bit = 0; bit < 32; ++bit) {
    const auto one = static_cast<Scope>(1U << bit);
    if (!principal->has(one)) continue;
    promise(bit < 8, "there are eight scopes");
    promise(scope.contains(" " + std::string(scope_name(one)) + " "), "no scope is made up");
  }
}

void check_header(std::string_view text) {
  const auto header = read_header(text);
  if (!header) {
    check_refusal(header.error());
    return;
  }
  const Json json = Json::parse(text);
  promise(json["alg"] == header->algorithm && json["kid"] == header->key_id,
          "a header is read as it is written");
  promise(!json.contains("crit"), "no extension is passed over");
}

}  // namespace
}  // namespace keyledger::security

/// A token, or the JSON of a header or of claims.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const keyledger::security::KeyRing ring = keyledger::fuzz::fixed_ring();
  const std::string text(reinterpret_cast<const char*>(data), size);
  keyledger::security::check_token_text(ring, text);
  keyledger::security::check_claims(text);
  keyledger::security::check_header(text);
  return 0;
}
