#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "events/log/replica_registry.h"
#include "events/log/replica_table.h"

namespace keyledger::log {

class MemoryReplicas;

/// What several MemoryReplicas write to and read from. Outlives them.
class ReplicaTopic {
 private:
  friend class MemoryReplicas;
  /// Held while followers are told of a change, and the other never is: they may hold a lock of
  /// their own when they read. Taken before it.
  std::recursive_mutex telling_;
  std::recursive_mutex mutex_;
  std::vector<ReplicaRecord> records_;
  std::vector<MemoryReplicas*> readers_;
};

/// A registry in memory, of one process, that can be told to fail. Holds the contract of
/// ReplicaRegistry, which the contract suite checks, while its switches are as at first.
class MemoryReplicas final : public ReplicaRegistry {
 public:
  using Clock = BootClock;

  MemoryReplicas(ReplicaTopic& topic, std::string run,
                 std::function<Clock::time_point()> now = Clock::now);
  ~MemoryReplicas() override;

  Result<void> announce(const Replica& replica) override;
  Result<void> withdraw(const std::string& node) override;
  Result<std::vector<KnownReplica>> read_to_end() override;
  Result<std::vector<KnownReplica>> known() const override;
  void on_change(std::function<void()> listener) override;

  /// Reads all that is there.
  void read();

  /// Calls the listener as if something had changed.
  void touch() const;

  std::size_t announcements() const { return announcements_; }

  // Switches. Each as it says from the next call on.
  std::atomic<bool> is_reachable{true};  ///< Else nothing is written, or read.
  std::atomic<bool> is_following{
      true};  ///< Reads what others write when they do. Else in read() alone.
  std::atomic<bool> loses_answers{false};  ///< What is announced lands, and yet fails.
  /// Called in announce() before the record is written, and before the call returns.
  std::function<void()> before_write = [] {};
  std::function<void()> after_write = [] {};
  /// Called in read_to_end() when all that it must have was read.
  std::function<void()> after_read = [] {};

 private:
  void write(const std::string& node, std::optional<Replica> replica);

  ReplicaTopic& topic_;
  const std::string run_;
  const std::function<Clock::time_point()> now_;
  std::atomic<std::size_t> announcements_{0};
  std::uint64_t sequence_ = 0;  ///< This and what follows are guarded by the topic's mutex.
  std::size_t next_ = 0;
  ReplicaTable table_;
  std::function<void()> listener_;  ///< Guarded by the topic's telling_.
};

}  // namespace keyledger::log
