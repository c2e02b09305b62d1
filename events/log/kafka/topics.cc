#include "events/log/kafka/topics.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "events/log/kafka/admin.h"
#include "events/log/kafka/topic_plan.h"

namespace keyledger::log {
namespace kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long the cluster may take to tell all its brokers of a topic that was made.
constexpr milliseconds kKnownWithin{10'000};
constexpr milliseconds kLookEvery{50};

/// Errors: not_found, incompatible, unavailable, forbidden.
Result<void> check(const Admin& admin, const TopicNames& names, const Cluster& cluster,
                   TopicUse use) {
  for (const TopicPlan& plan : plan_topics(names, 1)) {
    const bool is_followed = plan.topic == names.events || plan.topic == names.replicas;
    if (use == TopicUse::following && !is_followed) continue;
    const auto found = cluster.topics.find(plan.topic);
    if (found == cluster.topics.end()) {
      return fail(Errc::not_found, "kafka: there is no topic " + plan.topic +
                                       ": make it with `keyledger topics create`, or "
                                       "let these credentials describe it");
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
  const auto good = kafka::check(*admin, names, *cluster, TopicUse::all);
  if (!good) return fail(good.error());
  std::vector<std::string> made;
  made.reserve(plans.size());
  for (kafka::TopicPlan& plan : plans) made.push_back(std::move(plan.topic));
  return made;
}

Result<void> check_topics(const KafkaOptions& options, KafkaLogger logger, TopicUse use) {
  const auto clients = kafka::Clients::make(options, std::move(logger));
  if (!clients) return fail(clients.error());
  const auto admin = kafka::Admin::connect(**clients);
  if (!admin) return fail(admin.error());
  const auto cluster = admin->look();
  if (!cluster) return fail(cluster.error());
  return kafka::check(*admin, (*clients)->topics(), *cluster, use);
}

}  // namespace keyledger::log
