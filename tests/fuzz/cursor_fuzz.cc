// List cursors: one that is read was made, for its scope.

#include <cstdint>
#include <fuzzer/FuzzedDataProvider.h>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "services/security/crypto.h"
#include "services/security/cursor.h"
#include "tests/fuzz/fixed_ring.h"
#include "tests/fuzz/promise.h"

namespace keyledger::security {
namespace {

using fuzz::promise;

/// A cursor as its format has it, with OpenSSL's HMAC, which shares no code with ours.
std::string cursor_of(const KeyRing::SymmetricKey& key, std::string_view scope,
                      std::string_view payload) {
  std::string text;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    text += static_cast<char>(std::uint64_t{scope.size()} >> shift & 0xFFU);
  }
  text.append(scope).append(payload);
  std::string mac(32, '\0');
  HMAC(EVP_sha256(), key.secret.data(), static_cast<int>(key.secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return base64url_encode(std::string(payload) + mac);
}

void check_claimed(const KeyRing& ring, std::string_view scope, std::string_view text) {
  const auto read = read_cursor(ring, scope, text);
  if (!read) {
    promise(read.error().code == Errc::malformed, "a cursor is good or malformed");
    promise(!read.error().message.contains("mallory"), "an error repeats nothing of the cursor");
    return;
  }
  bool was_made = false;
  for (const KeyRing::SymmetricKey& key : ring.cursor_keys()) {
    was_made = was_made || cursor_of(key, scope, *read) == text;
  }
  promise(was_made, "a cursor that is read was made, for its scope");
}

void check_made(const KeyRing& ring, std::string_view scope, std::string_view payload,
                FuzzedDataProvider& choices) {
  const std::string cursor = make_cursor(ring, scope, payload);
  promise(cursor == cursor_of(ring.cursor_keys().front(), scope, payload),
          "a cursor is made with the newest key");
  promise(read_cursor(ring, scope, cursor) == payload, "a cursor carries its payload");
  const std::string other_scope = choices.ConsumeRandomLengthString(8) + std::string(scope);
  promise(other_scope == scope || !read_cursor(ring, other_scope, cursor),
          "a cursor is good for its scope alone");
  std::string changed = cursor;
  changed[choices.ConsumeIntegralInRange<std::size_t>(0, cursor.size() - 1)] =
      choices.ConsumeIntegral<char>();
  promise(changed == cursor || !read_cursor(ring, scope, changed), "a changed cursor is bad");
  const auto cut = choices.ConsumeIntegralInRange<std::size_t>(0, cursor.size() - 1);
  promise(!read_cursor(ring, scope, std::string_view(cursor).substr(0, cut)), "a cut one is bad");
  promise(!read_cursor(ring.for_verification(), scope, cursor), "a cursor is of its ring");
}

}  // namespace
}  // namespace keyledger::security

/// A scope, a line feed, and a cursor; the same bytes are also a payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const keyledger::security::KeyRing ring = keyledger::fuzz::fixed_ring();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto line_feed = text.find('\n');
  const std::string scope = text.substr(0, line_feed);
  const std::string rest = line_feed == text.npos ? "" : text.substr(line_feed + 1);
  FuzzedDataProvider choices(data, size);
  keyledger::security::check_claimed(ring, scope, rest);
  keyledger::security::check_made(ring, scope, rest, choices);
  return 0;
}
