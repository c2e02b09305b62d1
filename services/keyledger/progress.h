#pragma once

#include <functional>
#include <string>

#include "projections/projector.h"

namespace keyledger {

/// Shows long work on standard error: on a terminal one line that is written over (position, rate,
/// time left), elsewhere nothing.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what);

  /// To be called as the work goes on. Refers to this object.
  std::function<void(const projections::Progress&)> callback();

  /// Leaves the line, if one was written.
  void end();

 private:
  void show(const projections::Progress& progress);

  std::string what_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace keyledger
