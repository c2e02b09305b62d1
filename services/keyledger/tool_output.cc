#include "services/keyledger/tool_output.h"

#include <cstdio>

namespace keyledger {

int failed(const Error& error) {
  complain(error.message);
  return 1;
}

int finished() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  complain("can't write to standard output");
  return 1;
}

void complain(const std::string& line) { std::fprintf(stderr, "keyledger: %s\n", line.c_str()); }

}  // namespace keyledger
