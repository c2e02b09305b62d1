#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "projections/projector.h"
#include "services/logging/logger.h"

namespace keyledger {

/// Shows long work on standard error: on a terminal one line that is written over (position, rate,
/// time left), elsewhere in the log every ten seconds, where there is one.
class ProgressLine {
 public:
  /// `logger` is used until this object is gone.
  explicit ProgressLine(std::string what, logging::Logger* logger = nullptr);

  /// To be called as the work goes on. Refers to this object.
  std::function<void(const projections::Progress&)> callback();

  /// Leaves the line, if one was written.
  void end();

 private:
  void show(const projections::Progress& progress);
  void log(const projections::Progress& progress);

  std::string what_;
  logging::Logger* logger_;
  std::chrono::steady_clock::time_point logged_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace keyledger
