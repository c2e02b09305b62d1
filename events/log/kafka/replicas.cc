#include "events/log/kafka/replicas.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>

#include "events/log/kafka/client.h"
#include "events/log/kafka/doubt.h"
#include "events/log/kafka/partition_reader.h"
#include "events/log/kafka/produce.h"
#include "events/log/kafka/replica_record.h"
#include "events/log/pause.h"
#include "events/log/replica_table.h"

namespace keyledger::log {
namespace kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kOpenWithin{10'000};
constexpr milliseconds kAskWithin{3'000};
constexpr milliseconds kReachWithin{3'000};
constexpr milliseconds kWriteWithin{3'000};
constexpr int kReportWithinMs = 100;
/// How often the thread looks whether it is to end, where nothing comes.
constexpr milliseconds kPollEvery{100};
constexpr milliseconds kPause{500};
constexpr std::size_t kBatch = 1'000;

constexpr std::array<Property, 4> kProducer = {{{"enable.idempotence", "true"},
                                                {"acks", "all"},
                                                {"linger.ms", "0"},
                                                {"message.timeout.ms", "3000"}}};

std::string random_run() {
  std::random_device random;
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x", random(), random());
  return text.data();
}

/// A client that writes to the topic, and knows where that is.
struct Writing {
  Client client;
  Topic topic;

  /// Errors: unavailable, not_found.
  static Result<Writing> open(const Clients& clients) {
    auto client = clients.producer(kProducer);
    if (!client) return fail(std::move(client.error()));
    const std::string& name = clients.topics().replicas;
    Topic topic(rd_kafka_topic_new(client->get(), name.c_str(), nullptr));
    return Writing{std::move(*client), std::move(topic)};
  }

  /// Hands a record over; without a value it is a tombstone. Errors: unavailable.
  Result<void> write(std::string_view key, std::string_view value, std::string_view run,
                     std::uint64_t sequence) const {
    const std::string number = std::to_string(sequence);
    const Failure failure =
        produce(client, topic, {key, value, {{kRunHeader, run}, {kSequenceHeader, number}}});
    client.poll();
    if (!failure) return {};
    return fail(
        client.unavailable(std::string("can't write to topic ") + rd_kafka_topic_name(topic.get()),
                           rd_kafka_error_string(failure.get())));
  }

  /// Whether it can't write any more, whatever comes.
  bool is_broken() const {
    return rd_kafka_fatal_error(client.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
  }
};

class KafkaReplicas final : public ReplicaRegistry {
 public:
  KafkaReplicas(std::unique_ptr<Clients> clients, KafkaLogger logger, Client asking,
                Writing writing)
      : clients_(std::move(clients)),
        topic_(clients_->topics().replicas),
        logger_(std::move(logger)),
        asking_(std::move(asking)),
        writing_(std::move(writing)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// What was read back needs no delivery any more; librdkafka would complain without its report.
  ~KafkaReplicas() override {
    if (writing_) rd_kafka_flush(writing_->client.get(), kReportWithinMs);
  }

  Result<void> announce(const Replica& replica) override;
  Result<void> withdraw(const std::string& node) override;
  Result<std::vector<KnownReplica>> read_to_end() override;
  Result<std::vector<KnownReplica>> known() const override;
  void on_change(std::function<void()> listener) override;

 private:
  void run(const std::stop_token& stop);
  void begin();
  void take(const PartitionReader::Batch& batch);
  void recover(const std::stop_token& stop, const Trouble& trouble);

  /// Errors: unavailable.
  Result<Bounds> ask() const;
  /// Writes a record, a withdrawal where `replica` is none, and waits until it was read back.
  /// Errors: unavailable.
  Result<void> write(const std::string& node, const Replica* replica, milliseconds timeout);
  /// Errors: unavailable.
  Result<void> wait_for_own(std::uint64_t sequence, steady_clock::time_point deadline) const;
  /// Why something wasn't read in time. The caller holds mutex_.
  Error lag(const std::string& awaited) const;

  const std::unique_ptr<Clients> clients_;
  const std::string& topic_;
  const KafkaLogger logger_;
  const std::string run_ = random_run();

  mutable std::mutex asking_mutex_;
  const Client asking_;  ///< Polled under asking_mutex_.

  std::mutex writing_mutex_;
  std::optional<Writing> writing_;  ///< Guarded by writing_mutex_. None: it broke.
  std::uint64_t sequence_ = 0;      ///< Guarded by writing_mutex_.

  std::unique_ptr<PartitionReader> reader_;  ///< The thread's own. Null: it couldn't be started.
  mutable Doubt doubt_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  ReplicaTable table_;             ///< This and what follows are guarded by mutex_.
  std::uint64_t read_back_ = 0;    ///< The sequence of this process's last record that was read.
  std::int64_t next_ = -1;         ///< All below this offset is in the table. -1: nothing is.
  std::int64_t complete_at_ = -1;  ///< From here on the table is complete. -1: nobody knows.
  mutable std::string trouble_;    ///< Why nothing comes at the moment, if that is known.

  std::mutex listening_;
  std::function<void()> listener_;  ///< Guarded by listening_, which is held while it is called.

  std::jthread thread_;  ///< Last: it uses all of the above.
};

Result<void> KafkaReplicas::announce(const Replica& replica) {
  return write(replica.node, &replica, std::min(kWriteWithin, replica.lease / 3));
}

Result<void> KafkaReplicas::withdraw(const std::string& node) {
  return write(node, nullptr, kWriteWithin);
}

/// A record that was read back lies below the partition's high watermark: every in-sync copy has
/// it, and whoever asks for the topic's end from now on is told of a later one. No delivery report
/// says as much of those who read.
Result<void> KafkaReplicas::write(const std::string& node, const Replica* replica,
                                  milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  const std::scoped_lock writing(writing_mutex_);
  if (!writing_ || writing_->is_broken()) {
    writing_.reset();
    auto opened = Writing::open(*clients_);
    if (!opened) return fail(std::move(opened.error()));
    writing_.emplace(std::move(*opened));
  }
  const std::uint64_t sequence = ++sequence_;
  const std::string text =
      replica == nullptr ? std::string() : encode_replica(*replica, run_, sequence);
  const std::string_view value = replica == nullptr ? std::string_view() : text;
  if (auto done = writing_->write(node, value, run_, sequence); !done) return done;
  auto done = wait_for_own(sequence, deadline);
  writing_->client.poll();
  const std::string why = writing_->client.reports().last_error();
  if (!done && !why.empty()) done.error().message += " (" + why + ")";
  return done;
}

Result<void> KafkaReplicas::wait_for_own(std::uint64_t sequence,
                                         steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  if (moved_.wait_until(lock, deadline, [&] { return read_back_ >= sequence; })) return {};
  return fail(lag("what this node wrote"));
}

Result<Bounds> KafkaReplicas::ask() const {
  const std::scoped_lock lock(asking_mutex_);
  auto bounds = query_bounds(asking_, topic_, kAskWithin);
  if (!bounds) return fail(Errc::unavailable, std::move(bounds.error().message));
  return bounds;
}

Result<std::vector<KnownReplica>> KafkaReplicas::read_to_end() {
  std::unique_lock lock(mutex_);
  const std::int64_t read_before = next_;
  lock.unlock();
  const auto bounds = ask();
  if (!bounds) return fail(bounds.error());
  lock.lock();
  if (bounds->high < read_before) {
    return fail(Errc::unavailable, "kafka: topic " + topic_ + " ends before what was read of it");
  }
  const bool is_there = moved_.wait_for(lock, kReachWithin, [&] {
    return next_ >= bounds->high && complete_at_ >= 0 && next_ >= complete_at_;
  });
  if (!is_there) return fail(lag("its end at offset " + std::to_string(bounds->high)));
  return table_.list(run_);
}

Result<std::vector<KnownReplica>> KafkaReplicas::known() const {
  const std::scoped_lock lock(mutex_);
  if (complete_at_ >= 0 && next_ >= complete_at_) return table_.list(run_);
  return fail(Errc::unavailable, "kafka: topic " + topic_ + " is still being read");
}

void KafkaReplicas::on_change(std::function<void()> listener) {
  const std::scoped_lock lock(listening_);
  listener_ = std::move(listener);
}

Error KafkaReplicas::lag(const std::string& awaited) const {
  const std::string trouble = std::exchange(trouble_, {});  // Told once: it may be over.
  // Else it is somewhere in librdkafka's hands, and beginning anew is all that can be done.
  if (trouble.empty()) doubt_.raise();
  return {Errc::unavailable,
          "kafka: topic " + topic_ + " was read up to offset " + std::to_string(next_) +
              ", and not in time to " + awaited + (trouble.empty() ? "" : ": " + trouble),
          {}};
}

void KafkaReplicas::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (doubt_.is_ripe()) reader_.reset();
    if (!reader_) begin();
    if (!reader_) {
      log::pause(stop, kPause);
      continue;
    }
    const auto batch = reader_->read(kBatch, kPollEvery);
    take(batch);
    if (batch.trouble && batch.trouble->is_end()) recover(stop, *batch.trouble);
  }
}

/// Reads on from where the table ends; from the topic's first record where it is empty.
void KafkaReplicas::begin() {
  std::int64_t next = -1;
  {
    const std::scoped_lock lock(mutex_);
    next = next_;
  }
  std::optional<Bounds> bounds;
  if (next < 0) {
    const auto asked = ask();
    if (!asked) {
      const std::scoped_lock lock(mutex_);
      trouble_ = asked.error().message;
      return;
    }
    bounds = *asked;
    next = bounds->low;
  }
  auto reader = PartitionReader::start(*clients_, topic_, next, PartitionReader::Pace::at_once);
  const std::scoped_lock lock(mutex_);
  if (!reader) {
    trouble_ = std::move(reader.error().message);
    return;
  }
  reader_ = std::move(*reader);
  doubt_.begin();
  next_ = next;
  if (bounds) complete_at_ = bounds->high;
}

void KafkaReplicas::take(const PartitionReader::Batch& batch) {
  // Later than the records were written, since it is later than they came.
  const auto read_at = BootClock::now();
  bool has_changed = false;
  std::string complaint;
  {
    const std::scoped_lock lock(mutex_);
    for (const Message& message : batch.messages) {
      ReplicaRecord record = decode_replica(*message, complaint);
      if (record.run == run_) read_back_ = std::max(read_back_, record.sequence);
      has_changed |= table_.take(std::move(record), read_at);
      if (!complaint.empty() && logger_) {
        logger_("the record at offset " + std::to_string(message->offset) + " of topic " + topic_ +
                " can't be read: " + complaint);
      }
    }
    const bool was_complete = complete_at_ >= 0 && next_ >= complete_at_;
    const std::int64_t next = reader_->next();
    has_changed |= !was_complete && next >= complete_at_;
    if (next > next_) {
      trouble_.clear();
      doubt_.settle();
    }
    if (batch.trouble) trouble_ = batch.trouble->text;
    next_ = next;
  }
  moved_.notify_all();
  if (!has_changed) return;
  const std::scoped_lock lock(listening_);
  if (listener_) listener_();
}

/// Unlike the log's, this topic may be made anew: all that it held announces itself again. Nobody
/// is told of a table that isn't complete.
void KafkaReplicas::recover(const std::stop_token& stop, const Trouble& trouble) {
  reader_.reset();
  if (trouble.kind != Trouble::Kind::bad_checksum) {
    const std::scoped_lock lock(mutex_);
    table_.clear();
    next_ = -1;
    complete_at_ = -1;
  }
  log::pause(stop, kPause);
}

}  // namespace
}  // namespace kafka

Result<std::unique_ptr<ReplicaRegistry>> open_kafka_replicas(const KafkaOptions& options,
                                                             KafkaLogger logger) {
  auto clients = kafka::Clients::make(options, logger);
  if (!clients) return fail(std::move(clients.error()));
  auto asking = kafka::make_asking_client(**clients, /*only_committed=*/false);
  if (!asking) return fail(std::move(asking.error()));
  const auto bounds =
      kafka::query_bounds(*asking, (*clients)->topics().replicas, kafka::kOpenWithin);
  if (!bounds) return fail(bounds.error());
  auto writing = kafka::Writing::open(**clients);
  if (!writing) return fail(std::move(writing.error()));
  return std::make_unique<kafka::KafkaReplicas>(std::move(*clients), std::move(logger),
                                                std::move(*asking), std::move(*writing));
}

}  // namespace keyledger::log
