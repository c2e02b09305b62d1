#include "services/audit/inspection.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "events/log/codec.h"
#include "projections/merkle/frontier.h"
#include "services/audit/entries.h"

namespace keyledger::audit {
namespace {

using merkle::kTileWidth;

/// An event that is named to whoever asks what is wrong.
struct Suspect {
  std::uint64_t index = 0;
  Position position;

  std::string text() const {
    return "position " + std::to_string(position.value) + " (leaf " + std::to_string(index) + ")";
  }
};

/// The leaf hashes of a read model's tree, asked for in order.
class StoredLeaves {
 public:
  static Result<StoredLeaves> of(const projections::Tree* tree) {
    StoredLeaves leaves;
    leaves.tree_ = tree;
    if (tree == nullptr) return leaves;
    const auto size = tree->size();
    if (!size) return fail(size.error());
    leaves.size_ = *size;
    return leaves;
  }

  std::uint64_t size() const { return size_; }

  /// Nothing beyond its end.
  Result<std::optional<merkle::Hash>> at(std::uint64_t index) {
    if (index >= size_) return std::optional<merkle::Hash>{};
    const merkle::TileId tile{0, index / kTileWidth};
    if (hashes_.empty() || index % kTileWidth == 0) {
      auto read = tree_->tile(tile, merkle::tile_width(tile, size_));
      if (!read) return fail(std::move(read.error()));
      if (!*read) return fail(Errc::damaged, "the read model's tree lacks a tile");
      hashes_ = std::move(**read);
    }
    return std::optional(merkle::hash_at(hashes_, index % kTileWidth));
  }

 private:
  const projections::Tree* tree_ = nullptr;
  std::uint64_t size_ = 0;
  std::string hashes_;
};

std::string count(std::uint64_t events) { return std::to_string(events) + " events"; }

/// What the log turned out to be.
struct Findings {
  merkle::Frontier tree;
  Position last;
  std::map<std::uint64_t, merkle::Hash> roots;  ///< At the sizes that are claimed.
  std::optional<Suspect> difference;  ///< The first that isn't what the read model's tree says.
  Result<void> failure;
};

/// The first of the log's first `size` events that this program can't read. It may be one that was
/// signed as it is and quarantined: so it is a hint where something is wrong, and no more.
std::optional<Suspect> first_unreadable(const log::LogReader& log, std::uint64_t size) {
  std::optional<Suspect> found;
  std::uint64_t index = 0;
  log::Decoder decoder;
  const auto read = for_each_event(log, Position{}, [&](const log::StoredEvent& event) {
    if (index < size && !decoder.decode(event.bytes)) found = {index, event.position};
    return !found && ++index < size;
  });
  return read ? found : std::nullopt;
}

/// What may have been changed among the first `size` events, for the end of a message.
std::string hint(const log::LogReader& log, const Findings& found, std::uint64_t size) {
  if (found.difference && found.difference->index < size) {
    return ": the first event that differs is the one at " + found.difference->text();
  }
  const auto unreadable = first_unreadable(log, size);
  if (!unreadable) return {};
  return ": the first event that can't be read is the one at " + unreadable->text();
}

Result<void> check_claim(const log::LogReader& log, const Claim& claim, const Findings& found) {
  const auto& [origin, size, root] = claim.checkpoint;
  const auto there = found.roots.find(size);
  if (there == found.roots.end()) {
    return fail(Errc::damaged, claim.what + " is of " + count(size) + ", and the log has " +
                                   count(found.tree.size()) + ", the last at position " +
                                   std::to_string(found.last.value) + ": history was removed" +
                                   hint(log, found, size));
  }
  if (there->second == root) return {};
  return fail(Errc::damaged, "the log's first " + count(size) + " are not those of " + claim.what +
                                 ": history was changed" + hint(log, found, size));
}

Result<void> check_tree(const std::vector<Claim>& claims, const Findings& found,
                        std::uint64_t size) {
  if (found.difference) {
    const bool is_signed = std::ranges::any_of(claims, [&](const Claim& claim) {
      return claim.checkpoint.size > found.difference->index;
    });
    return fail(Errc::damaged,
                "the event at " + found.difference->text() +
                    " is not the one that the read model's tree was built from" +
                    (is_signed ? ". The log is the one that was signed: stop the node and run "
                                 "keyledger projection rebuild"
                               : ": history was changed, or the read model was"));
  }
  if (size <= found.tree.size()) return {};
  return fail(Errc::damaged, "the read model was folded from " + count(size) +
                                 ", and the log has " + count(found.tree.size()) +
                                 ", the last at position " + std::to_string(found.last.value) +
                                 ": history was removed");
}

}  // namespace

Result<Inspection> inspect(const log::LogReader& log, const projections::Tree* tree,
                           const std::vector<Claim>& claims) {
  auto stored = StoredLeaves::of(tree);
  if (!stored) return fail(std::move(stored.error()));
  Findings found;
  const auto note_root = [&] {
    const bool claimed = std::ranges::any_of(
        claims, [&](const Claim& claim) { return claim.checkpoint.size == found.tree.size(); });
    if (claimed) found.roots.emplace(found.tree.size(), found.tree.root());
  };
  note_root();
  const auto take = [&](const log::StoredEvent& event) {
    const merkle::Hash leaf = merkle::leaf_hash(event.bytes);
    const std::uint64_t index = found.tree.size();
    if (!found.difference) {
      const auto expected = stored->at(index);
      if (!expected) return found.failure = fail(expected.error()), false;
      if (*expected && **expected != leaf) found.difference = {index, event.position};
    }
    found.tree.append(leaf, [](unsigned, const merkle::Hash&) {});
    found.last = event.position;
    note_root();
    return true;
  };
  if (auto read = for_each_event(log, Position{}, take); !read) return fail(read.error());
  if (!found.failure) return fail(found.failure.error());
  for (const Claim& claim : claims) {
    if (auto holds = check_claim(log, claim, found); !holds) return fail(holds.error());
  }
  if (auto fits = check_tree(claims, found, stored->size()); !fits) return fail(fits.error());
  return Inspection{found.tree.size(), found.last, found.tree.root()};
}

}  // namespace keyledger::audit
