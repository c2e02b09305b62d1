// What auditors hand in: tile paths, checkpoints, signed notes and verifier keys.

#include <cstdint>
#include <fuzzer/FuzzedDataProvider.h>
#include <string>
#include <string_view>

#include "projections/merkle/tile.h"
#include "services/audit/checkpoint.h"
#include "services/audit/tile_path.h"
#include "services/security/note.h"
#include "tests/fuzz/promise.h"

namespace keyledger {
namespace {

using audit::TilePath;
using fuzz::promise;
using security::NoteSigner;
using security::open_note;

/// The key under which the seeds' notes were signed; it guards nothing.
const NoteSigner& signer() {
  static const NoteSigner signer("keyledger/fuzz", "the seed of a key for fuzz tests");
  return signer;
}

void check_claimed_path(std::string_view text) {
  const auto path = audit::parse_tile_path(text);
  if (!path) return;
  promise(audit::tile_path(*path) == text, "a tile has one path");
  promise(path->tile.level <= merkle::kMaxLevel, "a level is one of a tree");
  promise(!path->entries || path->tile.level == 0, "entries are of level 0");
  promise(path->width >= 1 && path->width <= merkle::kTileWidth, "a tile has 1 to 256 hashes");
  promise(path->tile.index <= UINT64_MAX / merkle::kTileWidth, "a tile's leaves can be counted");
}

void check_made_path(FuzzedDataProvider& choices) {
  TilePath path;
  path.entries = choices.ConsumeBool();
  if (!path.entries)
    path.tile.level = choices.ConsumeIntegralInRange<unsigned>(0, merkle::kMaxLevel);
  path.tile.index =
      choices.ConsumeIntegralInRange<std::uint64_t>(0, UINT64_MAX / merkle::kTileWidth);
  path.width = choices.ConsumeIntegralInRange<std::uint64_t>(1, merkle::kTileWidth);
  promise(audit::parse_tile_path(audit::tile_path(path)) == path, "a path is read as it is made");
}

void check_claimed_checkpoint(std::string_view text) {
  const auto checkpoint = audit::parse_checkpoint(text);
  if (!checkpoint) {
    promise(checkpoint.error().code == Errc::malformed, "a checkpoint is good or malformed");
    return;
  }
  promise(text.starts_with(audit::checkpoint_text(*checkpoint)), "a checkpoint has one form");
}

/// `note` may be anything, and `key` too.
void check_claimed_note(std::string_view note, std::string_view key) {
  const auto text = open_note(note, key);
  if (!text) {
    promise(text.error().code == Errc::malformed || text.error().code == Errc::unauthenticated,
            "a note is good, malformed or not authentic");
    return;
  }
  promise(note.starts_with(*text) && text->ends_with('\n'), "a note has its text in front");
  if (key != signer().verifier_key()) return;
  const std::string line = signer().sign(*text).substr(text->size() + 1);
  promise(note.substr(text->size()).contains(line), "a text that is read was signed");
}

void check_made_note(std::string text, FuzzedDataProvider& choices) {
  text += '\n';
  const std::string key = signer().verifier_key();
  const std::string note = signer().sign(text);
  promise(open_note(note, key) == text, "a note is read as it was signed");
  promise(open_note(note + "\xe2\x80\x94 witness AAAA\n", key) == text, "others may sign as well");
  std::string changed = note;
  const auto at = choices.ConsumeIntegralInRange<std::size_t>(0, note.size() - 1);
  changed[at] = static_cast<char>(changed[at] ^ (1 << choices.ConsumeIntegralInRange(0, 7)));
  const std::string_view cut = std::string_view(note).substr(0, at);
  // Where the text is a note itself, that one may be what is left.
  promise(open_note(changed, key) != text, "a note with one bit changed is bad");
  promise(open_note(cut, key) != text, "a note that was cut off is bad");
  check_claimed_note(changed, key);
  check_claimed_note(cut, key);
  std::string other = key;
  const auto where = choices.ConsumeIntegralInRange<std::size_t>(0, key.size() - 1);
  other[where] = static_cast<char>(other[where] ^ (1 << choices.ConsumeIntegralInRange(0, 7)));
  promise(!open_note(note, other), "a key with one bit changed verifies nothing");
}

}  // namespace
}  // namespace keyledger

/// A verifier key, a line feed, and what is taken for a path, a checkpoint and a note each; empty
/// in the place of the key stands for the seeds' own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string whole(reinterpret_cast<const char*>(data), size);
  const auto line_feed = whole.find('\n');
  const std::string key = whole.substr(0, line_feed);
  const std::string text = line_feed == whole.npos ? "" : whole.substr(line_feed + 1);
  FuzzedDataProvider choices(data, size);
  keyledger::check_claimed_path(text);
  keyledger::check_made_path(choices);
  keyledger::check_claimed_checkpoint(text);
  keyledger::check_claimed_note(text, key.empty() ? keyledger::signer().verifier_key() : key);
  // Signing and verifying take longer than all the rest: once in a while.
  if (choices.ConsumeIntegralInRange(0, 15) == 0) keyledger::check_made_note(text, choices);
  return 0;
}
