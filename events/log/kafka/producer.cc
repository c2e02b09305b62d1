#include "events/log/kafka/producer.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "events/log/kafka/record.h"
#include "events/log/kafka/secrets.h"
#include "events/log/kafka/transactions.h"

namespace keyledger::log::kafka {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kVisibleWithin{10};
constexpr std::chrono::seconds kCopiedWithin{2};

/// Keeps in the tail what comes after its last event, while this object lives.
class Held {
 public:
  explicit Held(Tail& tail) : tail_(tail), after_(tail.hold()) {}
  ~Held() { tail_.release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Position after() const { return after_; }

 private:
  Tail& tail_;
  Position after_;
};

/// Errors: unavailable.
Result<void> add_events(Transactions& transactions, const std::vector<std::string>& events) {
  for (const std::string& event : events) {
    if (auto done = transactions.add(Transactions::Target::events, event_record(event)); !done) {
      return done;
    }
  }
  return {};
}

/// Of a key that has both, the tombstone comes last. The last record carries `append`. Errors:
/// unavailable.
Result<void> add_secrets(Transactions& transactions, const Append& append,
                         const std::string& append_id) {
  std::size_t left = append.envelopes.size() + append.erased.size();
  const auto add = [&](Record record) {
    if (--left == 0) record.headers.emplace_back(kAppendHeader, append_id);
    return transactions.add(Transactions::Target::secrets, record);
  };
  std::string erase_after;
  for (const Envelope& envelope : append.envelopes) {
    if (auto done = add(envelope_record(envelope, erase_after)); !done) return done;
  }
  for (const KeyId& key : append.erased) {
    if (auto done = add({key.value, {}, {}}); !done) return done;
  }
  return {};
}

Instant now() {
  return std::chrono::time_point_cast<Instant::duration>(std::chrono::system_clock::now());
}

std::string random_text() {
  std::random_device random;
  return std::to_string(random()) + "-" + std::to_string(random());
}

}  // namespace

Producer::Producer(const Clients& clients, Tail& tail, Secrets* secrets)
    : clients_(clients), tail_(tail), secrets_(secrets), name_(random_text()) {}

Producer::~Producer() = default;

Result<void> Producer::take_over() {
  const std::scoped_lock turn(turn_);
  close();
  auto opened = Transactions::open(clients_);
  if (!opened) return fail(std::move(opened.error()));
  // What earlier writers committed lies before the end as it is now.
  if (auto end = tail_.end(); !end) return fail(std::move(end.error()));
  transactions_ = std::move(*opened);
  erased_at_ = now();
  is_open_ = true;
  clients_.stats().take_overs.fetch_add(1);
  return {};
}

Result<Position> Producer::append(const Append& append) {
  const std::scoped_lock turn(turn_);
  if (!transactions_) {
    return fail(Errc::unavailable,
                "kafka: nothing was written: this node has to become the writer first");
  }
  const auto is_too_long = [](const std::string& event) { return event.size() > kMaxEventBytes; };
  if (std::ranges::any_of(append.events, is_too_long)) {
    return fail(Errc::unavailable, "an event has more than " + std::to_string(kMaxEventBytes) +
                                       " bytes: nothing was written");
  }
  if (append.events.empty() && append.envelopes.empty() && append.erased.empty()) {
    return tail_.last();
  }
  auto written = write(append);
  if (!written || transactions_->is_in_doubt()) close();
  return written;
}

void Producer::close() {
  is_open_ = false;
  transactions_.reset();
}

Result<Position> Producer::write(const Append& append) {
  const Held held(tail_);
  const bool has_secrets = !append.envelopes.empty() || !append.erased.empty();
  if (auto done = commit(append); !done) return fail(std::move(done.error()));

  Result<Position> end = held.after();
  if (!append.events.empty()) {
    end = tail_.wait_for(held.after(), append.events, steady_clock::now() + kVisibleWithin);
    if (!end) {
      return fail(Errc::outcome_unknown,
                  "kafka: what was committed hasn't come back: " + end.error().message);
    }
  }
  // They are written, and come: who asks for one earlier is told to wait.
  if (has_secrets && secrets_ != nullptr) {
    secrets_->wait_for_expected(steady_clock::now() + kCopiedWithin);
  }
  return end;
}

/// Errors: unavailable, outcome_unknown.
Result<void> Producer::commit(const Append& append) {
  const std::string append_id = name_ + "-" + std::to_string(++appends_);
  if (secrets_ != nullptr) secrets_->expect(append_id);
  if (auto done = transactions_->begin(); !done) return done;
  if (auto done = add_events(*transactions_, append.events); !done) return done;
  if (auto done = add_secrets(*transactions_, append, append_id); !done) return done;
  if (auto done = transactions_->commit(); !done) return done;
  if (!append.erased.empty()) erased_at_ = now();
  std::uint64_t bytes = 0;
  for (const std::string& event : append.events) bytes += event.size();
  clients_.stats().appended_bytes.fetch_add(bytes);
  return {};
}

}  // namespace keyledger::log::kafka
