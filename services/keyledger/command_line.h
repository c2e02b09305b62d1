#pragma once

namespace keyledger {

/// Parses the command line, the environment (KEYLEDGER_*) and the configuration file, and runs the
/// command that they name. Returns the process's exit code: 0, 1 (failure), 2 (usage).
int run_command_line(int argc, const char* const* argv);

}  // namespace keyledger
