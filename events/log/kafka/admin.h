#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "events/log/kafka/client.h"
#include "events/log/kafka/topic_plan.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// What the cluster says of one topic.
struct FoundTopic {
  int partitions = 0;
  int replication = 0;
  bool has_leader = false;
};

struct Cluster {
  int brokers = 0;
  std::map<std::string, FoundTopic> topics;  ///< Those of ours that are there.
};

/// Who is in a consumer group.
struct GroupMember {
  std::string client_id;
  std::string host;
  bool has_partitions = false;  ///< Of none, while the group gives them out anew.
};

using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, Frees<rd_kafka_AdminOptions_destroy>>;

/// Asks and changes the cluster by Kafka's admin protocol. One thread at a time; each call blocks
/// for twenty seconds at most.
class Admin {
 public:
  /// `clients` outlives it. Errors: unavailable.
  static Result<Admin> connect(const Clients& clients);

  /// Errors: unavailable, forbidden.
  Result<Cluster> look() const;

  /// Errors: unavailable, forbidden.
  Result<void> create(const std::vector<TopicPlan>& plans, int replication) const;

  /// The settings of `topic`, by name. Errors: unavailable, forbidden.
  Result<std::map<std::string, std::string>> settings_of(const std::string& topic) const;

  /// The members of `group`; none where there is no such group. Errors: unavailable, forbidden.
  Result<std::vector<GroupMember>> members_of(const std::string& group) const;

 private:
  Admin(Client client, const TopicNames& names);

  AdminOptions options(rd_kafka_admin_op_t operation) const;

  /// Errors: unavailable, forbidden.
  Result<KafkaEvent> answer(const std::string& what) const;

  /// Nothing where `code` is none.
  Result<void> judge(const std::string& what, rd_kafka_resp_err_t code, const char* why) const;

  Client client_;
  TopicNames names_;
  Queue answers_;
};

}  // namespace keyledger::log::kafka
