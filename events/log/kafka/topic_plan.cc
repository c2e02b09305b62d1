#include "events/log/kafka/topic_plan.h"

#include <charconv>
#include <initializer_list>

namespace keyledger::log::kafka {
namespace {

/// From here on a topic outlives the loss of one copy while it takes writes.
constexpr int kSafeReplication = 3;
/// Kafka's default, and more than the largest batch of a producer of ours.
constexpr std::string_view kMaxMessageBytes = "1048588";
/// Twice what secrets.cc counts on: see there.
constexpr std::string_view kTombstonesStayMs = "86400000";

using Settings = std::vector<TopicSetting>;

Settings joined(std::initializer_list<Settings> parts) {
  Settings all;
  for (const Settings& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// What every topic needs whose records must not be lost.
Settings durable(int replication) {
  return {{"min.insync.replicas", Rule::at_least, replication >= kSafeReplication ? "2" : "1"},
          {"unclean.leader.election.enable", Rule::exactly, "false"},
          {"message.timestamp.type", Rule::exactly, "CreateTime"},
          {"max.message.bytes", Rule::at_least, std::string(kMaxMessageBytes)}};
}

Settings kept_for_ever() {
  return {{"cleanup.policy", Rule::exactly, "delete"},
          {"retention.ms", Rule::exactly, "-1"},
          {"retention.bytes", Rule::exactly, "-1"}};
}

Settings compacted() { return {{"cleanup.policy", Rule::exactly, "compact"}}; }

/// Whoever starts reads all of it.
Settings kept_short() { return {{"segment.bytes", Rule::at_most, "16777216"}}; }

/// Kafka compacts a segment only when it takes no more records, when enough of it is out of date,
/// and not before `min.compaction.lag.ms`.
Settings erased_soon(std::chrono::milliseconds delay) {
  const std::string milliseconds = std::to_string(delay.count());
  return {{"segment.ms", Rule::at_most, milliseconds},
          {"max.compaction.lag.ms", Rule::at_most, milliseconds},
          {"min.compaction.lag.ms", Rule::at_most, "0"},
          {"file.delete.delay.ms", Rule::at_most, milliseconds},
          {"min.cleanable.dirty.ratio", Rule::at_most, "0.01"},
          {"delete.retention.ms", Rule::at_least, std::string(kTombstonesStayMs)}};
}

std::optional<double> to_number(std::string_view text) {
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool keeps(const TopicSetting& wanted, std::string_view found) {
  if (wanted.rule == Rule::exactly) return found == wanted.value;
  const auto bound = to_number(wanted.value);
  const auto number = to_number(found);
  if (!bound || !number) return false;
  return wanted.rule == Rule::at_least ? *number >= *bound : *number <= *bound;
}

}  // namespace

std::vector<TopicPlan> plan_topics(const TopicNames& names, int replication,
                                   const TopicSettings& settings) {
  return {
      {names.events, joined({kept_for_ever(), durable(replication)})},
      {names.secrets,
       joined({compacted(), erased_soon(settings.erasure_delay), durable(replication)})},
      {names.writer, {}},
      {names.replicas, joined({compacted(), kept_short(), durable(replication)})},
  };
}

std::optional<std::string> complaint(const TopicSetting& wanted, std::string_view found) {
  if (keeps(wanted, found)) return std::nullopt;
  std::string text = wanted.name + " is " + std::string(found) + ", and must be ";
  switch (wanted.rule) {
    case Rule::exactly:
      break;
    case Rule::at_least:
      text += "at least ";
      break;
    case Rule::at_most:
      text += "at most ";
      break;
  }
  return text + wanted.value;
}

}  // namespace keyledger::log::kafka
