#pragma once

#include <chrono>
#include <string>

#include <CLI/CLI.hpp>

#include "services/keyledger/config.h"

namespace keyledger {

/// Adds an option that takes "500ms", "10s", "2m", "1h" or "1d", from `least` to ten years, and
/// shows what `out` holds as its default.
void add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& out,
                  const std::string& text, std::chrono::milliseconds least = {});

/// What is wrong with `text` as a whole number in decimal that 64 bits hold; empty where nothing
/// is. CLI11 by itself takes what is larger for the largest, a minus for a very large one, and a
/// leading 0 for octal.
std::string check_whole_number(const std::string& text);

/// Adds `serve` with its options, which fill `config` when the command line is parsed.
CLI::App* add_serve(CLI::App& root, ServeConfig& config);

}  // namespace keyledger
