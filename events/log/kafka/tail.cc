#include "events/log/kafka/tail.h"

#include <algorithm>
#include <utility>

#include "events/log/kafka/damage.h"
#include "events/log/kafka/run_search.h"
#include "events/log/pause.h"

namespace keyledger::log::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kOpenWithin{10'000};
constexpr milliseconds kAskWithin{3'000};
constexpr milliseconds kReachWithin{5'000};
/// How often the thread looks whether it is to end, where nothing comes.
constexpr milliseconds kPollEvery{100};
constexpr milliseconds kPause{1'000};
constexpr std::size_t kBatch = 1'000;
/// How far before the log's end an opening begins to read, at first.
constexpr std::int64_t kWindow = 1'024;
constexpr std::int64_t kWindowGrowth = 8;
/// Beyond them, records that were written without a transaction are handed on one by one.
constexpr std::size_t kMaxIncomplete = 65'536;
constexpr std::size_t kMaxIncompleteBytes = std::size_t{16} << 20U;
/// Damage is final, so it is looked at so often before it is believed.
constexpr int kLooks = 3;

}  // namespace

Result<std::unique_ptr<Tail>> Tail::open(const Clients& clients, const Client& asking) {
  const auto deadline = steady_clock::now() + kOpenWithin;
  const std::string& topic = clients.topics().events;
  const auto bounds = query_bounds(asking, topic, kOpenWithin);
  if (!bounds) return fail(bounds.error());

  // Marks of transactions take offsets too: so there may be no event in the window.
  for (std::int64_t window = kWindow;; window *= kWindowGrowth) {
    const std::int64_t from = std::max(bounds->low, bounds->high - window);
    auto reader = PartitionReader::start(clients, topic, from, PartitionReader::Pace::at_once);
    if (!reader) return fail(std::move(reader.error()));
    auto tail = std::unique_ptr<Tail>(new Tail(clients, asking, std::move(*reader), from));
    if (auto done = tail->catch_up(bounds->high, deadline); !done) return fail(done.error());
    if (tail->last() == Position{} && from > bounds->low) continue;
    tail->thread_ =
        std::jthread([self = tail.get()](const std::stop_token& stop) { self->run(stop); });
    return tail;
  }
}

Result<void> Tail::catch_up(std::int64_t end, steady_clock::time_point deadline) {
  while (next() < end) {
    const auto batch = reader_->read(kBatch, kPollEvery);
    take(batch);
    if (batch.trouble && batch.trouble->is_end()) {
      return fail(judge(*batch.trouble, topic_, reader_->next(),
                        query_bounds(asking_, topic_, kAskWithin)));
    }
    if (next() < end && steady_clock::now() > deadline) {
      return fail(reader_->client().unavailable(
          "can't read topic " + topic_,
          batch.trouble ? batch.trouble->text : "no broker gives its newest records"));
    }
  }
  return {};
}

Tail::Tail(const Clients& clients, const Client& asking, std::unique_ptr<PartitionReader> reader,
           std::int64_t from)
    : clients_(clients),
      topic_(clients.topics().events),
      asking_(asking),
      reader_(std::move(reader)),
      recent_(from, clients.options().recent_events, clients.options().recent_bytes),
      next_(from) {}

Tail::~Tail() = default;

void Tail::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!reader_ || doubt_.is_ripe()) {
      start_again(stop);
      continue;
    }
    const auto batch = reader_->read(kBatch, kPollEvery);
    take(batch);
    if (!batch.trouble || !batch.trouble->is_end()) continue;
    examine(stop, *batch.trouble);
    const std::lock_guard lock(mutex_);
    if (damage_) return;
  }
}

void Tail::take(const PartitionReader::Batch& batch) {
  receive(batch);
  const std::size_t whole = count_whole(batch.is_last);
  const auto end = incomplete_.begin() + static_cast<std::ptrdiff_t>(whole);
  const std::int64_t next = end == incomplete_.end() ? reader_->next() : offset_of(end->position);
  bool has_moved = false;
  {
    const std::lock_guard lock(mutex_);
    has_moved = next > next_;
    if (has_moved) trouble_.clear();
    if (batch.trouble) trouble_ = batch.trouble->text;
    next_ = next;
    for (auto received = incomplete_.begin(); received != end; ++received) {
      last_ = received->position;
      incomplete_bytes_ -= received->bytes ? received->bytes->size() : 0;
      recent_.add(received->position, std::move(received->bytes));
    }
  }
  incomplete_.erase(incomplete_.begin(), end);
  if (!has_moved) return;
  failures_ = 0;
  doubt_.settle();
  moved_.notify_all();
}

