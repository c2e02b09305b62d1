#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "services/keyledger/log_options.h"

namespace keyledger {

struct ReplayArguments {
  std::filesystem::path data_dir = "data";
  LogConfig log;
  std::uint64_t after = 0;
  std::string account;
  std::string key;
  std::string actor;  ///< Their subject.
  std::string type;   ///< "KeyRenamed", with or without what stands before it in an event.
  std::string from;
  std::string until;
  std::string format = "ndjson";
};

/// Prints the log's events in order, those that the arguments want, beside a running node. Returns
/// the process's exit code: 1 also where an event can't be read that was not quarantined.
int print_replay(const ReplayArguments& arguments);

}  // namespace keyledger
