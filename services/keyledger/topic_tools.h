#pragma once

#include <filesystem>
#include <optional>

#include "services/keyledger/log_options.h"

namespace keyledger {

struct TopicsArguments {
  LogConfig log;
  std::optional<int> replication;
};

struct CopyArguments {
  LogConfig log;
  std::filesystem::path data_dir = "data";
};

// All print what they found on standard output, what is wrong on standard error, and return the
// process's exit code.
int create_topics(const TopicsArguments& arguments);
int check_topics(const TopicsArguments& arguments);
int copy_log_into_kafka(const CopyArguments& arguments);

}  // namespace keyledger
