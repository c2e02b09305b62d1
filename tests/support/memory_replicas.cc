#include "tests/support/memory_replicas.h"

#include <algorithm>
#include <utility>

namespace keyledger::log {

MemoryReplicas::MemoryReplicas(ReplicaTopic& topic, std::string run,
                               std::function<Clock::time_point()> now)
    : topic_(topic), run_(std::move(run)), now_(std::move(now)) {
  const std::scoped_lock lock(topic_.mutex_);
  topic_.readers_.push_back(this);
}

MemoryReplicas::~MemoryReplicas() {
  const std::scoped_lock lock(topic_.telling_, topic_.mutex_);
  std::erase(topic_.readers_, this);
}

Result<void> MemoryReplicas::announce(const Replica& replica) {
  before_write();
  if (!is_reachable) return fail(Errc::unavailable, "no broker answers");
  ++announcements_;
  write(replica.node, replica);
  after_write();
  if (loses_answers) return fail(Errc::unavailable, "no broker answered");
  return {};
}

Result<void> MemoryReplicas::withdraw(const std::string& node) {
  if (!is_reachable) return fail(Errc::unavailable, "no broker answers");
  write(node, std::nullopt);
  return {};
}

void MemoryReplicas::write(const std::string& node, std::optional<Replica> replica) {
  const std::scoped_lock telling(topic_.telling_);
  std::vector<const MemoryReplicas*> changed;
  {
    const std::scoped_lock lock(topic_.mutex_);
    topic_.records_.push_back({node, run_, ++sequence_, std::move(replica), {}});
    for (MemoryReplicas* reader : topic_.readers_) {
      if (!reader->is_following || !reader->is_reachable) continue;
      reader->read();
      changed.push_back(reader);
    }
  }
  for (const MemoryReplicas* reader : changed) reader->touch();
}

void MemoryReplicas::read() {
  const std::scoped_lock lock(topic_.mutex_);
  for (; next_ < topic_.records_.size(); ++next_) table_.take(topic_.records_[next_], now_());
}

void MemoryReplicas::touch() const {
  const std::scoped_lock lock(topic_.telling_);
  if (listener_) listener_();
}

Result<std::vector<KnownReplica>> MemoryReplicas::read_to_end() {
  if (!is_reachable) return fail(Errc::unavailable, "no broker answers");
  read();
  auto read_by_now = known();
  after_read();
  return read_by_now;
}

Result<std::vector<KnownReplica>> MemoryReplicas::known() const {
  const std::scoped_lock lock(topic_.mutex_);
  return table_.list(run_);
}

void MemoryReplicas::on_change(std::function<void()> listener) {
  const std::scoped_lock lock(topic_.telling_);
  listener_ = std::move(listener);
}

}  // namespace keyledger::log
