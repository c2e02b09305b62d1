#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "services/security/key_ring.h"

namespace keyledger::fuzz {

/// The key ring in tests/fuzz/key_ring.json, under which the seeds were made. It is nobody's
/// secret. Git keeps no mode, so it is read from a copy that is its owner's alone.
inline security::KeyRing fixed_ring() {
  std::ifstream file(KEYLEDGER_FUZZ_RING, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::string copy = std::filesystem::temp_directory_path() / "keyledger-fuzz-XXXXXX";
  const int descriptor = ::mkstemp(copy.data());
  if (descriptor < 0) throw std::runtime_error("can't make " + copy);
  const auto written = ::write(descriptor, text.data(), text.size());
  ::close(descriptor);
  auto ring = security::KeyRing::load(copy);
  std::filesystem::remove(copy);
  if (written != static_cast<ssize_t>(text.size()) || !ring) {
    throw std::runtime_error("can't read " KEYLEDGER_FUZZ_RING);
  }
  return *std::move(ring);
}

}  // namespace keyledger::fuzz
