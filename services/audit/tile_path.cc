#include "services/audit/tile_path.h"

#include <charconv>

namespace keyledger::audit {
namespace {

constexpr std::string_view kEntries = "entries/";
constexpr std::string_view kPartial = ".p/";
constexpr std::uint64_t kMaxIndex = UINT64_MAX / merkle::kTileWidth;

/// A decimal number without zeros before it.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  const bool padded = text.size() > 1 && text.front() == '0';
  if (text.empty() || padded || error != std::errc{} || end != text.end()) return std::nullopt;
  return value;
}

/// A tile's number: groups of three digits, all but the last behind an x.
std::optional<std::uint64_t> index(std::string_view text) {
  std::uint64_t value = 0;
  for (bool last = false; !last;) {
    last = !text.starts_with('x');
    if (!last) text.remove_prefix(1);
    if (text.size() < 3) return std::nullopt;
    for (const char digit : text.substr(0, 3)) {
      if (digit < '0' || digit > '9') return std::nullopt;
      value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    text.remove_prefix(3);
    if (last) break;
    if (value == 0 || value > kMaxIndex / 1000 || !text.starts_with('/')) return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty() || value > kMaxIndex) return std::nullopt;
  return value;
}

}  // namespace

std::optional<TilePath> parse_tile_path(std::string_view path) {
  TilePath what;
  what.entries = path.starts_with(kEntries);
  if (what.entries) {
    path.remove_prefix(kEntries.size());
  } else {
    const auto slash = path.find('/');
    const auto level = number(path.substr(0, slash));
    if (slash == path.npos || !level || *level > merkle::kMaxLevel) return std::nullopt;
    what.tile.level = static_cast<unsigned>(*level);
    path.remove_prefix(slash + 1);
  }
  if (const auto partial = path.find(kPartial); partial != path.npos) {
    const auto width = number(path.substr(partial + kPartial.size()));
    if (!width || *width == 0 || *width >= merkle::kTileWidth) return std::nullopt;
    what.width = *width;
    path = path.substr(0, partial);
  }
  const auto at = index(path);
  if (!at) return std::nullopt;
  what.tile.index = *at;
  return what;
}

std::string tile_path(const TilePath& what) {
  std::string groups;
  std::uint64_t rest = what.tile.index;
  for (bool last = true;; last = false) {
    const std::string digits = std::to_string(1000 + rest % 1000).substr(1);
    groups = last ? digits : "x" + digits + "/" + groups;
    rest /= 1000;
    if (rest == 0) break;
  }
  std::string path = what.entries ? std::string(kEntries) : std::to_string(what.tile.level) + '/';
  path += groups;
  if (what.width < merkle::kTileWidth) path.append(kPartial).append(std::to_string(what.width));
  return path;
}

}  // namespace keyledger::audit
