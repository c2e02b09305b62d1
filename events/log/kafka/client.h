#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <librdkafka/rdkafka.h>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "events/log/kafka/kafka_log.h"
#include "events/result.h"

namespace keyledger::log::kafka {

template <auto Free>
struct Frees {
  template <typename T>
  void operator()(T* what) const {
    Free(what);
  }
};

using Conf = std::unique_ptr<rd_kafka_conf_t, Frees<rd_kafka_conf_destroy>>;
using Handle = std::unique_ptr<rd_kafka_t, Frees<rd_kafka_destroy>>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Frees<rd_kafka_topic_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Frees<rd_kafka_queue_destroy>>;
using Message = std::unique_ptr<rd_kafka_message_t, Frees<rd_kafka_message_destroy>>;
using Partitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Frees<rd_kafka_topic_partition_list_destroy>>;
using Failure = std::unique_ptr<rd_kafka_error_t, Frees<rd_kafka_error_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, Frees<rd_kafka_event_destroy>>;
using Metadata = std::unique_ptr<const struct rd_kafka_metadata, Frees<rd_kafka_metadata_destroy>>;

/// The only partition that a topic of ours has.
inline constexpr std::int32_t kPartition = 0;

/// The key of a record among the secrets that is none, and only makes the topic longer.
inline constexpr std::string_view kTickKey = "tick";

/// The header of an envelope that is to be erased one day: microseconds since 1970, decimal.
inline constexpr const char* kEraseAfterHeader = "keyledger-erase-after";
/// The header of the last record of a secrets append, by which its writer knows it when it comes.
inline constexpr const char* kAppendHeader = "keyledger-append";

/// One of librdkafka's properties.
struct Property {
  const char* name;
  const char* value;
};

struct TopicNames {
  explicit TopicNames(const std::string& prefix)
      : events(prefix + ".key-events"),
        secrets(prefix + ".key-secrets"),
        writer(prefix + ".writer"),
        replicas(prefix + ".replicas") {}

  std::string events;
  std::string secrets;
  std::string writer;
  std::string replicas;
};

/// What a client's callbacks heard. They are called from librdkafka's threads, and in poll().
class Reports {
 public:
  Reports(const KafkaLogger& logger, KafkaStats& stats) : logger_(logger), stats_(stats) {}

  void on_log(const char* facility, const char* text) const;
  void on_error(rd_kafka_resp_err_t code, const char* reason);
  void on_statistics(std::string_view json);
  void on_undelivered(rd_kafka_resp_err_t code);

  /// The last error, for a person; empty if there was none.
  std::string last_error() const;

  /// How many errors there were after which a request may still reach its broker by another way
  /// than the one it is now believed on: a connection was lost, or the client broke for good.
  std::uint64_t doubts() const { return doubts_.load(); }

  /// Whether a topic that the client reads wasn't there, at some time.
  bool has_missed_topic() const { return has_missed_topic_.load(); }

 private:
  const KafkaLogger& logger_;
  KafkaStats& stats_;
  std::atomic<std::uint64_t> doubts_{0};
  std::atomic<bool> has_missed_topic_{false};
  mutable std::mutex mutex_;
  std::string last_error_;  ///< Guarded by mutex_.
};

/// One of librdkafka's clients, with the callbacks that it needs. Thread safety: as librdkafka's
/// own, which is total, except that one thread at a time polls.
class Client {
 public:
  Client(std::unique_ptr<Reports> reports, Handle handle)
      : reports_(std::move(reports)), handle_(std::move(handle)) {}

  rd_kafka_t* get() const { return handle_.get(); }
  const Reports& reports() const { return *reports_; }

  /// Ends a member of a group without leaving the group: what that takes was done, or takes too
  /// long.
  void abandon() && {
    rd_kafka_destroy_flags(handle_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }

  /// Calls the callbacks that are due.
  void poll() const { rd_kafka_poll(handle_.get(), 0); }

  /// `unavailable`, with `what` was tried and why it failed.
  Error unavailable(const std::string& what, rd_kafka_resp_err_t why) const;
  Error unavailable(const std::string& what, const std::string& why) const;

 private:
  std::unique_ptr<Reports> reports_;  ///< Its address is with librdkafka until handle_ is gone.
  Handle handle_;
};

/// Makes clients that reach one cluster in one way. Outlives them. Any thread.
class Clients {
 public:
  /// Errors: invalid, naming the property.
  static Result<std::unique_ptr<Clients>> make(const KafkaOptions& options, KafkaLogger logger);

  const KafkaOptions& options() const { return options_; }
  const TopicNames& topics() const { return topics_; }
  /// The consumer group that elects who writes.
  std::string writers_group() const { return options_.prefix + "-writers"; }
  KafkaStats& stats() const { return stats_; }

  /// The options' properties win over `properties`, and these over what is set for all.
  /// Errors: unavailable (librdkafka can't begin: threads, files of certificates).
  Result<Client> consumer(std::span<const Property> properties) const;
  Result<Client> producer(std::span<const Property> properties) const;

 private:
  Clients(KafkaOptions options, KafkaLogger logger);

  Result<Client> make_client(rd_kafka_type_t type, std::span<const Property> properties) const;
  Result<Conf> make_conf(std::span<const Property> properties) const;

  const KafkaOptions options_;
  const TopicNames topics_;
  const KafkaLogger logger_;
  mutable KafkaStats stats_;
};

/// The offsets of a topic's partition: its first record's and what comes after its last.
struct Bounds {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// A client that reads nothing, and only asks where topics end: where what is committed ends, or
/// where all does that was written. Errors: unavailable.
Result<Client> make_asking_client(const Clients& clients, bool only_committed);

/// Asks the leader of `topic`, for `timeout` or a little longer.
///
/// Errors: not_found (there is no such topic), unavailable.
Result<Bounds> query_bounds(const Client& client, const std::string& topic,
                            std::chrono::milliseconds timeout);

inline bool is_missing_topic(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

}  // namespace keyledger::log::kafka
