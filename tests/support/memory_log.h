#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "events/log/event_log.h"

namespace keyledger::log {

/// A log in memory that can be told to fail. Holds the contract of EventLog, which the contract
/// suite checks, except that it forgets everything when it is destroyed.
class MemoryLog final : public EventLog {
 public:
  /// What becomes of an append whose outcome the caller is not told.
  enum class Fate { lost, landed };

  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const override;
  Result<Position> end() const override;
  Position known_end() const override { return end().value(); }
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override;
  Result<std::optional<Envelope>> envelope(const KeyId& key) const override;
  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override;
  void stand(std::function<void()> /*on_change*/) override {}
  void resign() override {}
  bool is_elected() const override { return true; }
  Result<void> take_over() override;
  Result<Position> append(const Append& append) override;
  Result<bool> purge() override;

  /// The next append fails with `code`, which is unavailable (nothing is written, and later appends
  /// go on) or outcome_unknown (`fate` says what happened; the log is closed to later appends).
  void fail_next_append(Errc code, Fate fate = Fate::lost);

  /// As opening it anew after a restart: takes appends again.
  void reopen();

  /// Refuses all reads from now on, as a log on another machine does that can't be reached.
  void cut_off();
  /// How often it did.
  std::size_t refused_reads() const;

  /// Makes the event at `position` unreadable.
  void damage(Position position);

 private:
  Position write(const Append& append);

  struct Failure {
    Errc code;
    Fate fate;
  };

  mutable std::mutex mutex_;
  mutable std::condition_variable_any appended_;
  std::vector<std::string> events_;  ///< The one at position 1 first.
  std::map<KeyId, Envelope> envelopes_;
  std::optional<Position> damaged_;
  std::optional<Failure> next_failure_;
  bool is_cut_off_ = false;
  mutable std::size_t refused_reads_ = 0;
  bool closed_ = false;
  bool has_unpurged_ = false;
};

}  // namespace keyledger::log
