#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/changes.h"
#include "projections/merkle/frontier.h"
#include "projections/merkle/hash.h"
#include "projections/store.h"

namespace keyledger::projections {

/// Grows the Merkle tree over the log's events (design §9), whose i-th leaf is the bytes of the
/// i-th event: the tiles of its hashes, and where its leaves lie in the log. Every event is a leaf,
/// whether the fold applied it, rejected it or passed over it.
///
/// Not thread-safe: the fold's alone.
class TreeGrowth {
 public:
  /// `store` is used until the TreeGrowth is gone.
  explicit TreeGrowth(const Store& store) : store_(store) {}

  /// Adds `events` to a tree of `size` leaves, which is the one that the store holds or the one
  /// that was left here before. `leaves`, if it isn't empty, has their leaf hashes. Errors: io,
  /// damaged.
  Result<void> grow(Changes& changes, std::uint64_t size, std::span<const log::StoredEvent> events,
                    std::span<const merkle::Hash> leaves);

  /// Forgets what is not in the store.
  void reset() { frontier_.reset(); }

 private:
  const Store& store_;
  std::optional<merkle::Frontier> frontier_;
};

}  // namespace keyledger::projections
