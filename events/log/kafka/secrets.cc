#include "events/log/kafka/secrets.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

namespace keyledger::log::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAskWithin{3'000};
constexpr milliseconds kReachWithin{3'000};
constexpr milliseconds kPollEvery{100};
constexpr milliseconds kPause{1'000};
constexpr std::size_t kBatch = 1'000;

/// A copy that was away from the topic's end for longer is thrown away. For compaction takes a
/// tombstone away too, `delete.retention.ms` after it took what the tombstone erased: who read the
/// value before and comes back after that would never be told. The topic's setting is twice this
/// (topic_plan.cc), and checked at every start.
constexpr std::chrono::hours kTombstonesStay{12};
/// How often a copy that has nothing to read makes sure that it is at the end.
constexpr std::chrono::minutes kConfirmEvery{1};

Instant now() {
  return std::chrono::time_point_cast<Instant::duration>(std::chrono::system_clock::now());
}

std::string_view text_of(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

/// The last header of that name; nothing if there is none.
std::optional<std::string_view> header_of(const rd_kafka_message_t& message, const char* name) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return std::nullopt;
  }
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return std::nullopt;
  }
  return text_of(value, size);
}

Envelope to_envelope(const KeyId& key, const rd_kafka_message_t& message) {
  Envelope envelope{key, std::string(text_of(message.payload, message.len)), std::nullopt};
  if (const auto text = header_of(message, kEraseAfterHeader)) {
    std::int64_t microseconds = 0;
    std::from_chars(text->data(), text->data() + text->size(), microseconds);
    envelope.erase_after = Instant{std::chrono::microseconds{microseconds}};
  }
  return envelope;
}

/// What the messages come to: of each key the last counts.
Append fold(const std::vector<Message>& messages) {
  std::map<std::string_view, const rd_kafka_message_t*> last;
  for (const Message& message : messages) {
    const auto key = text_of(message->key, message->key_len);
    if (key.starts_with("key_")) last[key] = message.get();  // Not a tick.
  }
  Append append;
  for (const auto& [key, message] : last) {
    KeyId id{std::string(key)};
    if (message->payload == nullptr) {
      append.erased.push_back(std::move(id));
    } else {
      append.envelopes.push_back(to_envelope(id, *message));
    }
  }
  return append;
}

bool is_away_too_long(const Bookmark& bookmark) {
  const Instant at = now();
  // Nobody knows how long it was where the clock was turned back meanwhile.
  return bookmark.at_end + kTombstonesStay < at || bookmark.at_end > at + kConfirmEvery;
}

}  // namespace

Result<std::unique_ptr<Secrets>> Secrets::open(const Clients& clients, const Client& asking,
                                               const std::filesystem::path& directory) {
  const auto bounds = query_bounds(asking, clients.topics().secrets, kAskWithin);
  if (!bounds) return fail(bounds.error());
  auto asking_for_all = make_asking_client(clients, /*only_committed=*/false);
  if (!asking_for_all) return fail(std::move(asking_for_all.error()));
  auto store = SecretsStore::open(directory);
  if (!store) return fail(std::move(store.error()));
  auto secrets = std::unique_ptr<Secrets>(
      new Secrets(clients, asking, std::move(*asking_for_all), std::move(*store)));
  secrets->thread_ =
      std::jthread([self = secrets.get()](const std::stop_token& stop) { self->run(stop); });
  return secrets;
}

Secrets::Secrets(const Clients& clients, const Client& asking, Client asking_for_all,
                 std::unique_ptr<SecretsStore> store)
    : clients_(clients),
      topic_(clients.topics().secrets),
      asking_(asking),
      asking_for_all_(std::move(asking_for_all)),
      store_(std::move(store)),
      next_(store_->bookmark().next) {}

void Secrets::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto ended = read(stop); !ended) {
      std::unique_lock lock(mutex_);
      trouble_ = std::move(ended.error().message);
      moved_.wait_for(lock, stop, kPause, [] { return false; });
    }
  }
}

