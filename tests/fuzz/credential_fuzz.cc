// Credentials of a request: what is read is what was sent, and all of it.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/evp.h>

#include "services/http/text.h"
#include "services/security/crypto.h"
#include "services/verify/credential.h"
#include "tests/fuzz/promise.h"

namespace keyledger::verify {
namespace {

using fuzz::promise;
using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

/// The header lines in `text`, as a parser leaves them: name, colon, trimmed value.
Headers headers_in(std::string_view text) {
  Headers headers;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    headers.emplace_back(line.substr(0, colon), http::trim(line.substr(colon + 1)));
  }
  return headers;
}

/// OpenSSL's base64, which shares no code with ours.
std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

/// Whether the value `sent` of an Authorization header carries `credential` and nothing else.
bool carries(std::string_view sent, const Credential& credential) {
  const auto space = sent.find(' ');
  const std::string_view scheme = sent.substr(0, space);
  if (space == sent.npos) return false;
  sent.remove_prefix(space);
  const auto begin = sent.find_first_not_of(' ');
  sent = begin == sent.npos ? std::string_view{} : sent.substr(begin);
  if (http::same_token(scheme, "bearer")) return !credential.username && sent == credential.value;
  if (!http::same_token(scheme, "basic")) return false;
  const std::string pair =
      credential.username ? *credential.username + ':' + credential.value : credential.value + ':';
  const std::string& up_to_the_colon =
      credential.username ? *credential.username : credential.value;
  return !up_to_the_colon.contains(':') && sent == base64(pair);
}

void check(std::string_view text) {
  http::Request request;
  request.headers = headers_in(text);
  const std::size_t authorizations = request.count("authorization");
  const std::size_t api_keys = request.count("x-api-key");
  const auto read = read_credential(request);
  if (read) {
    promise(authorizations + api_keys == 1, "a request has one credential");
    promise(authorizations == 1 ? carries(request.header("authorization"), *read)
                                : !read->username && read->value == request.header("x-api-key"),
            "a credential is what was sent");
  } else {
    promise(read.error().code == Errc::unauthenticated, "there is a credential or none");
    promise(read.error().message.find("mallory") == std::string::npos,
            "an error repeats nothing of the credential");
  }
  request.headers.emplace_back("X-Other", "Basic YTpi");
  request.headers.insert(request.headers.begin(), {"Accept", "*/*"});
  const auto among_others = read_credential(request);
  promise(among_others.has_value() == read.has_value(), "other headers don't matter");
  if (!read) return;
  promise(among_others->value == read->value && among_others->username == read->username,
          "other headers don't matter");
  request.headers.emplace_back("x-api-KEY", "");
  promise(!read_credential(request), "a second credential makes both bad");
}

/// Both of our base64s have one text for each sequence of bytes.
void check_base64(std::string_view text) {
  if (const auto bytes = security::base64_decode(text)) {
    promise(base64(*bytes) == text, "base64 has one form");
  }
  if (const auto bytes = security::base64url_decode(text)) {
    promise(security::base64url_encode(*bytes) == text, "base64url has one form");
  }
  promise(security::base64_decode(base64(std::string(text))) == text, "base64 goes both ways");
  promise(security::base64url_decode(security::base64url_encode(text)) == text,
          "base64url goes both ways");
}

}  // namespace
}  // namespace keyledger::verify

/// Header lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  keyledger::verify::check(text);
  keyledger::verify::check_base64(text);
  return 0;
}
