#include "services/security/token_parts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

/// A header is read before anybody vouched for it, and names an algorithm and a key.
constexpr std::size_t kMaxHeaderBytes = 2 * 1024;

std::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

/// The three parts, still encoded.
std::optional<std::array<std::string_view, 3>> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == token.npos || first == last) return std::nullopt;
  std::array parts = {token.substr(0, first), token.substr(first + 1, last - first - 1),
                      token.substr(last + 1)};
  return parts;
}

}  // namespace

Result<TokenParts> take_apart(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return refuse("the bearer token is longer than 8 KiB");
  const auto parts = split(token);
  if (!parts) return refuse("the bearer token is not a JWT");
  if ((*parts)[0].size() > kMaxHeaderBytes) {
    return refuse("the bearer token's header is longer than 2 KiB");
  }
  const auto header_json = base64url_decode((*parts)[0]);
  auto claims = base64url_decode((*parts)[1]);
  auto signature = base64url_decode((*parts)[2]);
  if (!header_json || !claims || !signature) return refuse("the bearer token is not a JWT");
  auto header = read_header(*header_json);
  if (!header) return fail(std::move(header.error()));
  return TokenParts{*std::move(header), *std::move(claims), token.substr(0, token.rfind('.')),
                    *std::move(signature)};
}

Result<std::string_view> bearer_token(std::string_view authorization) {
  const auto same_letter = [](char left, char right) {
    return left == right || (left >= 'A' && left <= 'Z' && left - 'A' + 'a' == right);
  };
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      !std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, same_letter)) {
    return refuse("this needs a bearer token: send 'Authorization: Bearer TOKEN'");
  }
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

}  // namespace keyledger::security
