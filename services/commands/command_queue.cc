#include "services/commands/command_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace keyledger::commands {

CommandQueue::CommandQueue(std::size_t bound)
    : bound_(bound),
      closed_(
          Error{Errc::unavailable, "this node takes no commands yet; nothing was written", {}}) {}

std::optional<Error> CommandQueue::push(Pending& pending) {
  bool is_enough = false;
  {
    const std::scoped_lock lock(mutex_);
    if (ending_) return ending_;
    if (closed_) return closed_;
    if (waiting_.size() >= bound_) {
      return Error{Errc::overloaded, "too many commands are waiting; nothing was written", {}};
    }
    waiting_.push_back(std::move(pending));
    is_enough = waiting_.size() >= enough_;
  }
  if (is_enough) changed_.notify_one();
  return std::nullopt;
}

void CommandQueue::open() {
  const std::scoped_lock lock(mutex_);
  closed_.reset();
}

void CommandQueue::close(const Error& why) {
  std::deque<Pending> refused;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = why;
    refused.swap(waiting_);
  }
  for (auto& pending : refused) pending.answer(fail(why));
}

void CommandQueue::refuse_new(const Error& why) {
  const std::scoped_lock lock(mutex_);
  ending_ = why;
}

std::vector<Pending> CommandQueue::take(std::size_t most) {
  const std::scoped_lock lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, waiting_.size()));
  std::vector<Pending> taken(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return taken;
}

void CommandQueue::put_back(std::vector<Pending> pending) {
  if (pending.empty()) return;
  std::optional<Error> closed;
  {
    const std::scoped_lock lock(mutex_);
    closed = closed_;
    if (!closed) {
      waiting_.insert(waiting_.begin(), std::make_move_iterator(pending.begin()),
                      std::make_move_iterator(pending.end()));
    }
  }
  if (!closed) return;
  for (auto& each : pending) each.answer(fail(*closed));
}

std::size_t CommandQueue::size() const {
  const std::scoped_lock lock(mutex_);
  return waiting_.size();
}

bool CommandQueue::is_open() const {
  const std::scoped_lock lock(mutex_);
  return !closed_ && !ending_;
}

void CommandQueue::wait_for_commands(std::size_t enough, std::chrono::nanoseconds at_most) {
  std::unique_lock lock(mutex_);
  enough_ = enough;
  changed_.wait_for(lock, at_most, [&] { return woken_ || waiting_.size() >= enough; });
  enough_ = kNobodyWaits;
  woken_ = false;
}

void CommandQueue::wait_for_wake(std::chrono::nanoseconds at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [this] { return woken_; });
  woken_ = false;
}

void CommandQueue::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

}  // namespace keyledger::commands
