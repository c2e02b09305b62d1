#pragma once

#include <compare>
#include <cstdint>

namespace keyledger::merkle {

// How C2SP tlog-tiles cuts a tree: a tile is 256 neighbouring hashes of one level; those of level L
// are the roots of full subtrees of 256^L leaves.

inline constexpr unsigned kTileHeight = 8;
inline constexpr std::uint64_t kTileWidth = 1U << kTileHeight;
/// No tree has more: 256^8 leaves are more than positions count.
inline constexpr unsigned kMaxLevel = 7;

struct TileId {
  unsigned level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const TileId&) const = default;
};

/// How many hashes of `level` a tree of `size` leaves has.
constexpr std::uint64_t hashes_at(unsigned level, std::uint64_t size) {
  return size >> (kTileHeight * level);
}

/// How many hashes `tile` has in a tree of `size` leaves: 256 when it is full, which it stays.
constexpr std::uint64_t tile_width(const TileId& tile, std::uint64_t size) {
  const std::uint64_t hashes = hashes_at(tile.level, size);
  const std::uint64_t before = tile.index << kTileHeight;
  if (tile.index > (hashes >> kTileHeight)) return 0;
  return hashes - before < kTileWidth ? hashes - before : kTileWidth;
}

}  // namespace keyledger::merkle
