#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/log/kafka/kafka_log.h"

namespace keyledger::log {

// What no log of ours would do to its topics, by librdkafka alone. Each throws where it fails.

struct RawRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;  ///< Nothing: null.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Writes `records` to `topic` without a transaction.
void produce_raw(const KafkaOptions& options, const std::string& topic,
                 const std::vector<RawRecord>& records);

/// Writes `count` records to `topic` in a transaction that is aborted.
void produce_aborted(const KafkaOptions& options, const std::string& topic, int count);

/// The committed records of `topic` that the broker still has.
std::vector<RawRecord> all_records(const KafkaOptions& options, const std::string& topic);

/// Sets one setting of one of the log's topics, and all others as create_topics() does.
void set_topic(const KafkaOptions& options, const std::string& topic, const std::string& setting,
               const std::string& value);

void delete_topic(const KafkaOptions& options, const std::string& topic);

void create_raw_topic(const KafkaOptions& options, const std::string& topic, int partitions);

/// Deletes the records of `topic` below `offset`.
void delete_records(const KafkaOptions& options, const std::string& topic, std::int64_t offset);

}  // namespace keyledger::log