void Tail::receive(const PartitionReader::Batch& batch) {
  std::uint64_t bytes = 0;
  for (const Message& message : batch.messages) {
    Received received{to_position(message->offset), std::nullopt};
    if (!is_damaged(*message)) {
      received.bytes.emplace(static_cast<const char*>(message->payload), message->len);
      bytes += message->len;
    }
    incomplete_.push_back(std::move(received));
  }
  incomplete_bytes_ += bytes;
  clients_.stats().tailed_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

/// How many of the incomplete records are whole by now. A transaction's records are followed by its
/// mark, which takes an offset; those that were written without one can't be told apart, and have
/// come when there are no more.
std::size_t Tail::count_whole(bool is_last) const {
  if (incomplete_.empty()) return 0;
  const bool is_marked = reader_->next() > offset_of(incomplete_.back().position) + 1;
  const bool is_too_much =
      incomplete_.size() > kMaxIncomplete || incomplete_bytes_ > kMaxIncompleteBytes;
  if (is_last || is_marked || is_too_much) return incomplete_.size();
  for (std::size_t i = incomplete_.size() - 1; i > 0; --i) {
    if (incomplete_[i].position.value > incomplete_[i - 1].position.value + 1) return i;
  }
  return 0;
}

/// The reader has ended. Either that is damage, or another reader may go on.
void Tail::examine(const std::stop_token& stop, const Trouble& trouble) {
  ++failures_;
  for (int looks = 1; !stop.stop_requested(); ++looks) {
    const auto bounds = query_bounds(asking_, topic_, kAskWithin);
    Error error = judge(trouble, topic_, reader_->next(), bounds);
    const bool is_damage = error.code == Errc::damaged;
    const bool is_reread = trouble.kind == Trouble::Kind::bad_checksum;
    // Where a log begins only ever moves on; all else a cluster may say for a moment.
    const bool is_sure =
        (is_reread ? failures_ : looks) >= kLooks || (bounds && bounds->low > reader_->next());
    if (is_damage && is_sure) return give_up(std::move(error));
    {
      const std::lock_guard lock(mutex_);
      trouble_ = std::move(error.message);
    }
    log::pause(stop, kPause);
    if (!is_damage || is_reread) break;
  }
  start_again(stop);
}

void Tail::give_up(Error damage) {
  {
    const std::lock_guard lock(mutex_);
    damage_ = std::move(damage);
  }
  moved_.notify_all();
}

void Tail::start_again(const std::stop_token& stop) {
  reader_.reset();
  incomplete_.clear();
  incomplete_bytes_ = 0;
  auto reader = PartitionReader::start(clients_, topic_, next(), PartitionReader::Pace::at_once);
  if (reader) {
    reader_ = std::move(*reader);
    doubt_.begin();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(reader.error().message);
  }
  log::pause(stop, kPause);
}

std::int64_t Tail::next() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

Position Tail::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

Result<Position> Tail::end() const {
  const std::int64_t known = next();
  const auto bounds = query_bounds(asking_, topic_, kAskWithin);
  if (!bounds) return fail(Errc::unavailable, bounds.error().message);
  if (bounds->high < known) {
    return fail(Errc::unavailable, "kafka: topic " + topic_ + " ends at position " +
                                       std::to_string(bounds->high) + " now, and was read up to " +
                                       std::to_string(known));
  }
  if (auto done = wait_until(bounds->high, steady_clock::now() + kReachWithin); !done) {
    return fail(std::move(done.error()));
  }
  return last();
}

Result<void> Tail::wait_until(std::int64_t offset, steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  moved_.wait_until(lock, deadline, [&] { return next_ >= offset || damage_; });
  if (damage_) return fail(*damage_);
  if (next_ >= offset) return {};
  return fail(lag("the log's end at position " + std::to_string(offset)));
}

Error Tail::lag(const std::string& awaited) const {
  if (damage_) return *damage_;
  const std::string trouble = std::exchange(trouble_, {});  // Told once: it may be over.
  // Else it is somewhere in librdkafka's hands, and beginning anew is all that can be done.
  if (trouble.empty()) doubt_.raise();
  return {Errc::unavailable,
          "kafka: topic " + topic_ + " was read up to position " + std::to_string(next_) +
              ", and not in time to " + awaited + (trouble.empty() ? "" : ": " + trouble),
          {}};
}

bool Tail::wait_beyond(Position position, std::stop_token stop, milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return moved_.wait_for(lock, std::move(stop), timeout, [&] { return last_ > position; });
}

std::optional<Result<std::vector<StoredEvent>>> Tail::read_after(Position position,
                                                                 std::size_t max) const {
  const std::lock_guard lock(mutex_);
  if (!recent_.covers(position)) return std::nullopt;
  auto page = recent_.read_after(position, max, topic_);
  if (page && page->empty() && damage_ && max > 0) return fail(*damage_);
  return page;
}

Position Tail::hold() {
  const std::lock_guard lock(mutex_);
  recent_.hold(last_);
  return last_;
}

void Tail::release() {
  const std::lock_guard lock(mutex_);
  recent_.hold(std::nullopt);
}

Result<Position> Tail::wait_for(Position position, const std::vector<std::string>& events,
                                steady_clock::time_point deadline) const {
  RunSearch search(position, events);
  std::unique_lock lock(mutex_);
  moved_.wait_until(lock, deadline, [&] {
    recent_.visit_after(search.seen(), [&](const StoredEvent& event) { search.see(event); });
    return search.is_found() || damage_;
  });
  if (search.is_found()) return search.seen();
  return fail(lag("what was appended"));
}

}  // namespace keyledger::log::kafka
