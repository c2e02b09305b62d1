#include "events/log/kafka/admin.h"

#include <array>
#include <chrono>
#include <utility>

namespace keyledger::log::kafka {
namespace {

constexpr std::chrono::milliseconds kAnswerWithin{10'000};

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Frees<rd_kafka_NewTopic_destroy>>;
using ConfigResource =
    std::unique_ptr<rd_kafka_ConfigResource_t, Frees<rd_kafka_ConfigResource_destroy>>;

}  // namespace

Admin::Admin(Client client, const TopicNames& names)
    : client_(std::move(client)), names_(names), answers_(rd_kafka_queue_new(client_.get())) {}

Result<Admin> Admin::connect(const Clients& clients) {
  auto client = clients.producer({});
  if (!client) return fail(std::move(client.error()));
  return Admin(std::move(*client), clients.topics());
}

AdminOptions Admin::options(rd_kafka_admin_op_t operation) const {
  AdminOptions made(rd_kafka_AdminOptions_new(client_.get(), operation));
  std::array<char, 256> why{};
  rd_kafka_AdminOptions_set_request_timeout(made.get(), static_cast<int>(kAnswerWithin.count()),
                                            why.data(), why.size());
  return made;
}

Result<void> Admin::judge(const std::string& what, rd_kafka_resp_err_t code,
                          const char* why) const {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const std::string text = why == nullptr ? rd_kafka_err2str(code) : why;
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
      code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
      code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
    return fail(Errc::forbidden, "kafka: " + what + ": " + text);
  }
  client_.poll();
  const bool is_silence =
      code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT;
  if (is_silence) return fail(client_.unavailable(what, code));
  return fail(client_.unavailable(what, text));
}

Result<KafkaEvent> Admin::answer(const std::string& what) const {
  KafkaEvent event(
      rd_kafka_queue_poll(answers_.get(), static_cast<int>(2 * kAnswerWithin.count())));
  if (!event) return fail(client_.unavailable(what, RD_KAFKA_RESP_ERR__TIMED_OUT));
  if (auto judged =
          judge(what, rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
      !judged) {
    return fail(std::move(judged.error()));
  }
  return event;
}

Result<Cluster> Admin::look() const {
  constexpr int kAll = 1;
  const struct rd_kafka_metadata* answered = nullptr;
  const auto code = rd_kafka_metadata(client_.get(), kAll, nullptr, &answered,
                                      static_cast<int>(kAnswerWithin.count()));
  const Metadata metadata(answered);
  if (auto judged = judge("no broker says what topics there are", code, nullptr); !judged) {
    return fail(std::move(judged.error()));
  }
  Cluster cluster{.brokers = metadata->broker_cnt, .topics = {}};
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic& topic = metadata->topics[i];
    const bool is_ours = topic.topic == names_.events || topic.topic == names_.secrets ||
                         topic.topic == names_.writer || topic.topic == names_.replicas;
    if (!is_ours || topic.partition_cnt == 0) continue;
    cluster.topics[topic.topic] = {.partitions = topic.partition_cnt,
                                   .replication = topic.partitions[0].replica_cnt,
                                   .has_leader = topic.partitions[0].leader >= 0};
  }
  return cluster;
}

Result<void> Admin::create(const std::vector<TopicPlan>& plans, int replication) const {
  std::vector<NewTopic> topics;
  std::vector<rd_kafka_NewTopic_t*> handles;
  for (const TopicPlan& plan : plans) {
    std::array<char, 256> why{};
    NewTopic topic(
        rd_kafka_NewTopic_new(plan.topic.c_str(), 1, replication, why.data(), why.size()));
    if (!topic) return fail(Errc::invalid, "kafka: can't make " + plan.topic + ": " + why.data());
    for (const TopicSetting& setting : plan.settings) {
      rd_kafka_NewTopic_set_config(topic.get(), setting.name.c_str(), setting.value.c_str());
    }
    handles.push_back(topic.get());
    topics.push_back(std::move(topic));
  }
  rd_kafka_CreateTopics(client_.get(), handles.data(), handles.size(),
                        options(RD_KAFKA_ADMIN_OP_CREATETOPICS).get(), answers_.get());
  auto answered = answer("topics can't be made");
  if (!answered) return fail(std::move(answered.error()));
  std::size_t count = 0;
  const auto* const* results = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(answered->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;  // Somebody made it just now.
    const std::string name = rd_kafka_topic_result_name(results[i]);
    auto judged =
        judge("can't make topic " + name, code, rd_kafka_topic_result_error_string(results[i]));
    if (!judged) return judged;
  }
  return {};
}

Result<std::map<std::string, std::string>> Admin::settings_of(const std::string& topic) const {
  const ConfigResource asked(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  std::array<rd_kafka_ConfigResource_t*, 1> resources = {asked.get()};
  rd_kafka_DescribeConfigs(client_.get(), resources.data(), resources.size(),
                           options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS).get(), answers_.get());
  const std::string what = "can't see the settings of topic " + topic;
  auto answered = answer(what);
  if (!answered) return fail(std::move(answered.error()));
  std::size_t count = 0;
  const auto* const* found = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(answered->get()), &count);
  std::map<std::string, std::string> settings;
  for (std::size_t i = 0; i < count; ++i) {
    auto judged = judge(what, rd_kafka_ConfigResource_error(found[i]),
                        rd_kafka_ConfigResource_error_string(found[i]));
    if (!judged) return fail(std::move(judged.error()));
    std::size_t entries = 0;
    const auto* const* entry = rd_kafka_ConfigResource_configs(found[i], &entries);
    for (std::size_t j = 0; j < entries; ++j) {
      const char* value = rd_kafka_ConfigEntry_value(entry[j]);
      settings[rd_kafka_ConfigEntry_name(entry[j])] = value == nullptr ? "" : value;
    }
  }
  return settings;
}

Result<std::vector<GroupMember>> Admin::members_of(const std::string& group) const {
  const char* asked = group.c_str();
  rd_kafka_DescribeConsumerGroups(client_.get(), &asked, 1,
                                  options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS).get(),
                                  answers_.get());
  const std::string what = "can't see who is in group " + group;
  auto answered = answer(what);
  if (!answered) return fail(std::move(answered.error()));
  std::size_t count = 0;
  const auto* const* groups = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(answered->get()), &count);
  std::vector<GroupMember> members;
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto* error = rd_kafka_ConsumerGroupDescription_error(groups[i])) {
      auto judged = judge(what, rd_kafka_error_code(error), rd_kafka_error_string(error));
      if (!judged) return fail(std::move(judged.error()));
    }
    // Until a rebalance is over, members are told with what they had before.
    const bool is_stable =
        rd_kafka_ConsumerGroupDescription_state(groups[i]) == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE;
    for (std::size_t j = 0; j < rd_kafka_ConsumerGroupDescription_member_count(groups[i]); ++j) {
      const auto* member = rd_kafka_ConsumerGroupDescription_member(groups[i], j);
      const auto* assignment = rd_kafka_MemberDescription_assignment(member);
      const auto* partitions =
          assignment == nullptr ? nullptr : rd_kafka_MemberAssignment_partitions(assignment);
      members.push_back(
          {.client_id = rd_kafka_MemberDescription_client_id(member),
           .host = rd_kafka_MemberDescription_host(member),
           .has_partitions = is_stable && partitions != nullptr && partitions->cnt > 0});
    }
  }
  return members;
}

}  // namespace keyledger::log::kafka
