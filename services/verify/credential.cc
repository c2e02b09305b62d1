#include "services/verify/credential.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "services/security/crypto.h"

namespace keyledger::verify {
namespace {

/// Whether `text` begins with `scheme` (lower case) and a space, without regard to case.
bool has_scheme(std::string_view text, std::string_view scheme) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() > scheme.size() && text[scheme.size()] == ' ' &&
         std::ranges::equal(text.substr(0, scheme.size()), scheme, {}, lower);
}

/// What follows the scheme (1*SP, RFC 9110 §11.4).
std::string_view after_scheme(std::string_view text, std::size_t scheme_size) {
  text.remove_prefix(scheme_size);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

Result<Credential> read_basic(std::string_view encoded) {
  auto decoded = security::base64_decode(encoded);
  if (!decoded) return fail(Errc::unauthenticated, "the Basic credential is not base64");
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) {
    return fail(Errc::unauthenticated, "the Basic credential has no colon");
  }
  if (colon + 1 == decoded->size()) return Credential{decoded->substr(0, colon), std::nullopt};
  return Credential{decoded->substr(colon + 1), decoded->substr(0, colon)};
}

}  // namespace

Result<Credential> read_credential(const http::Request& request) {
  const std::size_t authorizations = request.count("authorization");
  const std::size_t api_keys = request.count("x-api-key");
  if (authorizations + api_keys == 0) return fail(Errc::unauthenticated, "no credential");
  if (authorizations + api_keys > 1) {
    return fail(Errc::unauthenticated, "more than one credential");
  }
  if (api_keys == 1) return Credential{std::string(request.header("x-api-key")), std::nullopt};

  const std::string_view authorization = request.header("authorization");
  if (has_scheme(authorization, "basic")) return read_basic(after_scheme(authorization, 5));
  if (has_scheme(authorization, "bearer")) {
    return Credential{std::string(after_scheme(authorization, 6)), std::nullopt};
  }
  return fail(Errc::unauthenticated, "an authentication scheme other than Basic or Bearer");
}

}  // namespace keyledger::verify
