#include "events/log/kafka/kafka_log.h"

#include <utility>

#include "events/log/kafka/client.h"
#include "events/log/kafka/cursors.h"
#include "events/log/kafka/election.h"
#include "events/log/kafka/producer.h"
#include "events/log/kafka/secrets.h"
#include "events/log/kafka/tail.h"
#include "events/log/kafka/ticks.h"

namespace keyledger::log {
namespace kafka {
namespace {

constexpr const char* kNoEnvelopes = "this node keeps no values";

/// The parts by which a log is read. In the order in which they need each other.
struct Reading {
  std::unique_ptr<Clients> clients;
  std::unique_ptr<Client> asking;
  std::unique_ptr<Tail> tail;
  std::unique_ptr<Cursors> cursors;

  static Result<Reading> open(const KafkaOptions& options, KafkaLogger logger) {
    Reading reading;
    auto clients = Clients::make(options, std::move(logger));
    if (!clients) return fail(std::move(clients.error()));
    reading.clients = std::move(*clients);
    auto asking = make_asking_client(*reading.clients, /*only_committed=*/true);
    if (!asking) return fail(std::move(asking.error()));
    reading.asking = std::make_unique<Client>(std::move(*asking));
    auto tail = Tail::open(*reading.clients, *reading.asking);
    if (!tail) return fail(std::move(tail.error()));
    reading.tail = std::move(*tail);
    reading.cursors = std::make_unique<Cursors>(*reading.clients, *reading.asking);
    return reading;
  }

  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const {
    cursors->close_idle();
    if (auto page = tail->read_after(position, max)) return std::move(*page);
    if (max == 0) return std::vector<StoredEvent>{};
    return cursors->read_after(position, max);
  }
};

class KafkaReader final : public LogReader {
 public:
  explicit KafkaReader(Reading reading) : reading_(std::move(reading)) {}

  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const override {
    return reading_.read_after(position, max);
  }
  Result<Position> end() const override { return reading_.tail->end(); }
  Position known_end() const override { return reading_.tail->last(); }
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override {
    return reading_.tail->wait_beyond(position, std::move(stop), timeout);
  }
  Result<std::optional<Envelope>> envelope(const KeyId& /*key*/) const override {
    return fail(Errc::unavailable, kNoEnvelopes);
  }
  Result<std::vector<KeyId>> envelopes_due(Instant /*now*/, std::size_t /*max*/) const override {
    return fail(Errc::unavailable, kNoEnvelopes);
  }

 private:
  Reading reading_;
};

class BrokersLog final : public KafkaLog {
 public:
  BrokersLog(Reading reading, std::unique_ptr<Secrets> secrets)
      : reading_(std::move(reading)),
        secrets_(std::move(secrets)),
        producer_(*reading_.clients, *reading_.tail, secrets_.get()),
        ticks_(*reading_.clients),
        election_(*reading_.clients) {}

  Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const override {
    return reading_.read_after(position, max);
  }
  Result<Position> end() const override { return reading_.tail->end(); }
  Position known_end() const override { return reading_.tail->last(); }
  bool wait_beyond(Position position, std::stop_token stop,
                   std::chrono::milliseconds timeout) const override {
    return reading_.tail->wait_beyond(position, std::move(stop), timeout);
  }

  Result<std::optional<Envelope>> envelope(const KeyId& key) const override {
    if (!secrets_) return fail(Errc::unavailable, kNoEnvelopes);
    return secrets_->envelope(key);
  }
  Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const override {
    if (!secrets_) return fail(Errc::unavailable, kNoEnvelopes);
    return secrets_->due(now, max);
  }

  void stand(std::function<void()> on_change) override { election_.stand(std::move(on_change)); }
  void resign() override { election_.resign(); }
  bool is_elected() const override { return election_.is_elected(); }
  Result<void> take_over() override { return producer_.take_over(); }
  Result<Position> append(const Append& append) override { return producer_.append(append); }

  Result<bool> purge() override {
    // The brokers' copy is for one node to drive, and this one's for itself.
    if (producer_.is_open()) ticks_.follow(producer_.erased_at());
    if (!secrets_) return false;
    return secrets_->purge();
  }
  const KafkaStats& stats() const override { return reading_.clients->stats(); }

 private:
  const Reading reading_;
  const std::unique_ptr<Secrets> secrets_;
  Producer producer_;
  Ticks ticks_;
  Election election_;
};

}  // namespace
}  // namespace kafka

Result<std::unique_ptr<KafkaLog>> open_kafka_log(const KafkaOptions& options, KafkaLogger logger) {
  auto reading = kafka::Reading::open(options, std::move(logger));
  if (!reading) return fail(std::move(reading.error()));
  std::unique_ptr<kafka::Secrets> secrets;
  if (options.secrets) {
    auto opened = kafka::Secrets::open(*reading->clients, *reading->asking, *options.secrets);
    if (!opened) return fail(std::move(opened.error()));
    secrets = std::move(*opened);
  }
  return std::make_unique<kafka::BrokersLog>(std::move(*reading), std::move(secrets));
}

Result<std::unique_ptr<LogReader>> open_kafka_log_for_reading(const KafkaOptions& options,
                                                              KafkaLogger logger) {
  auto reading = kafka::Reading::open(options, std::move(logger));
  if (!reading) return fail(std::move(reading.error()));
  return std::make_unique<kafka::KafkaReader>(std::move(*reading));
}

}  // namespace keyledger::log
