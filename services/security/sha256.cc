// OpenSSL's low-level SHA-256, alone in this file: a state that can be copied by memcpy has no
// counterpart in EVP, whose contexts cost an allocation and a look-up for each message.
#define OPENSSL_API_COMPAT 0x10100000L

#include <array>
#include <cstring>
#include <type_traits>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "services/security/crypto.h"

namespace keyledger::security {
namespace {

using Block = std::array<unsigned char, SHA256_CBLOCK>;

static_assert(std::is_trivially_copyable_v<SHA256_CTX>);

Digest finish(SHA256_CTX& state) {
  Digest digest;
  static_assert(sizeof(digest) == SHA256_DIGEST_LENGTH);
  SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &state);
  return digest;
}

/// The state after the key's block, each byte of it combined with `pad`.
void hash_key_block(Block block, unsigned char pad, std::byte* out) {
  for (unsigned char& byte : block) byte ^= pad;
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, block.data(), block.size());
  std::memcpy(out, &state, sizeof(state));
  OPENSSL_cleanse(&state, sizeof(state));
  OPENSSL_cleanse(block.data(), block.size());
}

}  // namespace

Hmac::Hmac(std::string_view key) {
  static_assert(sizeof(SHA256_CTX) <= sizeof(inner_) && sizeof(SHA256_CTX) <= sizeof(outer_));
  static_assert(alignof(SHA256_CTX) <= 8);
  Block block{};
  if (key.size() > block.size()) {
    const Digest digest = sha256(key);
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  hash_key_block(block, 0x36, inner_);
  hash_key_block(block, 0x5c, outer_);
  OPENSSL_cleanse(block.data(), block.size());
}

Digest Hmac::operator()(std::string_view message) const {
  SHA256_CTX state;
  std::memcpy(&state, inner_, sizeof(state));
  SHA256_Update(&state, message.data(), message.size());
  const Digest inner = finish(state);
  std::memcpy(&state, outer_, sizeof(state));
  SHA256_Update(&state, inner.data(), inner.size());
  return finish(state);
}

Digest sha256(std::string_view message) {
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, message.data(), message.size());
  return finish(state);
}

}  // namespace keyledger::security
