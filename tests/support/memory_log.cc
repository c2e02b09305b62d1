#include "tests/support/memory_log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace keyledger::log {
namespace {

constexpr std::size_t kPageBytes = std::size_t{1} << 20U;

}  // namespace

Result<std::vector<StoredEvent>> MemoryLog::read_after(Position position, std::size_t max) const {
  const std::lock_guard lock(mutex_);
  if (is_cut_off_) {
    ++refused_reads_;
    return fail(Errc::unavailable, "the log can't be reached");
  }
  std::vector<StoredEvent> page;
  std::size_t bytes = 0;
  for (std::uint64_t i = position.value; i < events_.size() && page.size() < max; ++i) {
    const Position at{i + 1};
    if (at == damaged_) {
      if (!page.empty()) break;
      return fail(Errc::damaged,
                  "the event at position " + std::to_string(at.value) + " can't be read");
    }
    bytes += events_[i].size();
    if (bytes > kPageBytes && !page.empty()) break;
    page.push_back({at, events_[i]});
  }
  return page;
}

Result<Position> MemoryLog::end() const {
  const std::lock_guard lock(mutex_);
  return Position{events_.size()};
}

bool MemoryLog::wait_beyond(Position position, std::stop_token stop,
                            std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return appended_.wait_for(lock, std::move(stop), timeout,
                            [&] { return events_.size() > position.value; });
}

Result<std::optional<Envelope>> MemoryLog::envelope(const KeyId& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = envelopes_.find(key);
  if (found == envelopes_.end()) return std::nullopt;
  return found->second;
}

Result<std::vector<KeyId>> MemoryLog::envelopes_due(Instant now, std::size_t max) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<Instant, KeyId>> due;
  for (const auto& [key, envelope] : envelopes_) {
    if (envelope.erase_after && *envelope.erase_after <= now) {
      due.emplace_back(*envelope.erase_after, key);
    }
  }
  std::ranges::sort(due);
  if (due.size() > max) due.resize(max);
  std::vector<KeyId> keys;
  keys.reserve(due.size());
  for (auto& [erase_after, key] : due) keys.push_back(std::move(key));
  return keys;
}

Result<void> MemoryLog::take_over() {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(Errc::outcome_unknown, "an earlier append failed: open the log anew");
  return {};
}

Result<Position> MemoryLog::append(const Append& append) {
  const std::lock_guard lock(mutex_);
  if (closed_) return fail(Errc::unavailable, "an earlier append failed: open the log anew");
  const auto is_too_long = [](const std::string& event) { return event.size() > kMaxEventBytes; };
  if (std::ranges::any_of(append.events, is_too_long)) {
    return fail(Errc::unavailable, "an event is too long: nothing was written");
  }
  const auto failure = std::exchange(next_failure_, std::nullopt);
  if (!failure) return write(append);
  closed_ = failure->code == Errc::outcome_unknown;
  if (closed_ && failure->fate == Fate::landed) write(append);
  return fail(failure->code, "told to fail");
}

Result<bool> MemoryLog::purge() {
  const std::lock_guard lock(mutex_);
  return std::exchange(has_unpurged_, false);
}

void MemoryLog::fail_next_append(Errc code, Fate fate) {
  const std::lock_guard lock(mutex_);
  next_failure_ = Failure{code, fate};
}

void MemoryLog::reopen() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
}

void MemoryLog::cut_off() {
  const std::lock_guard lock(mutex_);
  is_cut_off_ = true;
}

std::size_t MemoryLog::refused_reads() const {
  const std::lock_guard lock(mutex_);
  return refused_reads_;
}

void MemoryLog::damage(Position position) {
  const std::lock_guard lock(mutex_);
  damaged_ = position;
}

/// The caller holds the mutex.
Position MemoryLog::write(const Append& append) {
  events_.insert(events_.end(), append.events.begin(), append.events.end());
  for (const Envelope& envelope : append.envelopes) {
    envelopes_.insert_or_assign(envelope.key, envelope);
  }
  for (const KeyId& key : append.erased) envelopes_.erase(key);
  has_unpurged_ = has_unpurged_ || !append.erased.empty();
  if (!append.events.empty()) appended_.notify_all();
  return Position{events_.size()};
}

}  // namespace keyledger::log
