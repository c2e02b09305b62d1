#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "events/result.h"
#include "services/commands/submission.h"

namespace keyledger::commands {

/// A command and where its answer goes, which is asked for once, from any thread.
struct Pending {
  Submission submission;
  std::move_only_function<void(Result<Outcome>)> answer;
};

/// Where commands wait to be decided. Thread safety: all members, from any thread.
class CommandQueue {
 public:
  /// Closed, and for at most `bound` commands.
  explicit CommandQueue(std::size_t bound);

  /// Takes `pending`, or says why not and leaves it: overloaded, or what close() was told.
  std::optional<Error> push(Pending& pending);

  /// Takes commands from now on.
  void open();

  /// Takes no commands from now on, and answers those that wait: `why` says that nothing of them
  /// was written.
  void close(const Error& why);

  /// Takes no commands from now on, for ever; what waits goes on waiting.
  void refuse_new(const Error& why);

  /// The oldest, `most` of them or as many as there are.
  std::vector<Pending> take(std::size_t most);

  /// Puts commands, which nobody decided yet, before all others. Where it is closed they are
  /// answered.
  void put_back(std::vector<Pending> pending);

  bool empty() const { return size() == 0; }
  std::size_t size() const;
  bool is_open() const;

  /// Returns when there are `enough` commands, wake() was called since the last wait, or after
  /// `at_most`. One thread at a time.
  void wait_for_commands(std::size_t enough, std::chrono::nanoseconds at_most);
  /// The same, whether there are commands or not.
  void wait_for_wake(std::chrono::nanoseconds at_most);
  void wake();

 private:
  static constexpr std::size_t kNobodyWaits = SIZE_MAX;

  const std::size_t bound_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> waiting_;  ///< Guarded by mutex_.
  std::optional<Error> closed_;  ///< Guarded by mutex_.
  std::optional<Error> ending_;  ///< Guarded by mutex_.
  bool woken_ = false;           ///< Guarded by mutex_.
  /// How many commands somebody waits for: others needn't wake him. Guarded by mutex_.
  std::size_t enough_ = kNobodyWaits;
};

}  // namespace keyledger::commands
