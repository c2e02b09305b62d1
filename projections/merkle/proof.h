#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "events/result.h"
#include "projections/merkle/hash.h"
#include "projections/merkle/tile.h"

namespace keyledger::merkle {

/// Finds hashes of a tree in its tiles, and keeps those that it has read. Errors of all are those
/// of the reading; damaged where a tile has fewer hashes than a tree of that size. Not thread-safe.
class TiledTree {
 public:
  /// Gives the hashes of a tile, one behind the other, as many as there are; the tree may be larger
  /// than what is asked about.
  using ReadTile = std::function<Result<std::string>(const TileId& tile)>;

  explicit TiledTree(ReadTile read) : read_(std::move(read)) {}

  /// RFC 6962 §2.1: the Merkle tree hash of the first `size` leaves.
  Result<Hash> root(std::uint64_t size);

  /// The roots of the full subtrees of which a tree of `size` leaves is made, the largest first.
  Result<std::vector<Hash>> peaks(std::uint64_t size);

  /// RFC 6962 §2.1.1: the audit path of the leaf `index` in the tree of the first `size` leaves,
  /// from the leaf upwards. `index` must be less than `size`.
  Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size);

  /// RFC 6962 §2.1.2: that the first `size` leaves begin with the first `old_size`. 0 < `old_size`
  /// <= `size`.
  Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size);

 private:
  /// The hash of the leaves in [begin, end), which RFC 6962 makes one of.
  Result<Hash> range(std::uint64_t begin, std::uint64_t end);
  /// The root of the `index`-th full subtree of 2^height leaves.
  Result<Hash> subtree(unsigned height, std::uint64_t index);

  ReadTile read_;
  std::map<TileId, std::string> tiles_;
};

}  // namespace keyledger::merkle
