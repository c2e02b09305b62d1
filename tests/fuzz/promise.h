#pragma once

#include <cstdio>
#include <cstdlib>

namespace keyledger::fuzz {

/// Ends the run as a finding, and says which promise was broken, unless it `holds`.
inline void promise(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace keyledger::fuzz
