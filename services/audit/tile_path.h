#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "projections/merkle/tile.h"

namespace keyledger::audit {

/// What a path below `/tlog/tile/` names (https://c2sp.org/tlog-tiles): hashes, or the entries that
/// the hashes of the tile of level 0 with the same number are of.
struct TilePath {
  bool entries = false;
  merkle::TileId tile;
  std::uint64_t width = merkle::kTileWidth;  ///< Less for a partial one.
  bool operator==(const TilePath&) const = default;
};

/// Reads "0/x001/x234/067", "1/000.p/12" or "entries/000". Nothing for what is none, be it only
/// written in another way.
std::optional<TilePath> parse_tile_path(std::string_view path);

/// What parse_tile_path() reads.
std::string tile_path(const TilePath& what);

}  // namespace keyledger::audit
