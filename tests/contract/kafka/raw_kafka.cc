#include "tests/contract/kafka/raw_kafka.h"

#include <array>
#include <stdexcept>

#include "events/log/kafka/client.h"
#include "events/log/kafka/topic_plan.h"
#include "tests/contract/log_words.h"

namespace keyledger::log {
namespace {

using namespace kafka;

constexpr int kWithinMs = 20'000;

void check(rd_kafka_resp_err_t code) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
}

void check(rd_kafka_error_t* error) {
  const Failure failure(error);
  if (failure) throw std::runtime_error(rd_kafka_error_string(failure.get()));
}

std::unique_ptr<Clients> clients_of(const KafkaOptions& options) {
  return must(Clients::make(options, nullptr));
}

void produce(const Client& client, const std::string& topic, const RawRecord& record) {
  std::vector<rd_kafka_vu_t> arguments(4);
  arguments[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  arguments[0].u.cstr = topic.c_str();
  arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[1].u.i32 = 0;
  arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[3].vtype = RD_KAFKA_VTYPE_VALUE;
  if (record.value) {
    arguments[3].u.mem.ptr = const_cast<char*>(record.value->data());
    arguments[3].u.mem.size = record.value->size();
  }
  if (record.key) {
    rd_kafka_vu_t key{};
    key.vtype = RD_KAFKA_VTYPE_KEY;
    key.u.mem.ptr = const_cast<char*>(record.key->data());
    key.u.mem.size = record.key->size();
    arguments.push_back(key);
  }
  check(rd_kafka_produceva(client.get(), arguments.data(), arguments.size()));
}

/// Waits for the answer to the admin request that `ask` sends.
template <typename Ask>
KafkaEvent answer(const Client& client, const Ask& ask) {
  const Queue queue(rd_kafka_queue_new(client.get()));
  ask(queue.get());
  KafkaEvent event(rd_kafka_queue_poll(queue.get(), kWithinMs));
  if (!event) throw std::runtime_error("the broker doesn't answer");
  check(rd_kafka_event_error(event.get()));
  return event;
}

std::optional<std::string> text_of(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

RawRecord to_record(const rd_kafka_message_t& message) {
  RawRecord record{
      text_of(message.key, message.key_len), text_of(message.payload, message.len), {}};
  rd_kafka_headers_t* headers = nullptr;
  rd_kafka_message_headers(&message, &headers);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       headers != nullptr && rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
    record.headers.emplace_back(name, *text_of(value, size));
  }
  return record;
}

}  // namespace

void produce_raw(const KafkaOptions& options, const std::string& topic,
                 const std::vector<RawRecord>& records) {
  const auto clients = clients_of(options);
  const auto client = must(clients->producer({}));
  for (const RawRecord& record : records) produce(client, topic, record);
  check(rd_kafka_flush(client.get(), kWithinMs));
}

void produce_aborted(const KafkaOptions& options, const std::string& topic, int count) {
  const auto clients = clients_of(options);
  const std::string id = options.prefix + "-somebody-else";
  const std::array<Property, 1> properties = {{{"transactional.id", id.c_str()}}};
  const auto client = must(clients->producer(properties));
  check(rd_kafka_init_transactions(client.get(), kWithinMs));
  check(rd_kafka_begin_transaction(client.get()));
  for (int i = 0; i < count; ++i) produce(client, topic, {{}, "aborted", {}});
  check(rd_kafka_flush(client.get(), kWithinMs));
  check(rd_kafka_abort_transaction(client.get(), kWithinMs));
}

std::vector<RawRecord> all_records(const KafkaOptions& options, const std::string& topic) {
  const auto clients = clients_of(options);
  const auto client =
      must(clients->consumer(std::array<Property, 3>{{{"isolation.level", "read_committed"},
                                                      {"enable.partition.eof", "true"},
                                                      {"enable.auto.commit", "false"}}}));
  const Topic handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  rd_kafka_consume_start(handle.get(), 0, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<RawRecord> records;
  while (true) {
    const Message message(rd_kafka_consume(handle.get(), 0, kWithinMs));
    if (!message) throw std::runtime_error("the broker doesn't give " + topic);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) break;
    check(message->err);
    records.push_back(to_record(*message));
  }
  rd_kafka_consume_stop(handle.get(), 0);
  return records;
}

void set_topic(const KafkaOptions& options, const std::string& topic, const std::string& setting,
               const std::string& value) {
  const auto clients = clients_of(options);
  const auto client = must(clients->producer({}));
  const std::unique_ptr<rd_kafka_ConfigResource_t, Frees<rd_kafka_ConfigResource_destroy>> resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const TopicPlan& plan : plan_topics(clients->topics(), 1)) {
    if (plan.topic != topic) continue;
    for (const TopicSetting& each : plan.settings) {
      const std::string& set = each.name == setting ? value : each.value;
      rd_kafka_ConfigResource_set_config(resource.get(), each.name.c_str(), set.c_str());
    }
  }
  std::array<rd_kafka_ConfigResource_t*, 1> resources = {resource.get()};
  const auto altered = answer(client, [&](rd_kafka_queue_t* queue) {
    rd_kafka_AlterConfigs(client.get(), resources.data(), 1, nullptr, queue);
  });
  std::size_t count = 0;
  const auto* const* results = rd_kafka_AlterConfigs_result_resources(
      rd_kafka_event_AlterConfigs_result(altered.get()), &count);
  for (std::size_t i = 0; i < count; ++i) check(rd_kafka_ConfigResource_error(results[i]));
}

void delete_topic(const KafkaOptions& options, const std::string& topic) {
  const auto clients = clients_of(options);
  const auto client = must(clients->producer({}));
  const std::unique_ptr<rd_kafka_DeleteTopic_t, Frees<rd_kafka_DeleteTopic_destroy>> asked(
      rd_kafka_DeleteTopic_new(topic.c_str()));
  std::array<rd_kafka_DeleteTopic_t*, 1> topics = {asked.get()};
  answer(client, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopics(client.get(), topics.data(), 1, nullptr, queue);
  });
}

void create_raw_topic(const KafkaOptions& options, const std::string& topic, int partitions) {
  const auto clients = clients_of(options);
  const auto client = must(clients->producer({}));
  const std::unique_ptr<rd_kafka_NewTopic_t, Frees<rd_kafka_NewTopic_destroy>> asked(
      rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0));
  std::array<rd_kafka_NewTopic_t*, 1> topics = {asked.get()};
  answer(client, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client.get(), topics.data(), 1, nullptr, queue);
  });
}

void delete_records(const KafkaOptions& options, const std::string& topic, std::int64_t offset) {
  const auto clients = clients_of(options);
  const auto client = must(clients->producer({}));
  const Partitions partitions(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(partitions.get(), topic.c_str(), 0)->offset = offset;
  const std::unique_ptr<rd_kafka_DeleteRecords_t, Frees<rd_kafka_DeleteRecords_destroy>> asked(
      rd_kafka_DeleteRecords_new(partitions.get()));
  std::array<rd_kafka_DeleteRecords_t*, 1> requests = {asked.get()};
  answer(client, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteRecords(client.get(), requests.data(), 1, nullptr, queue);
  });
}

}  // namespace keyledger::log
