#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "events/log/boot_clock.h"
#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::log {

/// What a validating node says of itself to those who wait until it has applied something.
struct Replica {
  std::string node;                 ///< Its id: one of a deployment's, the same after a restart.
  Position position;                ///< All up to here is applied.
  std::chrono::milliseconds lease;  ///< It doesn't validate longer than this after saying so.
  std::string url;                  ///< Where it is reached.
  std::string roles;                ///< "command,query,verify": those that it has.
  bool operator==(const Replica&) const = default;
};

/// A replica as a registry knows it.
struct KnownReplica {
  Replica replica;
  /// The process that said so: another at each start. Two of one node may be there at once, where
  /// one was replaced while it was only believed to be dead; each has a lease of its own.
  std::string run;
  /// When this process first saw that record, and so some time after it was sent: a lease that is
  /// counted from here ends after the replica's own, which counts from before it sent.
  BootClock::time_point read_at;
  Instant announced_at;  ///< By the replica's wall clock: for people, never to be judged by.
  bool is_own = false;   ///< It was announced by this registry object.
};

/// Which nodes may validate, and how far each has applied the log. The order of its records against
/// the log's is what a revocation's "applied everywhere" rests on: see docs/architecture.md.
///
/// Thread safety: all members, from any thread.
class ReplicaRegistry {
 public:
  ReplicaRegistry() = default;
  ReplicaRegistry(const ReplicaRegistry&) = delete;
  ReplicaRegistry& operator=(const ReplicaRegistry&) = delete;
  virtual ~ReplicaRegistry() = default;

  /// Puts `replica` in the place of what this object announced before. Returns when every
  /// read_to_end() that begins from now on will have it; blocks for a third of its lease at most,
  /// and for three seconds. Errors: unavailable (it may get there later).
  virtual Result<void> announce(const Replica& replica) = 0;

  /// Takes away what this object announced for `node`. Blocks for three seconds at most.
  /// Errors: unavailable (it may be taken away later).
  virtual Result<void> withdraw(const std::string& node) = 0;

  /// All that was announced before this call, and perhaps more, without what was withdrawn; also
  /// those whose lease has run out. Asks another machine, and blocks for several seconds at most.
  /// Errors: unavailable.
  virtual Result<std::vector<KnownReplica>> read_to_end() = 0;

  /// What has been read by now, without asking anybody. Errors: unavailable (what was read is
  /// incomplete: it is being read anew).
  virtual Result<std::vector<KnownReplica>> known() const = 0;

  /// Has `listener` called from another thread whenever known() may have changed, in the place of
  /// an earlier one. With none, returns when no call of the earlier one is under way.
  virtual void on_change(std::function<void()> listener) = 0;
};

}  // namespace keyledger::log
