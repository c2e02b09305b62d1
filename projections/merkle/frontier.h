#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "projections/merkle/hash.h"
#include "projections/merkle/tile.h"

namespace keyledger::merkle {

/// A tree that grows, of which only what the next leaf needs is kept: the roots of its full
/// subtrees, one for each bit of its size. Not thread-safe.
class Frontier {
 public:
  /// An empty tree.
  Frontier() = default;

  /// A tree of `size` leaves; `peaks` are the roots of its full subtrees, the largest first.
  Frontier(std::uint64_t size, std::vector<Hash> peaks) : size_(size), peaks_(std::move(peaks)) {}

  std::uint64_t size() const { return size_; }

  /// Adds a leaf. Calls `complete(level, hash)` for each hash that becomes the next one of a level
  /// of tiles (C2SP tlog-tiles), level 0 first: the leaf's, and that of every subtree of 256^level
  /// leaves that it completes.
  template <typename Complete>
  void append(const Hash& leaf, Complete complete) {
    complete(0U, leaf);
    Hash hash = leaf;
    unsigned height = 0;
    for (std::uint64_t rest = size_; (rest & 1U) != 0; rest >>= 1U) {
      hash = node_hash(peaks_.back(), hash);
      peaks_.pop_back();
      if (++height % kTileHeight == 0) complete(height / kTileHeight, hash);
    }
    peaks_.push_back(hash);
    ++size_;
  }

  /// RFC 6962 §2.1: the Merkle tree hash of all leaves.
  Hash root() const {
    if (peaks_.empty()) return empty_root();
    Hash hash = peaks_.back();
    for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) {
      hash = node_hash(*peak, hash);
    }
    return hash;
  }

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};

}  // namespace keyledger::merkle
