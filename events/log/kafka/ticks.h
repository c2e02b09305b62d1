#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "events/log/kafka/client.h"
#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::log::kafka {

/// Drives the compaction that takes erased values from the brokers' disks. Kafka compacts only what
/// lies before the segment that is written to, and begins another segment only when something is
/// written: so after an erasure on a topic that is idle, the value would lie there for ever. Thread
/// safety: all members, from any thread.
class Ticks {
 public:
  /// `clients` outlives it.
  explicit Ticks(const Clients& clients);
  ~Ticks() = default;
  Ticks(const Ticks&) = delete;
  Ticks& operator=(const Ticks&) = delete;

  /// Writes a small record to the topic of the secrets every second, for as long as compaction may
  /// take after `erased_at`. Returns at once. That a tick fails is no error: another follows.
  void follow(Instant erased_at);

 private:
  void run(const std::stop_token& stop);
  void tick_until_end(const std::stop_token& stop);
  Result<void> tick(const Client& client) const;
  bool is_due() const;

  const Clients& clients_;
  mutable std::mutex mutex_;
  std::condition_variable_any wanted_;
  Instant end_;  ///< Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace keyledger::log::kafka
