// Appends the lines of standard input, whatever they are, to the log of a data directory on which
// no node runs: each as the bytes of an event, all at once. Prints the position of the last. usage:
// append_raw DATA_DIR

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

#include "events/log/embedded/embedded_log.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: append_raw DATA_DIR\n");
    return 2;
  }
  const auto log = keyledger::log::open_embedded_log(std::filesystem::path(argv[1]) / "log");
  if (!log) {
    std::fprintf(stderr, "append_raw: %s\n", log.error().message.c_str());
    return 1;
  }
  keyledger::log::Append append;
  for (std::string line; std::getline(std::cin, line);) append.events.push_back(line);
  const auto position = (*log)->append(append);
  if (!position) {
    std::fprintf(stderr, "append_raw: %s\n", position.error().message.c_str());
    return 1;
  }
  std::printf("%ju\n", static_cast<std::uintmax_t>(position->value));
  return 0;
}
