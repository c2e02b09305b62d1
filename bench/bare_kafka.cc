// What librdkafka alone can do, for bench/commands and bench/rebuild.
//
// usage: bare_kafka produce BOOTSTRAP PREFIX CLIENTS SECONDS
//          One transaction after the other, each with CLIENTS events of a KiB to PREFIX.key-events
//          and as many envelopes to PREFIX.key-secrets: what keyledger writes for as many new keys,
//          with the same settings. Prints: records of events per second, p50 and p99 of a
//          transaction in ms, CPU µs per event. Never on the topics of a ledger: it ruins them.
//        bare_kafka consume BOOTSTRAP PREFIX
//          Reads PREFIX.key-events from the first record to the last committed one, and does
//          nothing with them. Prints: events, events per second, CPU µs per event.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <librdkafka/rdkafka.h>
#include <string>
#include <utility>
#include <vector>

#include "bench/figures.h"

namespace {

using Clock = std::chrono::steady_clock;
using keyledger::bench::cpu_seconds;
using keyledger::bench::Seconds;

constexpr int kTimeoutMs = 30'000;
constexpr int kBatchMs = 50;  ///< How long a batch that isn't full is waited for.

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bare_kafka: %s\n", what.c_str());
  std::exit(1);
}

void check(rd_kafka_error_t* error) {
  if (error != nullptr) die(rd_kafka_error_string(error));
}

void check(rd_kafka_resp_err_t code) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) die(rd_kafka_err2str(code));
}

rd_kafka_t* client(rd_kafka_type_t type,
                   const std::vector<std::pair<const char*, std::string>>& settings) {
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) die(why);
  }
  rd_kafka_t* made = rd_kafka_new(type, conf, why, sizeof why);
  if (made == nullptr) die(why);
  return made;
}

void produce_one(rd_kafka_topic_t* topic, const std::string& key, const std::string& value) {
  const int failed =
      rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()), value.size(),
                       key.data(), key.size(), nullptr);
  if (failed != 0) check(rd_kafka_last_error());
}

int produce(const std::string& bootstrap, const std::string& prefix, std::size_t clients,
            Seconds length) {
  rd_kafka_t* producer = client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap},
                                                    {"transactional.id", prefix + "-bare"},
                                                    {"linger.ms", "0"}});
  check(rd_kafka_init_transactions(producer, kTimeoutMs));
  rd_kafka_topic_t* events =
      rd_kafka_topic_new(producer, (prefix + ".key-events").c_str(), nullptr);
  rd_kafka_topic_t* secrets =
      rd_kafka_topic_new(producer, (prefix + ".key-secrets").c_str(), nullptr);
  const std::string event(1024, 'e');
  const std::string envelope(128, 's');
  std::vector<double> latencies;
  std::size_t number = 0;
  const auto began = Clock::now();
  const double cpu = cpu_seconds();
  while (Clock::now() - began < length) {
    const auto start = Clock::now();
    check(rd_kafka_begin_transaction(producer));
    for (std::size_t i = 0; i < clients; ++i) {
      produce_one(events, "acme", event);
      produce_one(secrets, "key_" + std::to_string(++number), envelope);
    }
    check(rd_kafka_commit_transaction(producer, kTimeoutMs));
    latencies.push_back(Seconds(Clock::now() - start).count());
  }
  const Seconds took = Clock::now() - began;
  const double used = cpu_seconds() - cpu;
  rd_kafka_topic_destroy(events);
  rd_kafka_topic_destroy(secrets);
  rd_kafka_destroy(producer);
  keyledger::bench::print_figures(std::move(latencies), number, took, used);
  return 0;
}

int consume(const std::string& bootstrap, const std::string& prefix) {
  const std::string topic = prefix + ".key-events";
  rd_kafka_t* consumer = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", bootstrap},
                                                    {"group.id", "keyledger-bench"},
                                                    {"isolation.level", "read_committed"},
                                                    {"enable.auto.commit", "false"},
                                                    {"enable.partition.eof", "true"}});
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(all, topic.c_str(), 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
  const auto began = Clock::now();
  const double cpu = cpu_seconds();
  check(rd_kafka_assign(consumer, all));
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
  std::vector<rd_kafka_message_t*> messages(1000);
  std::size_t events = 0;
  bool is_at_end = false;
  while (!is_at_end) {
    const auto count =
        rd_kafka_consume_batch_queue(queue, kBatchMs, messages.data(), messages.size());
    if (count < 0) check(rd_kafka_last_error());
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        is_at_end = true;
      } else {
        check(messages[i]->err);
        ++events;
      }
      rd_kafka_message_destroy(messages[i]);
    }
  }
  const Seconds took = Clock::now() - began;
  const double used = cpu_seconds() - cpu;
  std::printf("%zu %.1f %.3f\n", events, static_cast<double>(events) / took.count(),
              used / static_cast<double>(events) * 1e6);
  std::fflush(stdout);
  std::_Exit(0);  // Destroying a consumer that has an assignment may hang (librdkafka 2.0.2).
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "produce" && argc == 6) {
    return produce(argv[2], argv[3], std::strtoul(argv[4], nullptr, 10),
                   std::chrono::seconds(std::strtol(argv[5], nullptr, 10)));
  }
  if (what == "consume" && argc == 4) return consume(argv[2], argv[3]);
  std::fprintf(stderr,
               "usage: bare_kafka produce BOOTSTRAP PREFIX CLIENTS SECONDS\n"
               "       bare_kafka consume BOOTSTRAP PREFIX\n");
  return 2;
}
