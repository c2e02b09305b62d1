#pragma once

#include <cstddef>
#include <string_view>

#include <xxhash.h>

namespace keyledger::projections {

/// Hashes the keys of rows, which are long for what the standard's and Boost's hashes are made for.
struct KeyHash {
  using is_avalanching = void;  ///< Boost's tables need mix it no further.

  std::size_t operator()(std::string_view key) const { return XXH3_64bits(key.data(), key.size()); }
};

}  // namespace keyledger::projections
