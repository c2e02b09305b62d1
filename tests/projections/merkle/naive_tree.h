#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "projections/merkle/frontier.h"
#include "projections/merkle/hash.h"
#include "projections/merkle/proof.h"
#include "projections/merkle/tile.h"

namespace keyledger::merkle {

/// RFC 6962 §2.1, as it stands there.
inline Hash naive_root(std::span<const std::string> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaf_hash(leaves[0]);
  std::size_t k = 1;
  while (2 * k < leaves.size()) k *= 2;
  return node_hash(naive_root(leaves.first(k)), naive_root(leaves.subspan(k)));
}

/// Leaves that differ from one another.
inline std::vector<std::string> some_leaves(std::size_t count) {
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back("event " + std::to_string(i));
  return leaves;
}

/// A tree grown leaf by leaf, whose tiles are kept in memory.
struct GrownTree {
  explicit GrownTree(const std::vector<std::string>& leaves) {
    for (const std::string& leaf : leaves) {
      frontier.append(leaf_hash(leaf), [this](unsigned level, const Hash& hash) {
        const std::uint64_t index = counts[level]++;
        tiles[{level, index / kTileWidth}] += bytes_of(hash);
      });
    }
  }

  TiledTree tiled() const {
    return TiledTree([this](const TileId& id) -> Result<std::string> {
      const auto found = tiles.find(id);
      return found == tiles.end() ? std::string{} : found->second;
    });
  }

  Frontier frontier;
  std::map<unsigned, std::uint64_t> counts;
  std::map<TileId, std::string> tiles;
};

/// RFC 9162 §2.1.3.2: the root to which `path` leads from the leaf `index`; nothing where its
/// length can't be that of such a path.
inline std::optional<Hash> root_by_inclusion(std::uint64_t index, std::uint64_t size, Hash hash,
                                             const std::vector<Hash>& path) {
  if (index >= size) return std::nullopt;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  for (const Hash& other : path) {
    if (sn == 0) return std::nullopt;
    if ((fn & 1U) != 0 || fn == sn) {
      hash = node_hash(other, hash);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      hash = node_hash(hash, other);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0) return std::nullopt;
  return hash;
}

/// RFC 9162 §2.1.4.2: whether `path` proves that the second tree begins with the first.
inline bool is_consistent(std::uint64_t first, std::uint64_t second, const Hash& first_root,
                          const Hash& second_root, std::vector<Hash> path) {
  if (first == second) return path.empty() && first_root == second_root;
  if ((first & (first - 1)) == 0) path.insert(path.begin(), first_root);
  if (path.empty()) return false;
  std::uint64_t fn = first - 1;
  std::uint64_t sn = second - 1;
  while ((fn & 1U) != 0) {
    fn >>= 1U;
    sn >>= 1U;
  }
  Hash fr = path.front();
  Hash sr = path.front();
  for (auto c = path.begin() + 1; c != path.end(); ++c) {
    if (sn == 0) return false;
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(*c, fr);
      sr = node_hash(*c, sr);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      sr = node_hash(sr, *c);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return fr == first_root && sr == second_root && sn == 0;
}

}  // namespace keyledger::merkle
