#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>

namespace keyledger::commands::simulation {

/// All that a run leaves to chance: the same seed gives the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }
  std::size_t between(std::size_t least, std::size_t most) {
    return least + below(most - least + 1);
  }
  std::chrono::microseconds between(std::chrono::microseconds least,
                                    std::chrono::microseconds most) {
    const auto range = static_cast<std::size_t>((most - least).count());
    return least + std::chrono::microseconds(below(range + 1));
  }

  /// True in this share of all cases.
  bool chance(double share) { return static_cast<double>(engine_() >> 11U) * 0x1p-53 < share; }

  template <typename Container>
  auto& pick(Container& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace keyledger::commands::simulation
