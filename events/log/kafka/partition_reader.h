#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/log/kafka/client.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// Why a PartitionReader gives no records at the moment.
struct Trouble {
  enum class Kind {
    passing,       ///< librdkafka tries again by itself.
    out_of_range,  ///< The topic has no record at the offset, and none will come: see judge().
    no_topic,      ///< A broker knows no such topic.
    bad_checksum,  ///< What was received isn't what was written. Reading on would leave it out.
  };
  Kind kind;
  std::string text;

  /// Whether the reader gives nothing any more.
  bool is_end() const { return kind != Kind::passing; }
};

/// Reads the committed records of one topic, from an offset on: by a client of its own, and without
/// any group. Not thread-safe.
class PartitionReader {
 public:
  /// What the reading is tuned for.
  enum class Pace {
    at_once,  ///< A record that was committed just now.
    in_bulk,  ///< Many records that were committed long ago.
  };

  /// What came, in order. Its messages have a payload or a null one, and no error.
  struct Batch {
    std::vector<Message> messages;
    std::optional<Trouble> trouble;  ///< Met after the messages.
    bool is_last = false;            ///< What was committed when they were fetched ends with them.
  };

  /// Errors: unavailable.
  static Result<std::unique_ptr<PartitionReader>> start(const Clients& clients,
                                                        const std::string& topic,
                                                        std::int64_t offset, Pace pace);

  ~PartitionReader();
  PartitionReader(const PartitionReader&) = delete;
  PartitionReader& operator=(const PartitionReader&) = delete;

  /// What is there, `max` at most; waits up to `timeout` where there is nothing.
  Batch read(std::size_t max, std::chrono::milliseconds timeout);

  /// All committed records below this offset were given.
  std::int64_t next() const { return next_; }

  const Client& client() const { return client_; }

 private:
  PartitionReader(Client client, const std::string& topic, std::int64_t offset);

  /// Whether the reading goes on after it.
  bool take(Message message, Batch& batch);
  void move_next();

  Client client_;
  Topic topic_;
  Queue queue_;
  Partitions partition_;  ///< Where librdkafka writes how far we have read.
  std::int64_t next_;
  std::vector<rd_kafka_message_t*> received_;  ///< Room for read(): between calls it owns nothing.
};

}  // namespace keyledger::log::kafka
