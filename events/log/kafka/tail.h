#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "events/log/event_log.h"
#include "events/log/kafka/client.h"
#include "events/log/kafka/doubt.h"
#include "events/log/kafka/partition_reader.h"
#include "events/log/kafka/recent_events.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// Follows the end of the events' topic in a thread of its own, and keeps the newest events. What
/// was appended together is there together, if it was by a transaction. Thread safety: all members,
/// from any thread.
class Tail {
 public:
  /// Blocks until the end of the log as it is now was reached. `asking` tells where that is, and
  /// outlives the tail. Errors: as open_kafka_log().
  static Result<std::unique_ptr<Tail>> open(const Clients& clients, const Client& asking);

  ~Tail();
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  /// The last event that was received.
  Position last() const;

  /// Asks the cluster for the log's end, waits until all before it was received, and returns the
  /// last event's position. Errors: unavailable, damaged.
  Result<Position> end() const;

  /// As LogReader::wait_beyond().
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const;

  /// As LogReader::read_after(); nothing where `position` lies before what is kept.
  std::optional<Result<std::vector<StoredEvent>>> read_after(Position position,
                                                             std::size_t max) const;

  /// Keeps all events after the last until release(), and returns its position. One holder at a
  /// time.
  Position hold();
  void release();

  /// Waits until `events`, which are not none, have come one right behind the other, after
  /// `position`, which is held. Returns the last one's position. Errors: unavailable, damaged.
  Result<Position> wait_for(Position position, const std::vector<std::string>& events,
                            std::chrono::steady_clock::time_point deadline) const;

 private:
  Tail(const Clients& clients, const Client& asking, std::unique_ptr<PartitionReader> reader,
       std::int64_t from);

  /// A record; without bytes where it can't be an event.
  struct Received {
    Position position;
    std::optional<std::string> bytes;
  };

  std::int64_t next() const;

  /// Before the thread begins. Errors: unavailable, damaged.
  Result<void> catch_up(std::int64_t end, std::chrono::steady_clock::time_point deadline);
  void run(const std::stop_token& stop);
  void take(const PartitionReader::Batch& batch);
  void receive(const PartitionReader::Batch& batch);
  std::size_t count_whole(bool is_last) const;
  void examine(const std::stop_token& stop, const Trouble& trouble);
  void give_up(Error damage);
  void start_again(const std::stop_token& stop);

  /// Errors: unavailable, damaged.
  Result<void> wait_until(std::int64_t offset,
                          std::chrono::steady_clock::time_point deadline) const;
  /// Why it is not as far as was waited for. The caller holds the mutex.
  Error lag(const std::string& awaited) const;

  const Clients& clients_;
  const std::string& topic_;
  const Client& asking_;
  std::unique_ptr<PartitionReader> reader_;  ///< The thread's own. Null: it couldn't be started.
  /// The thread's own: the beginning of what was appended together, until its end has come too.
  std::vector<Received> incomplete_;
  std::size_t incomplete_bytes_ = 0;
  int failures_ = 0;  ///< The thread's own: in a row, at one offset.
  mutable Doubt doubt_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  RecentEvents recent_;  ///< This and what follows are guarded by mutex_.
  Position last_;
  std::int64_t next_;            ///< All below this offset is there.
  mutable std::string trouble_;  ///< Why nothing comes at the moment, if that is known.
  std::optional<Error> damage_;  ///< For good: the thread has ended.

  std::jthread thread_;  ///< Last: it uses all of the above.
};

}  // namespace keyledger::log::kafka
