#include "events/log/kafka/copy.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "events/log/kafka/record.h"
#include "events/log/outline.h"

namespace keyledger::log {
namespace {

using kafka::Client;
using kafka::Clients;
using kafka::Failure;
using kafka::Property;
using kafka::Record;
using kafka::Topic;
using std::chrono::steady_clock;

constexpr std::size_t kPageEvents = 4096;
constexpr int kFlushMs = 60'000;
constexpr int kPollMs = 100;
/// Retries keep the order, and double nothing.
constexpr std::array<Property, 3> kProperties = {
    {{"enable.idempotence", "true"}, {"message.timeout.ms", "30000"}, {"linger.ms", "20"}}};

/// Writes records one behind the other.
class Copier {
 public:
  Copier(Client client, const std::string& events, const std::string& secrets)
      : client_(std::move(client)),
        events_(rd_kafka_topic_new(client_.get(), events.c_str(), nullptr)),
        secrets_(rd_kafka_topic_new(client_.get(), secrets.c_str(), nullptr)) {}

  Result<void> add_event(std::string_view bytes) {
    return add(events_, kafka::event_record(bytes));
  }
  Result<void> add_envelope(const Envelope& envelope) {
    std::string erase_after;
    return add(secrets_, kafka::envelope_record(envelope, erase_after));
  }

  /// Returns when all is written. Errors: unavailable.
  Result<void> flush() {
    const auto code = rd_kafka_flush(client_.get(), kFlushMs);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(unfinished(rd_kafka_err2str(code)));
    const std::string error = client_.reports().last_error();
    if (error.starts_with("not delivered")) return fail(unfinished(error));
    return {};
  }

 private:
  Result<void> add(const Topic& topic, const Record& record) {
    const auto deadline = steady_clock::now() + std::chrono::milliseconds{kFlushMs};
    while (true) {
      const Failure failure = kafka::produce(client_, topic, record);
      if (!failure) return {};
      const bool is_full = rd_kafka_error_code(failure.get()) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
      if (!is_full || steady_clock::now() > deadline) {
        return fail(unfinished(rd_kafka_error_string(failure.get())));
      }
      rd_kafka_poll(client_.get(), kPollMs);
    }
  }
  Error unfinished(const std::string& why) const {
    return client_.unavailable("the copy was broken off, call it again", why);
  }

  Client client_;
  Topic events_;
  Topic secrets_;
};

Error not_a_beginning(Position position) {
  return Error{Errc::invalid,
               "the topic is not empty, and what it holds at position " +
                   std::to_string(position.value) +
                   " isn't what the log has there: name another --kafka.prefix",
               {}};
}

/// How far `target` holds what `source` has. Errors: invalid, where it holds anything else.
Result<Position> common_beginning(const LogReader& source, const LogReader& target) {
  Position position;
  for (;;) {
    const auto theirs = target.read_after(position, kPageEvents);
    if (!theirs) return fail(theirs.error());
    if (theirs->empty()) return position;
    const auto ours = source.read_after(position, theirs->size());
    if (!ours) return fail(ours.error());
    const auto [their, our] = std::ranges::mismatch(*theirs, *ours);
    const bool differs = their != theirs->end() && (our != ours->end() || ours->empty());
    if (differs) return fail(not_a_beginning(their->position));
    position = std::prev(their)->position;  // Ours may be the shorter page, and go on behind it.
  }
}

/// The key that an event made, whose envelope goes with it.
std::optional<KeyId> created_key(std::string_view bytes) {
  const Outline told = outline(bytes);
  return told.type == "keyledger.KeyCreated" ? told.key : std::nullopt;
}

}  // namespace

Result<LogCopy> copy_into_kafka(
    const LogReader& source, const KafkaOptions& options, KafkaLogger logger,
    const std::function<void(Position done, Position end)>& on_progress) {
  const auto end = source.end();
  if (!end) return fail(end.error());
  const auto open_target = [&] { return open_kafka_log_for_reading(options, logger); };
  auto target = open_target();
  if (!target) return fail(std::move(target.error()));
  const auto there = common_beginning(source, **target);
  if (!there) return fail(there.error());

  auto clients = Clients::make(options, logger);
  if (!clients) return fail(std::move(clients.error()));
  auto client = (*clients)->producer(kProperties);
  if (!client) return fail(std::move(client.error()));
  Copier copier(std::move(*client), (*clients)->topics().events, (*clients)->topics().secrets);
  LogCopy copy{*end, there->value, 0, 0};
  for (Position position; position < *end;) {
    const auto events = source.read_after(position, kPageEvents);
    if (!events) return fail(events.error());
    for (const StoredEvent& event : *events) {
      if (event.position.value != ++position.value) {
        return fail(Errc::invalid, "the log has no event at position " +
                                       std::to_string(position.value) +
                                       ": only a log without gaps can be copied");
      }
      if (position > *there) {
        if (auto added = copier.add_event(event.bytes); !added) return fail(added.error());
        ++copy.copied;
      }
      const auto key = created_key(event.bytes);
      if (!key) continue;
      const auto envelope = source.envelope(*key);
      if (!envelope) return fail(envelope.error());
      if (!*envelope) continue;
      if (auto added = copier.add_envelope(**envelope); !added) return fail(added.error());
      ++copy.envelopes;
    }
    on_progress(position, *end);
  }
  if (auto done = copier.flush(); !done) return fail(std::move(done.error()));

  // What is acknowledged is read once more: a copy is kept for ever.
  target = open_target();
  if (!target) return fail(std::move(target.error()));
  const auto whole = common_beginning(source, **target);
  if (!whole) return fail(whole.error());
  if (*whole == *end) return copy;
  return fail(Errc::unavailable,
              "the copy ends at position " + std::to_string(whole->value) + ": call it again");
}

}  // namespace keyledger::log
