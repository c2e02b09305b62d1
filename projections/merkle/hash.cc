// OpenSSL's low-level SHA-256, alone in this file: EVP costs an allocation and a look-up for each
// hash, which is as much as the hash itself.
#define OPENSSL_API_COMPAT 0x10100000L

#include "projections/merkle/hash.h"

#include <cstring>

#include <openssl/sha.h>

namespace keyledger::merkle {
namespace {

constexpr unsigned char kLeaf = 0x00;
constexpr unsigned char kNode = 0x01;

Hash finish(SHA256_CTX& state) {
  Hash hash;
  static_assert(sizeof(hash) == SHA256_DIGEST_LENGTH);
  SHA256_Final(reinterpret_cast<unsigned char*>(hash.data()), &state);
  return hash;
}

}  // namespace

Hash leaf_hash(std::string_view leaf) {
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, &kLeaf, 1);
  SHA256_Update(&state, leaf.data(), leaf.size());
  return finish(state);
}

Hash node_hash(const Hash& left, const Hash& right) {
  SHA256_CTX state;
  SHA256_Init(&state);
  SHA256_Update(&state, &kNode, 1);
  SHA256_Update(&state, left.data(), left.size());
  SHA256_Update(&state, right.data(), right.size());
  return finish(state);
}

Hash empty_root() {
  SHA256_CTX state;
  SHA256_Init(&state);
  return finish(state);
}

Hash hash_at(std::string_view hashes, std::size_t index) {
  Hash hash;
  std::memcpy(hash.data(), hashes.substr(index * kHashBytes, kHashBytes).data(), kHashBytes);
  return hash;
}

}  // namespace keyledger::merkle
