#pragma once

#include <filesystem>
#include <string>

#include "services/keyledger/log_options.h"

namespace keyledger {

// The commands of auditors, which work beside a running node. Each prints what it found on standard
// output, what went wrong on standard error, and returns the process's exit code.

struct AuditArguments {
  std::filesystem::path data_dir = "data";
  LogConfig log;
  std::filesystem::path key_ring;    ///< Where it isn't the data directory's.
  std::string verifier_key;          ///< Instead of a key ring.
  std::filesystem::path since;       ///< A checkpoint that an auditor kept.
  std::filesystem::path checkpoint;  ///< That an export is up to; empty: the one signed last.
  std::filesystem::path directory;   ///< Where an export goes.
};

int print_verifier_key(const AuditArguments& arguments);
int print_checkpoint(const AuditArguments& arguments);
int verify_log(const AuditArguments& arguments);
int export_log(const AuditArguments& arguments);

}  // namespace keyledger
