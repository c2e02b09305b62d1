#include "events/log/kafka/topics.h"

#include <algorithm>
#include <array>
#include <map>
#include <thread>
#include <utility>

#include "events/log/kafka/client.h"
#include "events/log/kafka/topic_plan.h"

namespace keyledger::log {
namespace kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAnswerWithin{10'000};
/// How long the cluster may take to tell all its brokers of a topic that was made.
constexpr milliseconds kKnownWithin{10'000};
constexpr milliseconds kLookEvery{50};

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

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Frees<rd_kafka_NewTopic_destroy>>;
using ConfigResource =
    std::unique_ptr<rd_kafka_ConfigResource_t, Frees<rd_kafka_ConfigResource_destroy>>;
using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, Frees<rd_kafka_AdminOptions_destroy>>;

/// Asks and changes the cluster by Kafka's admin protocol.
class Admin {
 public:
  static Result<Admin> connect(const Clients& clients) {
    auto client = clients.producer({});
    if (!client) return fail(std::move(client.error()));
    return Admin(std::move(*client), clients.topics());
  }

  /// Errors: unavailable, forbidden.
  Result<Cluster> look() const;

  /// Errors: unavailable, forbidden.
  Result<void> create(const std::vector<TopicPlan>& plans, int replication) const;

  /// The settings of `topic`, by name. Errors: unavailable, forbidden.
  Result<std::map<std::string, std::string>> settings_of(const std::string& topic) const;

 private:
  Admin(Client client, const TopicNames& names)
      : client_(std::move(client)), names_(names), answers_(rd_kafka_queue_new(client_.get())) {}

  AdminOptions options(rd_kafka_admin_op_t operation) const;

  /// Errors: unavailable, forbidden.
  Result<KafkaEvent> answer(const std::string& what) const;

  /// Nothing where `code` is none.
  Result<void> judge(const std::string& what, rd_kafka_resp_err_t code, const char* why) const;

  Client client_;
  TopicNames names_;
  Queue answers_;
};

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
      code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
    return fail(Errc::forbidden, "kafka: " + what + ": " + text);
  }
  client_.poll();
  if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) return fail(client_.unavailable(what, code));
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

/// Errors: not_found, incompatible, unavailable, forbidden.
Result<void> check(const Admin& admin, const TopicNames& names, const Cluster& cluster) {
  for (const TopicPlan& plan : plan_topics(names, 1)) {
    const auto found = cluster.topics.find(plan.topic);
    if (found == cluster.topics.end()) {
      return fail(Errc::not_found, "kafka: there is no topic " + plan.topic +
                                       ": make it with `keyledger topics create`");
    }
    if (found->second.partitions != 1) {
      return fail(Errc::incompatible,
                  "kafka: topic " + plan.topic + ": it has " +
                      std::to_string(found->second.partitions) +
                      " partitions, and must have 1: they are one order, or none");
    }
    const auto settings = admin.settings_of(plan.topic);
    if (!settings) return fail(settings.error());
    const auto plans = plan_topics(names, found->second.replication);
    const auto wanted = std::ranges::find(plans, plan.topic, &TopicPlan::topic);
    for (const TopicSetting& setting : wanted->settings) {
      const auto value = settings->find(setting.name);
      if (value == settings->end()) continue;  // A broker that doesn't know it.
      if (const auto wrong = complaint(setting, value->second)) {
        return fail(Errc::incompatible, "kafka: topic " + plan.topic + ": " + *wrong);
      }
    }
  }
  return {};
}

/// Waits until every broker that is asked knows the topics, with a leader. Errors: unavailable.
Result<Cluster> wait_until_known(const Admin& admin, std::size_t topics) {
  const auto deadline = steady_clock::now() + kKnownWithin;
  while (true) {
    auto cluster = admin.look();
    if (!cluster) return cluster;
    const bool have_leaders = std::ranges::all_of(
        cluster->topics, [](const auto& topic) { return topic.second.has_leader; });
    if (cluster->topics.size() == topics && have_leaders) return cluster;
    if (steady_clock::now() > deadline) {
      return fail(Errc::unavailable,
                  "kafka: the topics were made, and still have no leader: are all brokers up?");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

constexpr int kManyBrokers = 3;

int wanted_replication(const TopicSettings& settings, const Cluster& cluster) {
  return settings.replication.value_or(cluster.brokers >= kManyBrokers ? kManyBrokers : 1);
}

}  // namespace
}  // namespace kafka

Result<std::vector<std::string>> create_topics(const KafkaOptions& options,
                                               const TopicSettings& settings, KafkaLogger logger) {
  const auto clients = kafka::Clients::make(options, std::move(logger));
  if (!clients) return fail(clients.error());
  const auto admin = kafka::Admin::connect(**clients);
  if (!admin) return fail(admin.error());
  auto cluster = admin->look();
  if (!cluster) return fail(std::move(cluster.error()));

  const kafka::TopicNames& names = (*clients)->topics();
  const int replication = kafka::wanted_replication(settings, *cluster);
  auto plans = kafka::plan_topics(names, replication, settings);
  const std::size_t all = plans.size();
  std::erase_if(plans,
                [&](const kafka::TopicPlan& plan) { return cluster->topics.contains(plan.topic); });
  if (!plans.empty()) {
    if (auto made = admin->create(plans, replication); !made) return fail(std::move(made.error()));
    cluster = kafka::wait_until_known(*admin, all);
    if (!cluster) return fail(std::move(cluster.error()));
  }
  if (auto good = kafka::check(*admin, names, *cluster); !good) return fail(good.error());
  std::vector<std::string> made;
  made.reserve(plans.size());
  for (kafka::TopicPlan& plan : plans) made.push_back(std::move(plan.topic));
  return made;
}

Result<void> check_topics(const KafkaOptions& options, KafkaLogger logger) {
  const auto clients = kafka::Clients::make(options, std::move(logger));
  if (!clients) return fail(clients.error());
  const auto admin = kafka::Admin::connect(**clients);
  if (!admin) return fail(admin.error());
  const auto cluster = admin->look();
  if (!cluster) return fail(cluster.error());
  return kafka::check(*admin, (*clients)->topics(), *cluster);
}

}  // namespace keyledger::log
