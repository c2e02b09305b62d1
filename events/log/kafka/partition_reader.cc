#include "events/log/kafka/partition_reader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace keyledger::log::kafka {
namespace {

constexpr std::array<Property, 9> kAlways = {{
    {"isolation.level", "read_committed"},
    {"check.crcs", "true"},
    {"auto.offset.reset", "error"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"allow.auto.create.topics", "false"},
    {"topic.metadata.propagation.max.ms", "1000"},  // Our topics aren't younger than their readers.
    {"fetch.error.backoff.ms", "5"},
}};

constexpr std::array<Property, 3> kAtOnce = {{
    {"fetch.wait.max.ms", "100"},
    {"queued.max.messages.kbytes", "16384"},
    {"statistics.interval.ms", "5000"},
}};

/// Bounds what one reader holds in memory to about 48 MiB, and is more than a page ahead of it.
constexpr std::array<Property, 5> kInBulk = {{
    {"fetch.wait.max.ms", "50"},
    {"fetch.message.max.bytes", "8388608"},
    {"fetch.max.bytes", "16777216"},
    {"queued.min.messages", "100000"},
    {"queued.max.messages.kbytes", "32768"},
}};

Trouble to_trouble(const rd_kafka_message_t& message) {
  const std::string text = rd_kafka_message_errstr(&message);
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return {Trouble::Kind::out_of_range, text};
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return {Trouble::Kind::no_topic, text};
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return {Trouble::Kind::bad_checksum, text};
    default:
      return {Trouble::Kind::passing, text};
  }
}

}  // namespace

Result<std::unique_ptr<PartitionReader>> PartitionReader::start(const Clients& clients,
                                                                const std::string& topic,
                                                                std::int64_t offset, Pace pace) {
  std::vector<Property> properties(kAlways.begin(), kAlways.end());
  switch (pace) {
    case Pace::at_once:
      properties.insert(properties.end(), kAtOnce.begin(), kAtOnce.end());
      break;
    case Pace::in_bulk:
      properties.insert(properties.end(), kInBulk.begin(), kInBulk.end());
      break;
  }
  auto client = clients.consumer(properties);
  if (!client) return fail(std::move(client.error()));
  auto reader =
      std::unique_ptr<PartitionReader>(new PartitionReader(std::move(*client), topic, offset));
  if (rd_kafka_consume_start_queue(reader->topic_.get(), kPartition, offset,
                                   reader->queue_.get()) == 0) {
    return reader;
  }
  return fail(reader->client_.unavailable("can't read topic " + topic, rd_kafka_last_error()));
}

PartitionReader::PartitionReader(Client client, const std::string& topic, std::int64_t offset)
    : client_(std::move(client)),
      topic_(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr)),
      queue_(rd_kafka_queue_new(client_.get())),
      partition_(rd_kafka_topic_partition_list_new(1)),
      next_(offset) {
  rd_kafka_topic_partition_list_add(partition_.get(), topic.c_str(), kPartition);
}

PartitionReader::~PartitionReader() { rd_kafka_consume_stop(topic_.get(), kPartition); }

PartitionReader::Batch PartitionReader::read(std::size_t max, std::chrono::milliseconds timeout) {
  Batch batch;
  client_.poll();
  // librdkafka's call for many waits until it has all of them, so the first is waited for alone.
  Message first(rd_kafka_consume_queue(queue_.get(), static_cast<int>(timeout.count())));
  if (first && take(std::move(first), batch) && max > 1) {
    received_.resize(max - 1);
    const auto count =
        rd_kafka_consume_batch_queue(queue_.get(), 0, received_.data(), received_.size());
    bool goes_on = true;
    for (auto i = std::ptrdiff_t{0}; i < count; ++i) {
      Message message(std::exchange(received_[static_cast<std::size_t>(i)], nullptr));
      if (goes_on) goes_on = take(std::move(message), batch);
    }
  }
  if (batch.trouble && batch.trouble->is_end()) return batch;
  move_next();
  // librdkafka tells this alone by its callback, and never in the queue.
  if (client_.reports().has_missed_topic()) {
    batch.trouble = Trouble{Trouble::Kind::no_topic, client_.reports().last_error()};
  }
  return batch;
}

bool PartitionReader::take(Message message, Batch& batch) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    next_ = std::max(next_, message->offset + 1);
    batch.is_last = false;
    batch.messages.push_back(std::move(message));
    return true;
  }
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    next_ = std::max(next_, message->offset);
    batch.trouble.reset();  // It was fetched since.
    batch.is_last = true;
    return true;
  }
  batch.trouble = to_trouble(*message);
  return !batch.trouble->is_end();
}

/// What librdkafka keeps to itself, marks of transactions and what they aborted, was read as well.
void PartitionReader::move_next() {
  rd_kafka_topic_partition_t& read = partition_->elems[0];
  if (rd_kafka_position(client_.get(), partition_.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  if (read.err == RD_KAFKA_RESP_ERR_NO_ERROR) next_ = std::max(next_, read.offset);
}

}  // namespace keyledger::log::kafka
