#pragma once

#include <filesystem>
#include <string>

namespace keyledger {

// The commands that make and change key ring files. Each prints what it found on standard output,
// what went wrong on standard error, and returns the process's exit code.

struct KeyRingArguments {
  std::filesystem::path file;
  std::string purpose;
  std::filesystem::path out;
  std::filesystem::path data_dir;
  bool tokens = false;  ///< Also those keys whose use can't be counted.
};

int init_key_ring(const KeyRingArguments& arguments);
int rotate_key_ring(const KeyRingArguments& arguments);
int export_key_ring(const KeyRingArguments& arguments);

/// Takes retired keys out of the ring that nothing uses, and prints what stays, and why.
int prune_key_ring(const KeyRingArguments& arguments);

}  // namespace keyledger
