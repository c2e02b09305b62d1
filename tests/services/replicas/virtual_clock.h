#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "events/log/boot_clock.h"

namespace keyledger::replicas {

/// A clock that stands still until it is told otherwise. Any thread.
class VirtualClock {
 public:
  using TimePoint = log::BootClock::time_point;

  TimePoint now() const { return TimePoint(std::chrono::nanoseconds(since_.load())); }
  void advance(std::chrono::nanoseconds by) { since_ += by.count(); }

  std::function<TimePoint()> reader() const {
    return [this] { return now(); };
  }

 private:
  std::atomic<std::chrono::nanoseconds::rep> since_{
      std::chrono::nanoseconds(std::chrono::hours{1}).count()};
};

}  // namespace keyledger::replicas
