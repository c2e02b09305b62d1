#pragma once

#include <chrono>
#include <cstdint>

#include "events/result.h"
#include "projections/read_model.h"

namespace keyledger::projections {

/// Looks at the clock now and then while many rows are read.
class Patience {
 public:
  explicit Patience(Deadline deadline) : deadline_(deadline) {}

  /// Errors: unavailable, once the deadline has passed.
  Result<void> check() {
    constexpr std::uint32_t kRows = 256;
    if (++rows_ % kRows != 0 || std::chrono::steady_clock::now() < deadline_) return {};
    return fail(Errc::unavailable,
                "reading all of this takes longer than a request may; ask for less of it");
  }

 private:
  const Deadline deadline_;
  std::uint32_t rows_ = 0;
};

}  // namespace keyledger::projections
