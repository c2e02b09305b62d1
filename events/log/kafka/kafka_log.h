#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"

namespace keyledger::log {

/// Where the brokers are, and how they are spoken to.
struct KafkaOptions {
  std::string bootstrap;             ///< "host:port,host:port": any brokers of the cluster.
  std::string prefix = "keyledger";  ///< Every topic, group and transactional id begins with it.
  /// librdkafka's own properties, for all clients alike: SASL, TLS, compression, … What the safety
  /// of the log rests on can't be set: opening fails, naming the property.
  std::vector<std::pair<std::string, std::string>> properties = {};
  std::string client_id = "keyledger";  ///< By which the brokers' logs and quotas know this node.
  /// Where the local copy of the envelopes is kept. None: this node keeps none.
  std::optional<std::filesystem::path> secrets = std::nullopt;
  /// How much of the log's end is held in memory, for those who read what was appended just now.
  std::size_t recent_events = 65'536;
  std::size_t recent_bytes = std::size_t{32} << 20U;
};

/// Counts since the log was opened, except where it says "now". Any thread may read them.
struct KafkaStats {
  std::atomic<std::uint64_t> brokers_up{0};  ///< Now, of those that the tail has to do with.
  std::atomic<std::uint64_t> brokers_down{0};
  std::atomic<std::uint64_t> commits{0};         ///< Transactions that were acknowledged.
  std::atomic<std::uint64_t> failed_commits{0};  ///< Of unknown outcome when they failed.
  std::atomic<std::uint64_t> take_overs{0};      ///< Those that went well.
  std::atomic<std::uint64_t> fenced{0};          ///< Appends that failed because another took over.
  std::atomic<std::uint64_t> appended_bytes{0};  ///< Of events.
  std::atomic<std::uint64_t> tailed_bytes{0};    ///< Of events, as the tail received them.
  std::atomic<std::uint64_t> ticks{0};           ///< Records that drive compaction.
};

/// The log as topics of an Apache Kafka cluster. Positions are offset + 1 on `<prefix>.key-events`,
/// with gaps where Kafka keeps its transactions' marks; what no transaction committed is in no
/// position at all. purge() leaves no byte in this node's copy of the envelopes; those on the
/// brokers' disks go some minutes later, if the node that writes calls it.
class KafkaLog : public EventLog {
 public:
  virtual const KafkaStats& stats() const = 0;
};

/// Takes librdkafka's lines of log, from its threads and until the log that it was given to is
/// gone.
using KafkaLogger = std::function<void(const std::string&)>;

/// Opens the log and follows its end from now on. Nothing is written, and nobody is fenced, until
/// take_over(). Blocks for about ten seconds at most.
///
/// Errors: invalid (a property is wrong, or isn't for the caller to set), not_found (a topic is
/// missing: create_topics() makes it), unavailable (no broker answers, or none lets us), damaged,
/// io (the directory of the secrets), locked (another process has that directory).
Result<std::unique_ptr<KafkaLog>> open_kafka_log(const KafkaOptions& options, KafkaLogger logger);

/// Opens the log to read its events, beside any number of others. Keeps no envelopes, whatever
/// `options.secrets` is. Errors as open_kafka_log().
Result<std::unique_ptr<LogReader>> open_kafka_log_for_reading(const KafkaOptions& options,
                                                              KafkaLogger logger);

}  // namespace keyledger::log
