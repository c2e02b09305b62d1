#pragma once

#include <chrono>
#include <iomanip>
#include <iostream>

#include "tests/services/commands/simulation/virtual_time.h"

namespace keyledger::commands::simulation {

/// Tells on standard output what happens in a run, a line each, if anybody wants to read it.
class Trace {
 public:
  Trace(const VirtualTime& time, bool is_on) : time_(time), is_on_(is_on) {}

  bool is_on() const { return is_on_; }

  template <typename... Parts>
  void operator()(const Parts&... parts) const {
    if (!is_on_) return;
    const std::chrono::duration<double> at = time_.since_begin();
    std::cout << std::fixed << std::setprecision(6) << std::setw(11) << at.count() << "  ";
    (std::cout << ... << parts) << '\n';
  }

 private:
  const VirtualTime& time_;
  const bool is_on_;
};

}  // namespace keyledger::commands::simulation
