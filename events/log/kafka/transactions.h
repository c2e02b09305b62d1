#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/log/kafka/client.h"
#include "events/log/kafka/produce.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// One producer under the log's transactional id, from its opening to its first error: after an
/// error of any call it is to be destroyed, and never asked to abort (librdkafka's abort may itself
/// fail for good, and the next opening does the same at the broker). Not thread-safe.
class Transactions {
 public:
  enum class Target { events, secrets };

  /// Fences every producer that has the id, and returns after what they left open is settled.
  /// Errors: unavailable.
  static Result<std::unique_ptr<Transactions>> open(const Clients& clients);

  /// Errors: unavailable.
  Result<void> begin();
  Result<void> add(Target target, const Record& record);

  /// Errors: outcome_unknown.
  Result<void> commit();

  /// Whether a request of the past may still reach the cluster, where it could end a transaction
  /// that begins later: Kafka's first protocol of transactions, which librdkafka speaks, doesn't
  /// tell them apart. Then the next one needs a new opening.
  bool is_in_doubt() const { return is_in_doubt_; }

 private:
  Transactions(Client client, const TopicNames& names);

  /// Errors: unavailable.
  Result<void> take_over();
  Result<void> learn(const Topic& topic) const;

  KafkaStats* stats_ = nullptr;
  Client client_;
  Topic events_;
  Topic secrets_;
  std::chrono::steady_clock::time_point committed_at_;
  bool is_in_doubt_ = false;
};

}  // namespace keyledger::log::kafka
