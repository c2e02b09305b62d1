#include "events/log/kafka/ticks.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "events/log/pause.h"

namespace keyledger::log::kafka {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kEvery{1'000};
/// A minute until the segment is full of age, and one until what it holds must be compacted
/// (topic_plan.cc); the rest is for the broker's cleaner, which looks now and then.
constexpr std::chrono::minutes kGoOn{5};

constexpr std::array<Property, 2> kProperties = {
    {{"enable.idempotence", "true"}, {"message.timeout.ms", "4000"}}};

Instant now() {
  return std::chrono::time_point_cast<Instant::duration>(std::chrono::system_clock::now());
}

}  // namespace

Ticks::Ticks(const Clients& clients)
    : clients_(clients), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Ticks::follow(Instant erased_at) {
  {
    const std::lock_guard lock(mutex_);
    end_ = std::max(end_, std::min(erased_at, now()) + kGoOn);
  }
  wanted_.notify_all();
}

bool Ticks::is_due() const {
  const std::lock_guard lock(mutex_);
  return now() < end_;
}

void Ticks::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!wanted_.wait(lock, stop, [&] { return now() < end_; })) return;
    }
    tick_until_end(stop);
  }
}

/// By a client of its own, that is there for as long only.
void Ticks::tick_until_end(const std::stop_token& stop) {
  const auto client = clients_.producer(kProperties);
  while (!stop.stop_requested() && is_due()) {
    if (client && tick(*client)) clients_.stats().ticks.fetch_add(1);
    log::pause(stop, kEvery);
    if (!client) return;
  }
}

Result<void> Ticks::tick(const Client& client) const {
  client.poll();
  const Topic topic(rd_kafka_topic_new(client.get(), clients_.topics().secrets.c_str(), nullptr));
  std::array<char, 1> value = {'1'};
  const std::string_view key = kTickKey;
  const int refused = rd_kafka_produce(topic.get(), kPartition, RD_KAFKA_MSG_F_COPY, value.data(),
                                       value.size(), key.data(), key.size(), nullptr);
  if (refused == 0) return {};
  return fail(client.unavailable("no tick", rd_kafka_last_error()));
}

}  // namespace keyledger::log::kafka
