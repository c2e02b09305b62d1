#pragma once

#include <atomic>
#include <chrono>

namespace keyledger::log::kafka {

/// Whether a reader of a partition that gives nothing is to be begun anew: somebody waited for it
/// in vain, nothing has come since, and it has had the time to connect. Were it begun anew before,
/// none that takes longer than somebody waits would ever come to its first record.
///
/// Thread safety: raise() from any thread; all else from the reader's.
class Doubt {
 public:
  void raise() { is_raised_.store(true); }
  void settle() { is_raised_.store(false); }

  /// There is a new reader.
  void begin() {
    begun_at_ = std::chrono::steady_clock::now();
    settle();
  }

  bool is_ripe() const {
    return is_raised_.load() && std::chrono::steady_clock::now() - begun_at_ > kBeginWithin;
  }

 private:
  /// What a reader may take to connect and to be told of records, on a bad day.
  static constexpr std::chrono::seconds kBeginWithin{10};

  std::atomic<bool> is_raised_{false};
  std::chrono::steady_clock::time_point begun_at_ = std::chrono::steady_clock::now();
};

}  // namespace keyledger::log::kafka
