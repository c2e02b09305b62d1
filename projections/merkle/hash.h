#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace keyledger::merkle {

/// A SHA-256 of the tree.
using Hash = std::array<std::byte, 32>;
inline constexpr std::size_t kHashBytes = 32;

/// RFC 6962 §2.1: the hash of a leaf, which is an event as it is stored.
Hash leaf_hash(std::string_view leaf);

/// RFC 6962 §2.1: the hash of two subtrees, of which `left` is full.
Hash node_hash(const Hash& left, const Hash& right);

/// RFC 6962 §2.1: the root of a tree without leaves.
Hash empty_root();

inline std::string_view bytes_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

/// The `index`-th of the hashes that lie in `hashes` one behind the other, which must have it.
Hash hash_at(std::string_view hashes, std::size_t index);

}  // namespace keyledger::merkle