/// Reads on from the bookmark, until something fails.
Result<void> Secrets::read(const std::stop_token& stop) {
  const auto bounds = query_bounds(asking_, topic_, kAskWithin);
  if (!bounds) return fail(bounds.error());
  const std::int64_t next = store_->bookmark().next;
  // Cut off at the front: tombstones may have gone with it. At the end: it is another topic.
  const bool is_cut_off = next < bounds->low || next > bounds->high;
  if (is_cut_off || is_away_too_long(store_->bookmark())) {
    if (auto done = begin_anew(*bounds); !done) return done;
  }
  auto reader = PartitionReader::start(clients_, topic_, store_->bookmark().next,
                                       PartitionReader::Pace::at_once);
  if (!reader) return fail(std::move(reader.error()));
  std::optional<KnownEnd> known;
  while (!stop.stop_requested()) {
    const auto batch = (*reader)->read(kBatch, kPollEvery);
    if (is_away_too_long(store_->bookmark())) return {};
    if (auto done = take(batch, **reader); !done) return done;
    if (auto done = confirm_end(**reader, known); !done) return done;
    if (batch.trouble && batch.trouble->is_end()) {
      return fail(
          (*reader)->client().unavailable("can't read topic " + topic_, batch.trouble->text));
    }
  }
  return {};
}

/// All that is there is read after this, and no tombstone that is there now is taken away before
/// it was: so this counts as being at the end.
Result<void> Secrets::begin_anew(const Bounds& bounds) {
  const Bookmark beginning{.next = bounds.low, .at_end = now()};
  if (auto done = store_->clear(beginning); !done) return done;
  move_to(bounds.low, false);
  return {};
}

Result<void> Secrets::take(const PartitionReader::Batch& batch, const PartitionReader& reader) {
  if (batch.trouble) {
    const std::lock_guard lock(mutex_);
    trouble_ = batch.trouble->text;
  }
  Bookmark bookmark = store_->bookmark();
  if (reader.next() == bookmark.next) return {};
  bookmark.next = reader.next();
  bool has_expected = false;
  for (const Message& message : batch.messages) {
    const auto append = header_of(*message, kAppendHeader);
    const std::lock_guard lock(mutex_);
    has_expected = has_expected || (append && *append == expected_);
  }
  if (auto done = store_->write(fold(batch.messages), bookmark); !done) return done;
  move_to(bookmark.next, has_expected);
  return {};
}

/// Errors: io. That it can't be confirmed is none: it is tried again.
Result<void> Secrets::confirm_end(const PartitionReader& reader, std::optional<KnownEnd>& known) {
  Bookmark bookmark = store_->bookmark();
  const Instant at = now();
  if (!known) {
    if (at < bookmark.at_end + kConfirmEvery) return {};
    const auto bounds = query_bounds(asking_, topic_, kAskWithin);
    if (!bounds) return {};
    known = KnownEnd{at, bounds->high};
  }
  if (reader.next() < known->offset) return {};
  bookmark.at_end = known->at;
  known.reset();
  return store_->write({}, bookmark);
}

void Secrets::move_to(std::int64_t next, bool has_expected) {
  {
    const std::lock_guard lock(mutex_);
    next_ = next;
    trouble_.clear();
    has_expected_come_ = has_expected_come_ || has_expected;
  }
  moved_.notify_all();
}

Result<std::optional<Envelope>> Secrets::envelope(const KeyId& key) const {
  auto found = store_->envelopes().find(key);
  if (!found || *found) return found;
  const auto deadline = steady_clock::now() + kReachWithin;
  const auto bounds = query_bounds(asking_for_all_, topic_, kAskWithin);
  if (!bounds) return fail(Errc::unavailable, bounds.error().message);
  {
    std::unique_lock lock(mutex_);
    const auto is_there = [&] { return next_ >= bounds->high; };
    if (!moved_.wait_until(lock, deadline, is_there)) {
      return fail(Errc::unavailable,
                  "the value's copy isn't here yet: try again" +
                      (trouble_.empty() ? std::string() : " (" + trouble_ + ")"));
    }
  }
  return store_->envelopes().find(key);
}

Result<std::vector<KeyId>> Secrets::due(Instant at, std::size_t max) const {
  return store_->envelopes().due(at, max);
}

Result<bool> Secrets::purge() { return store_->envelopes().purge(); }

void Secrets::expect(std::string append) {
  const std::lock_guard lock(mutex_);
  expected_ = std::move(append);
  has_expected_come_ = false;
}

bool Secrets::wait_for_expected(steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  return moved_.wait_until(lock, deadline, [&] { return has_expected_come_; });
}

}  // namespace keyledger::log::kafka
