#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace keyledger {

// The commands that repair a ledger or copy it: by asking the node that runs on the data directory,
// or themselves where none does. Each prints a line of JSON on standard output, what went wrong on
// standard error, and returns the process's exit code.

struct RepairArguments {
  std::filesystem::path data_dir = "data";
  std::uint64_t position = 0;
  std::string reason;
  std::filesystem::path directory;
};

int quarantine_event(const RepairArguments& arguments);
int checkpoint_projection(const RepairArguments& arguments);
int back_up_log(const RepairArguments& arguments);

/// Prints a new sign-in link of the node that runs on the data directory: a line with it alone.
int print_sign_in_link(const RepairArguments& arguments);

}  // namespace keyledger
