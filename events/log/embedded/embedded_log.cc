#include "events/log/embedded/embedded_log.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "events/log/embedded/store.h"
#include "events/log/pause.h"

namespace keyledger::log {
namespace {

constexpr std::string_view kClosed =
    "an earlier write to the log failed, so it takes no more: restart keyledger";

/// Reads what the store held when it was opened.
class EmbeddedReader final : public LogReader {
 public:
  explicit EmbeddedReader(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const override {
    return store_->read(position, store_->end_at_opening(), max);
  }

  Result<Position> end() const override { return store_->end_at_opening(); }
  Position known_end() const override { return store_->end_at_opening(); }

  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override {
    if (store_->end_at_opening() > position) return true;
    pause(stop, timeout);
    return false;
  }

  Result<std::optional<Envelope>> envelope(const KeyId& key) const override {
    return store_->envelope(key);
  }

  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override {
    return store_->envelopes_due(now, max);
  }

 private:
  std::unique_ptr<Store> store_;
};

class RocksDbLog final : public EmbeddedLog {
 public:
  explicit RocksDbLog(std::unique_ptr<Store> store)
      : store_(std::move(store)), end_(store_->end_at_opening().value) {}

  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const override {
    return store_->read(position, Position{end_.load()}, max);
  }

  Result<Position> end() const override { return known_end(); }
  Position known_end() const override { return Position{end_.load()}; }

  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override {
    const auto is_beyond = [&] { return end_.load() > position.value; };
    if (is_beyond()) return true;
    std::unique_lock lock(mutex_);
    return end_moved_.wait_for(lock, std::move(stop), timeout, is_beyond);
  }

  Result<std::optional<Envelope>> envelope(const KeyId& key) const override {
    return store_->envelope(key);
  }

  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override {
    return store_->envelopes_due(now, max);
  }

  // Its directory's lock has elected this process.
  void stand(std::function<void()> /*on_change*/) override {}
  void resign() override {}
  bool is_elected() const override { return true; }

  Result<void> take_over() override {
    const std::scoped_lock turn(append_mutex_);
    if (closed_) return fail(Errc::outcome_unknown, std::string(kClosed));
    return {};
  }

  Result<Position> append(const Append& append) override {
    const std::scoped_lock turn(append_mutex_);
    const Position end{end_.load()};
    if (closed_) return fail(Errc::unavailable, std::string(kClosed));
    const auto is_too_long = [](const std::string& event) { return event.size() > kMaxEventBytes; };
    if (std::ranges::any_of(append.events, is_too_long)) {
      return fail(Errc::unavailable, "an event has more than " + std::to_string(kMaxEventBytes) +
                                         " bytes: nothing was written");
    }
    if (append.events.empty() && append.envelopes.empty() && append.erased.empty()) return end;

    auto written = store_->write(append, Position{end.value + 1});
    if (!written) {
      closed_ = written.error().code == Errc::outcome_unknown;
      return fail(std::move(written.error()));
    }
    return move_end_to(Position{end.value + append.events.size()});
  }

  Result<bool> purge() override { return store_->purge(); }
  Result<void> back_up(const std::filesystem::path& directory) const override {
    return store_->back_up(directory);
  }

 private:
  Position move_end_to(Position end) {
    {
      // Under the lock, so that nobody looks before it and sleeps after it.
      const std::lock_guard lock(mutex_);
      end_.store(end.value);
    }
    end_moved_.notify_all();
    return end;
  }

  std::unique_ptr<Store> store_;
  std::mutex append_mutex_;
  bool closed_ = false;  ///< Guarded by append_mutex_.
  std::atomic<std::uint64_t> end_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any end_moved_;
};

}  // namespace

Result<std::unique_ptr<EmbeddedLog>> open_embedded_log(const std::filesystem::path& directory) {
  auto store = Store::open(directory);
  if (!store) return fail(std::move(store.error()));
  return make_embedded_log(std::move(*store));
}

std::unique_ptr<EmbeddedLog> make_embedded_log(std::unique_ptr<Store> store) {
  return std::make_unique<RocksDbLog>(std::move(store));
}

Result<std::unique_ptr<LogReader>> open_embedded_log_for_reading(
    const std::filesystem::path& directory) {
  auto store = Store::open_for_reading(directory);
  if (!store) return fail(std::move(store.error()));
  return std::make_unique<EmbeddedReader>(std::move(*store));
}

}  // namespace keyledger::log
