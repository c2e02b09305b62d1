#include "projections/merkle/proof.h"

#include <bit>
#include <utility>

namespace keyledger::merkle {
namespace {

/// RFC 6962's k: the largest power of two that is less than `count`, which is 2 or more.
std::uint64_t split(std::uint64_t count) { return std::bit_floor(count - 1); }

}  // namespace

Result<Hash> TiledTree::subtree(unsigned height, std::uint64_t index) {
  const unsigned level = height / kTileHeight;
  const std::uint64_t count = std::uint64_t{1} << (height % kTileHeight);
  const std::uint64_t first = index * count;
  const TileId tile{level, first / kTileWidth};
  auto known = tiles_.find(tile);
  const std::size_t begin = first % kTileWidth;
  const std::size_t bytes = (begin + count) * kHashBytes;
  if (known == tiles_.end()) {
    auto read = read_(tile);
    if (!read) return fail(std::move(read.error()));
    known = tiles_.emplace(tile, std::move(*read)).first;
  }
  if (known->second.size() < bytes) {
    return fail(Errc::damaged, "the tile " + std::to_string(tile.index) + " of level " +
                                   std::to_string(level) +
                                   " of the tree lacks hashes: stop the node and run keyledger "
                                   "projection rebuild");
  }
  std::vector<Hash> hashes;
  hashes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) hashes.push_back(hash_at(known->second, begin + i));
  for (; hashes.size() > 1; hashes.resize(hashes.size() / 2)) {
    for (std::size_t i = 0; i < hashes.size() / 2; ++i) {
      hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
    }
  }
  return hashes.front();
}

Result<Hash> TiledTree::range(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t count = end - begin;
  if (std::has_single_bit(count)) {
    const auto height = static_cast<unsigned>(std::countr_zero(count));
    return subtree(height, begin >> height);
  }
  const std::uint64_t middle = begin + split(count);
  const auto left = range(begin, middle);
  if (!left) return left;
  const auto right = range(middle, end);
  if (!right) return right;
  return node_hash(*left, *right);
}

Result<Hash> TiledTree::root(std::uint64_t size) {
  if (size == 0) return empty_root();
  return range(0, size);
}

Result<std::vector<Hash>> TiledTree::peaks(std::uint64_t size) {
  std::vector<Hash> peaks;
  for (std::uint64_t begin = 0; begin < size;) {
    const std::uint64_t count = std::bit_floor(size - begin);
    auto peak = range(begin, begin + count);
    if (!peak) return fail(std::move(peak.error()));
    peaks.push_back(*peak);
    begin += count;
  }
  return peaks;
}

Result<std::vector<Hash>> TiledTree::inclusion_proof(std::uint64_t index, std::uint64_t size) {
  std::vector<Hash> path;  // From the root downwards.
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool is_left = index < middle;
    const auto other = is_left ? range(middle, end) : range(begin, middle);
    if (!other) return fail(other.error());
    path.push_back(*other);
    (is_left ? end : begin) = middle;
  }
  return std::vector<Hash>(path.rbegin(), path.rend());
}

Result<std::vector<Hash>> TiledTree::consistency_proof(std::uint64_t old_size, std::uint64_t size) {
  std::vector<Hash> path;  // From the root downwards.
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  // RFC 6962's SUBPROOF: goes down to the subtree that ends where the old tree did.
  while (old_size != end) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool is_left = old_size <= middle;
    const auto other = is_left ? range(middle, end) : range(begin, middle);
    if (!other) return fail(other.error());
    path.push_back(*other);
    (is_left ? end : begin) = middle;
  }
  if (begin != 0) {  // Else the verifier has that hash: it is the old root.
    const auto last = range(begin, end);
    if (!last) return fail(last.error());
    path.push_back(*last);
  }
  return std::vector<Hash>(path.rbegin(), path.rend());
}

}  // namespace keyledger::merkle
