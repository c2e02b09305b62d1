#include "events/log/kafka/election.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <string>
#include <utility>
#include <vector>

#include "events/log/pause.h"

namespace keyledger::log::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPollMs = 50;
constexpr milliseconds kLeaveWithin{3'000};
constexpr milliseconds kPause{1'000};
/// As long as a session.
constexpr milliseconds kGivenOutWithin{6'000};

/// A member learns by its heartbeats that another came or went: so they are frequent. Without one
/// for the session's time it is out, and knows that by its own clock too.
constexpr std::array<Property, 6> kProperties = {{{"session.timeout.ms", "6000"},
                                                  {"heartbeat.interval.ms", "250"},
                                                  {"partition.assignment.strategy", "range"},
                                                  {"enable.auto.commit", "false"},
                                                  {"enable.auto.offset.store", "false"},
                                                  {"allow.auto.create.topics", "false"}}};

}  // namespace

void Election::stand(std::function<void()> on_change) {
  resign();
  on_change_ = std::move(on_change);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Election::resign() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Election::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto member = join()) {
      take_part(*member, stop);
      leave(std::move(*member));
    }
    log::pause(stop, kPause);
  }
}

Result<Client> Election::join() const {
  const std::string group = clients_.writers_group();
  std::vector<Property> properties(kProperties.begin(), kProperties.end());
  properties.push_back({"group.id", group.c_str()});
  auto member = clients_.consumer(properties);
  if (!member) return member;
  const Partitions topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), clients_.topics().writer.c_str(),
                                    RD_KAFKA_PARTITION_UA);
  const auto code = rd_kafka_subscribe(member->get(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(member->unavailable("can't stand for election", code));
  }
  return member;
}

void Election::take_part(const Client& member, const std::stop_token& stop) {
  const Queue queue(rd_kafka_queue_get_consumer(member.get()));
  while (!stop.stop_requested()) {
    member.poll();
    if (const KafkaEvent event{rd_kafka_queue_poll(queue.get(), kPollMs)}) handle(member, *event);
    if (taken_back_at_ && steady_clock::now() - *taken_back_at_ > kGivenOutWithin) {
      set_elected(false);
    }
    if (rd_kafka_fatal_error(member.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  }
}

/// Says so to the group, that another is elected at once. Where no broker listens, it is enough
/// that the heartbeats end.
void Election::leave(Client member) {
  set_elected(false);
  taken_back_at_.reset();
  close(member);
  std::move(member).abandon();
}

void Election::close(const Client& member) {
  const auto deadline = steady_clock::now() + kLeaveWithin;
  const Queue queue(rd_kafka_queue_new(member.get()));
  const Failure failure(rd_kafka_consumer_close_queue(member.get(), queue.get()));
  while (!failure && rd_kafka_consumer_closed(member.get()) == 0 &&
         steady_clock::now() < deadline) {
    if (const KafkaEvent event{rd_kafka_queue_poll(queue.get(), kPollMs)}) handle(member, *event);
  }
}

void Election::handle(const Client& member, const rd_kafka_event_t& event) {
  // librdkafka's functions only read it, and don't say so.
  auto* const given = const_cast<rd_kafka_event_t*>(&event);
  if (rd_kafka_event_type(given) == RD_KAFKA_EVENT_ERROR) {
    member.reports().on_log("ELECTION", rd_kafka_event_error_string(given));
  }
  if (rd_kafka_event_type(given) != RD_KAFKA_EVENT_REBALANCE) return;
  if (rd_kafka_event_error(given) != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    // Whoever comes or goes, everybody's partitions are taken back and given out again: who has it
    // writes on until it is another's. Only whoever is out of the group knows nothing any more.
    if (rd_kafka_assignment_lost(member.get()) != 0) set_elected(false);
    rd_kafka_assign(member.get(), nullptr);
    taken_back_at_ = steady_clock::now();
    return;
  }
  taken_back_at_.reset();
  // What the group gave is enough; nothing is to be fetched. (A client that fetches can't always be
  // destroyed: librdkafka 2.0.2 then waits for its own threads for ever.)
  const Partitions none(rd_kafka_topic_partition_list_new(0));
  rd_kafka_assign(member.get(), none.get());
  set_elected(rd_kafka_event_topic_partition_list(given)->cnt > 0);
}

void Election::set_elected(bool elected) {
  if (is_elected_.exchange(elected) == elected) return;
  if (on_change_) on_change_();
}

}  // namespace keyledger::log::kafka
