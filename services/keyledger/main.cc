#include <cstdio>
#include <exception>

#include "services/keyledger/command_line.h"

int main(int argc, char** argv) {
  try {
    return keyledger::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keyledger: %s\n", error.what());
    return 1;
  }
}
