#include "services/keyledger/tool_output.h"

#include <cstdio>

namespace keyledger {

int failed(const Error& error) {
  complain(error.message);
  return 1;
}

int misused(std::string_view text) {
  complain(std::string(text));
  return 2;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_line(std::string_view text) {
  print(text);
  std::fputc('\n', stdout);
}

int finished() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  complain("can't write to standard output");
  return 1;
}

void complain(const std::string& line) { std::fprintf(stderr, "keyledger: %s\n", line.c_str()); }

}  // namespace keyledger
