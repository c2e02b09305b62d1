#include "projections/tree_growth.h"

#include <utility>

#include "projections/merkle/proof.h"
#include "projections/rows.h"
#include "projections/tree.h"

namespace keyledger::projections {

using merkle::Hash;
using merkle::TileId;

Result<void> TreeGrowth::grow(Changes& changes, std::uint64_t size,
                              std::span<const log::StoredEvent> events,
                              std::span<const Hash> leaves) {
  if (!frontier_ || frontier_->size() != size) {
    merkle::TiledTree stored([this](const TileId& tile) { return read_tile(store_, tile); });
    auto peaks = stored.peaks(size);
    if (!peaks) return fail(std::move(peaks.error()));
    frontier_.emplace(size, std::move(*peaks));
  }
  // Of the leaves and positions of one tile: most events begin none.
  std::string hashes;
  std::string positions;
  const auto write = [&] {
    if (hashes.empty()) return;
    const TileId tile{0, (frontier_->size() - 1) / merkle::kTileWidth};
    changes.append(Family::tiles, tile_key(tile), std::exchange(hashes, {}));
    changes.append(Family::tile_positions, tile_positions_key(tile.index),
                   std::exchange(positions, {}));
  };
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Hash leaf = leaves.empty() ? merkle::leaf_hash(events[i].bytes) : leaves[i];
    frontier_->append(leaf, [&](unsigned level, const Hash& hash) {
      if (level == 0) return void(hashes += merkle::bytes_of(hash));
      const std::uint64_t count = merkle::hashes_at(level, frontier_->size() + 1);
      changes.append(Family::tiles, tile_key({level, (count - 1) / merkle::kTileWidth}),
                     merkle::bytes_of(hash));
    });
    positions += position_key(events[i].position);
    if (frontier_->size() % merkle::kTileWidth == 0) write();
  }
  write();
  return {};
}

}  // namespace keyledger::projections
