#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <vector>

#include "events/log/event_log.h"

namespace keyledger::commands {

/// Another log whose calls can be held back, so that a test knows who waits for what. Thread
/// safety: any thread.
class HeldLog final : public log::EventLog {
 public:
  enum class Call { append, read };

  /// Holds back all calls of one kind until it goes. Make it after what makes those calls.
  class Hold {
   public:
    Hold(HeldLog& log, Call call) : log_(log), call_(call) { log_.set_held(call_, true); }
    ~Hold() { log_.set_held(call_, false); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    void release() { log_.set_held(call_, false); }
    /// Whether somebody is held back within twenty seconds.
    bool wait_until_held() { return log_.wait_until_waiting(call_); }

   private:
    HeldLog& log_;
    const Call call_;
  };

  explicit HeldLog(log::EventLog& log) : log_(log) {}

  Result<std::vector<log::StoredEvent>> read_after(Position position,
                                                   std::size_t max) const override {
    const Passage passage(*this, read_);
    return log_.read_after(position, max);
  }
  Result<Position> end() const override { return log_.end(); }
  Position known_end() const override { return log_.known_end(); }
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override {
    return log_.wait_beyond(position, std::move(stop), timeout);
  }
  Result<std::optional<log::Envelope>> envelope(const KeyId& key) const override {
    return log_.envelope(key);
  }
  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override {
    return log_.envelopes_due(now, max);
  }
  Result<bool> purge() override { return log_.purge(); }
  void stand(std::function<void()> on_change) override { log_.stand(std::move(on_change)); }
  void resign() override { log_.resign(); }
  bool is_elected() const override { return log_.is_elected(); }
  Result<void> take_over() override { return log_.take_over(); }

  Result<Position> append(const log::Append& append) override {
    const Passage passage(*this, append_);
    return log_.append(append);
  }

 private:
  struct Barrier {
    bool held = false;
    int waiting = 0;
    int inside = 0;  ///< Calls that were let pass and have not returned.
  };

  /// A call, from when it is let pass until it returns.
  class Passage {
   public:
    Passage(const HeldLog& log, Barrier& at) : log_(log), at_(at) {
      std::unique_lock lock(log_.mutex_);
      ++at_.waiting;
      log_.changed_.notify_all();
      log_.changed_.wait(lock, [&] { return !at_.held; });
      --at_.waiting;
      ++at_.inside;
    }
    ~Passage() {
      const std::scoped_lock lock(log_.mutex_);
      --at_.inside;
      log_.changed_.notify_all();
    }
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;

   private:
    const HeldLog& log_;
    Barrier& at_;
  };

  Barrier& barrier(Call call) const { return call == Call::append ? append_ : read_; }

  void set_held(Call call, bool held) {
    std::unique_lock lock(mutex_);
    barrier(call).held = held;
    changed_.notify_all();
    // Who was let pass before doesn't count as held.
    if (held) changed_.wait(lock, [&] { return barrier(call).inside == 0; });
  }
  bool wait_until_waiting(Call call) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds{20},
                             [&] { return barrier(call).waiting > 0; });
  }

  log::EventLog& log_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable Barrier append_;  ///< Guarded by mutex_.
  mutable Barrier read_;    ///< Guarded by mutex_.
};

}  // namespace keyledger::commands
