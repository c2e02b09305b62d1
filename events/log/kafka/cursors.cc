#include "events/log/kafka/cursors.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "events/log/kafka/damage.h"
#include "events/log/kafka/page.h"
#include "events/log/kafka/partition_reader.h"

namespace keyledger::log::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxIdle = 3;
constexpr std::chrono::seconds kIdleFor{10};
constexpr milliseconds kMoreWithin{5'000};
constexpr milliseconds kPollEvery{100};
constexpr milliseconds kAskWithin{3'000};
constexpr std::size_t kBatch = 2'000;

}  // namespace

/// One reading, from the start to where its last page ended. Not thread-safe.
class Cursor {
 public:
  Cursor(std::unique_ptr<PartitionReader> reader, Position position)
      : reader_(std::move(reader)), position_(position) {}

  /// The next page comes after it.
  Position position() const { return position_; }
  steady_clock::time_point used_at() const { return used_at_; }

  /// After an error this cursor is of no more use.
  Result<std::vector<StoredEvent>> next_page(std::size_t max, const Client& asking,
                                             const std::string& topic);

 private:
  /// Whether more came in time.
  bool receive();
  bool has_ended() const { return received_.trouble && received_.trouble->is_end(); }
  Error why_nothing(const Client& asking, const std::string& topic) const;

  std::unique_ptr<PartitionReader> reader_;
  PartitionReader::Batch received_;
  std::size_t given_ = 0;  ///< How many of the messages received were given.
  Position position_;
  steady_clock::time_point used_at_;
};

Result<std::vector<StoredEvent>> Cursor::next_page(std::size_t max, const Client& asking,
                                                   const std::string& topic) {
  Page page(max);
  while (page.has_room()) {
    if (given_ == received_.messages.size()) {
      if (received_.is_last && !page.is_empty()) break;
      if (receive()) continue;
      // What has come may end in the middle of what was appended together.
      if (!has_ended()) return fail(why_nothing(asking, topic));
      break;
    }
    Message& message = received_.messages[given_];
    const Position position = to_position(message->offset);
    if (is_damaged(*message)) {
      if (page.is_empty()) return fail(not_an_event(position, topic));
      break;
    }
    if (!page.has_room_for(message->len)) break;
    page.add({position, std::string(static_cast<const char*>(message->payload), message->len)});
    position_ = position;
    message.reset();
    ++given_;
  }
  used_at_ = steady_clock::now();
  if (page.is_empty()) return fail(why_nothing(asking, topic));
  return std::move(page).events();
}

bool Cursor::receive() {
  const auto deadline = steady_clock::now() + kMoreWithin;
  while (!has_ended() && steady_clock::now() < deadline) {
    auto received = reader_->read(kBatch, kPollEvery);
    // What kept us waiting is told where nothing else comes.
    if (!received.trouble) received.trouble = std::move(received_.trouble);
    received_ = std::move(received);
    given_ = 0;
    if (received_.messages.empty() && !received_.is_last) continue;
    if (!has_ended()) received_.trouble.reset();
    return true;
  }
  return false;
}

Error Cursor::why_nothing(const Client& asking, const std::string& topic) const {
  if (has_ended()) {
    return judge(*received_.trouble, topic, reader_->next(),
                 query_bounds(asking, topic, kAskWithin));
  }
  return reader_->client().unavailable(
      "can't read topic " + topic + " after position " + std::to_string(position_.value),
      received_.trouble ? received_.trouble->text : "no broker gives what lies there");
}

Cursors::Cursors(const Clients& clients, const Client& asking)
    : clients_(clients), asking_(asking) {}

Cursors::~Cursors() = default;

Result<std::vector<StoredEvent>> Cursors::read_after(Position position, std::size_t max) {
  auto cursor = take(position);
  if (!cursor) {
    auto reader = PartitionReader::start(clients_, clients_.topics().events, offset_after(position),
                                         PartitionReader::Pace::in_bulk);
    if (!reader) return fail(std::move(reader.error()));
    cursor = std::make_unique<Cursor>(std::move(*reader), position);
  }
  auto page = cursor->next_page(max, asking_, clients_.topics().events);
  if (page) put_back(std::move(cursor));
  return page;
}

std::unique_ptr<Cursor> Cursors::take(Position position) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      idle_, [&](const auto& cursor) { return cursor->position() == position; });
  if (found == idle_.end()) return nullptr;
  auto cursor = std::move(*found);
  idle_.erase(found);
  return cursor;
}

void Cursors::put_back(std::unique_ptr<Cursor> cursor) {
  std::unique_ptr<Cursor> closed;  // Outside the lock: it waits for librdkafka's threads.
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(cursor));
  if (idle_.size() <= kMaxIdle) return;
  closed = std::move(idle_.front());
  idle_.erase(idle_.begin());
}

void Cursors::close_idle() {
  const auto before = steady_clock::now() - kIdleFor;
  std::vector<std::unique_ptr<Cursor>> closed;  // Outside the lock, as above.
  const std::lock_guard lock(mutex_);
  const auto is_used = [&](const auto& cursor) { return cursor->used_at() > before; };
  const auto used = std::ranges::find_if(idle_, is_used);  // All that follow are, too.
  closed.assign(std::make_move_iterator(idle_.begin()), std::make_move_iterator(used));
  idle_.erase(idle_.begin(), used);
}

}  // namespace keyledger::log::kafka
