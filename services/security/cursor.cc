#include "services/security/cursor.h"

#include <cstdint>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

constexpr std::size_t kMacBytes = sizeof(Digest);

/// The scope's length goes first, so that no other scope and payload run together into the same
/// text.
std::string mac(const KeyRing::SymmetricKey& key, std::string_view scope,
                std::string_view payload) {
  std::string text;
  text.reserve(8 + scope.size() + payload.size());
  for (unsigned shift = 0; shift < 64; shift += 8) {
    text += static_cast<char>((static_cast<std::uint64_t>(scope.size()) >> shift) & 0xffU);
  }
  text += scope;
  text += payload;
  const Digest digest = Hmac(key.secret)(text);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::string make_cursor(const KeyRing& ring, std::string_view scope, std::string_view payload) {
  return base64url_encode(std::string(payload) + mac(ring.cursor_keys().at(0), scope, payload));
}

Result<std::string> read_cursor(const KeyRing& ring, std::string_view scope,
                                std::string_view cursor) {
  if (const auto bytes = base64url_decode(cursor); bytes && bytes->size() >= kMacBytes) {
    const std::string_view whole = *bytes;
    const std::string_view payload = whole.substr(0, whole.size() - kMacBytes);
    for (const KeyRing::SymmetricKey& key : ring.cursor_keys()) {
      if (equal_in_constant_time(mac(key, scope, payload), whole.substr(payload.size()))) {
        return std::string(payload);
      }
    }
  }
  return fail(
      Errc::malformed,
      "the cursor is not one that this service made for this query; start again without it");
}

}  // namespace keyledger::security
