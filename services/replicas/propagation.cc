#include "services/replicas/propagation.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace keyledger::replicas {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kTryAgainAfter{200};
/// Where nothing is to be done the thread looks so seldom.
constexpr std::chrono::seconds kIdle{10};

}  // namespace

/// One's place among those who wait, given up however the wait ends.
class Propagation::Membership {
 public:
  Membership(Propagation& owner, Waiters::iterator waiter) : owner_(owner), waiter_(waiter) {}
  ~Membership() { owner_.leave(waiter_); }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

 private:
  Propagation& owner_;
  Waiters::iterator waiter_;
};

Propagation::Propagation(log::ReplicaRegistry& registry, logging::Logger& logger, Options options)
    : registry_(registry),
      logger_(logger),
      options_(std::move(options)),
      thread_([this] { run(); }) {
  registry_.on_change([this] { wake(); });
}

Propagation::~Propagation() { stop(); }

asio::awaitable<Spread> Propagation::applied_everywhere(Position position, nanoseconds patience) {
  const auto executor = co_await asio::this_coro::executor;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto timer = std::make_shared<asio::steady_timer>(executor, deadline);
  const auto waiter = join({.position = position, .executor = executor, .timer = timer});
  if (waiter == waiters_.end()) co_return result_of({position, executor, timer});

  const Membership membership(*this, waiter);
  boost::system::error_code ended;
  auto wait = timer->async_wait(asio::redirect_error(asio::use_awaitable, ended));
  co_await std::move(wait);
  co_return result_of(*waiter);
}

Propagation::Waiters::iterator Propagation::join(Waiter waiter) {
  const std::scoped_lock lock(mutex_);
  if (is_stopped_ || waiters_.size() >= options_.max_waiting) return waiters_.end();
  waiters_.push_back(std::move(waiter));
  is_woken_ = true;
  changed_.notify_one();
  return std::prev(waiters_.end());
}

Spread Propagation::result_of(const Waiter& waiter) {
  const std::scoped_lock lock(mutex_);
  Spread spread{waiter.is_everywhere, {}};
  if (const auto known = registry_.known(); known && !spread.applied_everywhere) {
    std::optional<log::BootClock::time_point> next_lapse;
    spread = judge(*known, waiter.position, options_.now(), next_lapse);
    // Else there may be one that hasn't been read yet.
    if (waiter.registry != Waiter::Registry::read) spread.applied_everywhere = false;
  }
  auto& count = spread.applied_everywhere ? stats_.everywhere : stats_.not_everywhere;
  count.fetch_add(1, std::memory_order_relaxed);
  return spread;
}

void Propagation::leave(Waiters::iterator waiter) {
  const std::scoped_lock lock(mutex_);
  waiters_.erase(waiter);
}

void Propagation::wake() {
  const std::scoped_lock lock(mutex_);
  if (waiters_.empty()) return;
  is_woken_ = true;
  changed_.notify_one();
}

void Propagation::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    is_woken_ = false;
    if (has_unread()) read_registry(lock);
    judge_all();
    const bool can_wait = !has_unread() || has_failed_;
    if (can_wait) changed_.wait_for(lock, until_next_step(), [&] { return is_woken_; });
  }
}

void Propagation::read_registry(std::unique_lock<std::mutex>& lock) {
  using Registry = Waiter::Registry;
  for (Waiter& waiter : waiters_) {
    if (waiter.registry == Registry::unread) waiter.registry = Registry::being_read;
  }
  lock.unlock();
  const auto read = registry_.read_to_end();
  lock.lock();
  for (Waiter& waiter : waiters_) {
    if (waiter.registry != Registry::being_read) continue;
    waiter.registry = read ? Registry::read : Registry::unread;
  }
  if (!read && !has_failed_) {
    logger_.warn("can't tell whether a change was applied everywhere",
                 {{"error", read.error().message}});
  }
  has_failed_ = !read;
}

void Propagation::judge_all() {
  next_lapse_.reset();
  if (waiters_.empty()) return;
  const auto known = registry_.known();
  if (!known) return;
  const auto now = options_.now();
  for (Waiter& waiter : waiters_) {
    if (waiter.registry != Waiter::Registry::read || waiter.is_everywhere) continue;
    std::optional<log::BootClock::time_point> next_lapse;
    waiter.is_everywhere = judge(*known, waiter.position, now, next_lapse).applied_everywhere;
    if (waiter.is_everywhere) end_wait(waiter);
    if (!next_lapse_ || (next_lapse && next_lapse < next_lapse_)) next_lapse_ = next_lapse;
  }
}

/// Its coroutine goes on by itself, on its own executor.
void Propagation::end_wait(const Waiter& waiter) const {
  asio::post(waiter.executor, [timer = waiter.timer] {
    // Also where the coroutine doesn't wait yet.
    timer->expires_at(std::chrono::steady_clock::time_point::min());
  });
}

bool Propagation::has_unread() const {
  return std::ranges::any_of(
      waiters_, [](const Waiter& waiter) { return waiter.registry == Waiter::Registry::unread; });
}

nanoseconds Propagation::until_next_step() const {
  nanoseconds until = kIdle;
  if (next_lapse_) until = std::min<nanoseconds>(until, *next_lapse_ - options_.now());
  if (has_failed_ && has_unread()) until = std::min<nanoseconds>(until, kTryAgainAfter);
  return until;
}

void Propagation::stop() {
  if (!thread_.joinable()) return;
  registry_.on_change(nullptr);
  {
    const std::scoped_lock lock(mutex_);
    is_stopped_ = true;
    is_woken_ = true;
    for (const Waiter& waiter : waiters_) end_wait(waiter);
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace keyledger::replicas
