#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace keyledger {

// Where options come from besides the command line. What is wrong is thrown as a CLI::ParseError
// that names it, like what is wrong on the command line.

/// Gives every option of `app` its environment variable: --data-dir is KEYLEDGER_DATA_DIR.
void name_environment_variables(CLI::App& app);

/// Refuses a KEYLEDGER_* variable that is no option of `app`: it would be a typing error that
/// nobody sees. The variables that Kubernetes and Docker make for a service named keyledger
/// (KEYLEDGER_PORT…, KEYLEDGER_SERVICE_…) are theirs.
void check_environment(const CLI::App& app);

/// What the TOML file of --config says about options that neither flags nor environment have named,
/// as arguments. `app` was parsed. Refuses what is no option of it.
std::vector<std::string> read_option_file(const CLI::App& app);

}  // namespace keyledger
