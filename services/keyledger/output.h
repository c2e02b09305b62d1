#pragma once

#include <cstdio>
#include <string_view>

#include "events/result.h"

namespace keyledger {

// How a command that isn't `serve` says what it found and how it ended.

/// Says on standard error what went wrong; the exit code for it.
inline int failed(const Error& error) {
  std::fprintf(stderr, "keyledger: %s\n", error.message.c_str());
  return 1;
}

/// Says on standard error what was wrong in the command line; the exit code for it.
inline int misused(std::string_view text) {
  std::fprintf(stderr, "keyledger: %.*s\n", static_cast<int>(text.size()), text.data());
  return 2;
}

inline void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

inline void print_line(std::string_view text) {
  print(text);
  std::fputc('\n', stdout);
}

/// The exit code of what went well. Standard output must have taken everything: a full disk behind
/// a redirection is a failure.
inline int finished() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  std::fprintf(stderr, "keyledger: can't write to standard output\n");
  return 1;
}

}  // namespace keyledger
