#pragma once

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

 private:
  Result<Position> write(const Append& append);
  Result<void> commit(const Append& append);

  const Clients& clients_;
  Tail& tail_;
  Secrets* const secrets_;
  const std::string name_;  ///< No other producer has it.
  std::mutex turn_;
  std::unique_ptr<Transactions>
      transactions_;           ///< Guarded by turn_. None: take_over() comes first.
  std::uint64_t appends_ = 0;  ///< Guarded by turn_.
};

}  // namespace keyledger::log::kafka
