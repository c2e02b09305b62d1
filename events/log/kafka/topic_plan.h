#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/log/kafka/client.h"
#include "events/log/kafka/topics.h"

namespace keyledger::log::kafka {

/// What a setting of a topic must be.
enum class Rule { exactly, at_least, at_most };

struct TopicSetting {
  std::string name;
  Rule rule;
  std::string value;  ///< The topic is made with this one.
};

struct TopicPlan {
  std::string topic;
  std::vector<TopicSetting> settings;
};

/// The log's topics with the settings that it rests on, where each has `replication` copies.
std::vector<TopicPlan> plan_topics(const TopicNames& names, int replication,
                                   const TopicSettings& settings = {});

/// What is wrong with `found`, for a person; nothing if it keeps the rule.
std::optional<std::string> complaint(const TopicSetting& wanted, std::string_view found);

}  // namespace keyledger::log::kafka
