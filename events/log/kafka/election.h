#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include "events/log/kafka/client.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// Who should write: the member of the group `<prefix>-writers` that has the only partition of the
/// writer's topic, which is empty. Thread safety: all members, from any thread, but stand() and
/// resign() not beside each other.
class Election {
 public:
  /// `clients` outlives it.
  explicit Election(const Clients& clients) : clients_(clients) {}
  ~Election() { resign(); }
  Election(const Election&) = delete;
  Election& operator=(const Election&) = delete;

  /// As EventLog's. Standing again takes the other `on_change`. Not in `on_change`.
  void stand(std::function<void()> on_change);
  void resign();
  bool is_elected() const { return is_elected_.load(); }

 private:
  void run(const std::stop_token& stop);
  Result<Client> join() const;
  /// Until it has to join anew, or `stop`.
  void take_part(const Client& member, const std::stop_token& stop);
  void leave(Client member);
  void close(const Client& member);
  void handle(const Client& member, const rd_kafka_event_t& event);
  void set_elected(bool elected);

  const Clients& clients_;
  std::atomic<bool> is_elected_{false};
  std::function<void()> on_change_;  ///< The thread's own while it runs,
  /// and so is this: when the partition was taken back that wasn't given out since.
  std::optional<std::chrono::steady_clock::time_point> taken_back_at_;
  std::jthread thread_;
};

}  // namespace keyledger::log::kafka
