#include "projections/tree.h"

#include <algorithm>
#include <utility>

#include "projections/merkle/proof.h"
#include "projections/rows.h"
#include "projections/store.h"

namespace keyledger::projections {

using merkle::Hash;
using merkle::kTileWidth;
using merkle::TileId;

namespace {

merkle::TiledTree tiled(const Store& store) {
  return merkle::TiledTree([&store](const TileId& tile) { return read_tile(store, tile); });
}

}  // namespace

Result<std::string> read_tile(const Store& store, const TileId& tile) {
  auto row = store.get(Family::tiles, tile_key(tile));
  if (!row) return fail(std::move(row.error()));
  return std::move(*row).value_or(std::string{});
}

Result<std::uint64_t> Tree::size() const {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  return meta->tree_size;
}

Result<std::optional<std::string>> Tree::tile(const TileId& tile, std::uint64_t width) const {
  auto hashes = read_tile(model_.store(), tile);
  if (!hashes) return fail(std::move(hashes.error()));
  if (hashes->size() < width * merkle::kHashBytes) return std::optional<std::string>{};
  hashes->resize(width * merkle::kHashBytes);
  return std::optional(std::move(*hashes));
}

Result<Hash> Tree::root(std::uint64_t size) const { return tiled(model_.store()).root(size); }

Result<std::vector<Hash>> Tree::inclusion_proof(std::uint64_t index, std::uint64_t size) const {
  return tiled(model_.store()).inclusion_proof(index, size);
}

Result<std::vector<Position>> Tree::positions(std::uint64_t tile) const {
  const auto row = model_.store().get(Family::tile_positions, tile_positions_key(tile));
  if (!row) return fail(row.error());
  return read_tile_positions(row->value_or(""));
}

Result<std::optional<std::uint64_t>> Tree::leaf_at(Position position) const {
  const auto known = size();
  if (!known) return fail(known.error());
  std::optional<std::uint64_t> nowhere;
  if (position == Position{} || *known == 0) return nowhere;
  // An event's index is less than its position, and the same less one where there are no gaps: so
  // the first look is as a rule the only one.
  std::uint64_t low = 0;
  std::uint64_t high = std::min(position.value - 1, *known - 1) / kTileWidth;
  for (std::uint64_t middle = high;; middle = low + (high - low + 1) / 2) {
    const auto there = positions(middle);
    if (!there) return fail(there.error());
    if (!there->empty() && there->front() <= position) {
      low = middle;
    } else if (middle == 0) {
      return nowhere;
    } else {
      high = middle - 1;
    }
    if (low < high) continue;
    const auto last = low == middle ? there : positions(low);
    if (!last) return fail(last.error());
    const auto found = std::ranges::lower_bound(*last, position);
    if (found == last->end() || *found != position) return nowhere;
    return low * kTileWidth + static_cast<std::uint64_t>(found - last->begin());
  }
}

}  // namespace keyledger::projections
