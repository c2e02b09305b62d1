#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "services/keyledger/log_options.h"

namespace keyledger {

// The commands that look at a deployment without being a node of it. Each prints what it found on
// standard output, what went wrong on standard error, and returns the process's exit code.

struct TokenArguments {
  std::filesystem::path data_dir;
  std::filesystem::path key_ring;
  std::string account;
  std::string username;
  std::string subject;
  std::string scope;
  std::chrono::milliseconds ttl{};
};

struct DataDirArguments {
  std::filesystem::path data_dir = "data";
  LogConfig log;
};

int print_token(const TokenArguments& arguments);
int print_projection_status(const DataDirArguments& arguments);
int print_projection_checksum(const DataDirArguments& arguments);
int rebuild_projection(const DataDirArguments& arguments);
int print_log_status(const DataDirArguments& arguments);

}  // namespace keyledger
