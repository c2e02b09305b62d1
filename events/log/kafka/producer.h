#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "events/log/event_log.h"
#include "events/log/kafka/client.h"
#include "events/log/kafka/tail.h"
#include "events/result.h"

namespace keyledger::log::kafka {

class Secrets;
class Transactions;

/// The one writer's side of the log. Kafka itself fences: of all producers that open with the
/// log's one transactional id, only the last can commit. Thread safety: any thread; calls take
/// turns.
class Producer {
 public:
  /// All outlive it. `secrets` may be null.
  Producer(const Clients& clients, Tail& tail, Secrets* secrets);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// As EventLog::take_over().
  Result<void> take_over();

  /// As EventLog::append().
  Result<Position> append(const Append& append);

  /// Whether append() may go well.
  bool is_open() const { return is_open_.load(); }

  /// When this writer last erased an envelope, or took over from one that may have.
  Instant erased_at() const { return erased_at_.load(); }

 private:
  Result<Position> write(const Append& append);
  Result<void> commit(const Append& append);
  void close();

  const Clients& clients_;
  Tail& tail_;
  Secrets* const secrets_;
  const std::string name_;  ///< No other producer has it.
  std::mutex turn_;
  std::unique_ptr<Transactions>
      transactions_;  ///< Guarded by turn_. None: take_over() comes first.
  std::atomic<bool> is_open_{false};
  std::atomic<Instant> erased_at_{Instant{}};
  std::uint64_t appends_ = 0;  ///< Guarded by turn_.
};

}  // namespace keyledger::log::kafka
