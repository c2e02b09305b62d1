#include "services/audit/export.h"

#include <array>
#include <fstream>
#include <string>
#include <system_error>

#include "projections/merkle/frontier.h"
#include "services/audit/entries.h"
#include "services/audit/tile_path.h"

namespace keyledger::audit {
namespace {

using merkle::kTileWidth;

Result<void> write_file(const std::filesystem::path& file, std::string_view bytes) {
  std::error_code ec;
  std::filesystem::create_directories(file.parent_path(), ec);
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  out.close();
  if (!ec && out) return {};
  return fail(Errc::io, "can't write " + file.string());
}

/// The files of a tree that grows.
class TileFiles {
 public:
  explicit TileFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Result<void> add(std::string_view event) {
    append_entry(entries_, event);
    Result<void> written;
    tree_.append(merkle::leaf_hash(event), [&](unsigned level, const merkle::Hash& hash) {
      hashes_.at(level) += merkle::bytes_of(hash);
      const std::uint64_t count = merkle::hashes_at(level, tree_.size() + 1);
      if (written && count % kTileWidth == 0) written = write_tile(level, count);
    });
    return written;
  }

  /// Writes what isn't a full tile.
  Result<void> finish() {
    for (unsigned level = 0; level <= merkle::kMaxLevel; ++level) {
      if (hashes_.at(level).empty()) continue;
      auto written = write_tile(level, merkle::hashes_at(level, tree_.size()));
      if (!written) return written;
    }
    return {};
  }

  const merkle::Frontier& tree() const { return tree_; }

 private:
  /// Writes the last tile of a level that has `count` hashes, and forgets it.
  Result<void> write_tile(unsigned level, std::uint64_t count) {
    TilePath what{.entries = false,
                  .tile = {level, (count - 1) / kTileWidth},
                  .width = (count - 1) % kTileWidth + 1};
    auto written = write_file(directory_ / "tile" / tile_path(what), hashes_.at(level));
    hashes_.at(level).clear();
    if (!written || level > 0) return written;
    what.entries = true;
    written = write_file(directory_ / "tile" / tile_path(what), entries_);
    entries_.clear();
    return written;
  }

  const std::filesystem::path directory_;
  merkle::Frontier tree_;
  std::array<std::string, merkle::kMaxLevel + 1> hashes_;  ///< Of the last tile of each level.
  std::string entries_;
};

}  // namespace

Result<void> export_log(const log::LogReader& log, const Checkpoint& checkpoint,
                        std::string_view note, const std::filesystem::path& directory) {
  std::error_code ec;
  if (std::filesystem::exists(directory, ec) && !std::filesystem::is_empty(directory, ec)) {
    return fail(Errc::unavailable, directory.string() + " is not empty: name another directory");
  }
  TileFiles files(directory);
  Result<void> written;
  const auto read = for_each_event(log, Position{}, [&](const log::StoredEvent& event) {
    if (files.tree().size() == checkpoint.size) return false;
    written = files.add(event.bytes);
    return written.has_value();
  });
  if (!read) return read;
  if (written) written = files.finish();
  if (!written) return written;
  if (files.tree().size() != checkpoint.size || files.tree().root() != checkpoint.root) {
    return fail(Errc::damaged,
                "the log is not the one that the checkpoint was signed of: run "
                "keyledger audit verify");
  }
  return write_file(directory / "checkpoint", note);
}

}  // namespace keyledger::audit
