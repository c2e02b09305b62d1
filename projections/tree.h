#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/merkle/hash.h"
#include "projections/merkle/tile.h"
#include "projections/read_model.h"

namespace keyledger::projections {

/// What is asked of the Merkle tree over the log (design §9) that a read model holds. A tree only
/// grows, so an answer about a size that it had once stays true. Reads up to a few tiles: belongs
/// on a thread for queries.
///
/// Thread safety: all members, from any thread, beside the projector. Errors of all: io, damaged.
class Tree {
 public:
  /// `model` is used until the Tree is gone.
  explicit Tree(const ReadModel& model) : model_(model) {}

  /// How many leaves there are: as many as events up to the model's position.
  Result<std::uint64_t> size() const;

  /// The first `width` hashes of `tile`, one behind the other; nothing where it has fewer.
  Result<std::optional<std::string>> tile(const merkle::TileId& tile, std::uint64_t width) const;

  /// The root of the first `size` leaves, from the tiles.
  Result<merkle::Hash> root(std::uint64_t size) const;

  /// RFC 6962 §2.1.1, from the leaf upwards. `index` must be less than `size`.
  Result<std::vector<merkle::Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size) const;

  /// Where the events lie in the log that are the leaves of `tile` of level 0: as many as it has.
  Result<std::vector<Position>> positions(std::uint64_t tile) const;

  /// Which leaf the event at `position` is; nothing where there is none (yet).
  Result<std::optional<std::uint64_t>> leaf_at(Position position) const;

 private:
  const ReadModel& model_;
};

/// The hashes of a tile as `store` has them now; none where there is no such tile.
Result<std::string> read_tile(const Store& store, const merkle::TileId& tile);

}  // namespace keyledger::projections
