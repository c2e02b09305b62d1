#include "projections/position_gate.h"

#include <string>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace keyledger::projections {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Error too_late(Position target, Position now) {
  return {Errc::not_caught_up,
          "the read model is at position " + std::to_string(now.value) + " and did not reach " +
              std::to_string(target.value) + " in time",
          {}};
}

Error closed() { return {Errc::unavailable, "this node is stopping", {}}; }

}  // namespace

asio::awaitable<Result<void>> PositionGate::reached(Position target, Deadline deadline) {
  if (target <= position()) co_return Result<void>{};
  const auto executor = co_await asio::this_coro::executor;
  auto start = [this, executor, target, deadline](auto handler) {
    enqueue(target, deadline, executor, Handler(std::move(handler)));
  };
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  auto wait = asio::async_initiate<decltype(token), void(error_code)>(std::move(start), token);
  co_await std::move(wait);
  if (!ec) co_return Result<void>{};
  if (ec == asio::error::timed_out) co_return fail(too_late(target, position()));
  if (ec == asio::error::shut_down) co_return fail(closed());
  throw boost::system::system_error(ec);
}

Result<void> PositionGate::wait_for(Position target, Deadline deadline) {
  std::unique_lock lock(mutex_);
  moved_.wait_until(lock, deadline, [&] { return closed_ || target <= position(); });
  if (target <= position()) return {};
  return fail(closed_ ? closed() : too_late(target, position()));
}

void PositionGate::enqueue(Position target, Deadline deadline,
                           const asio::any_io_executor& executor, Handler handler) {
  auto timer = std::make_shared<asio::steady_timer>(executor, deadline);
  Waiter waiter{0, executor, std::move(handler), timer};
  std::unique_lock lock(mutex_);
  if (closed_ || target <= position()) {
    const error_code ec = closed_ ? asio::error::shut_down : error_code{};
    lock.unlock();
    return resume(std::move(waiter), ec);
  }
  const std::uint64_t ticket = waiter.ticket = next_ticket_++;
  auto slot = asio::get_associated_cancellation_slot(waiter.handler);
  if (slot.is_connected()) {
    slot.assign([this, target, ticket](asio::cancellation_type) {
      end(target, ticket, asio::error::operation_aborted);
    });
  }
  // It runs on the waiter's own executor, which is here, so nobody else touches the timer now.
  timer->async_wait([this, target, ticket, timer](error_code ec) {
    if (!ec) end(target, ticket, asio::error::timed_out);
  });
  waiters_.emplace(target, std::move(waiter));
}

void PositionGate::listen(std::function<void()> listener) {
  const std::scoped_lock lock(listener_mutex_);
  listener_ = std::move(listener);
}

void PositionGate::tell_listener() {
  const std::scoped_lock lock(listener_mutex_);
  if (listener_) listener_();
}

void PositionGate::advance(Position position) {
  std::vector<Waiter> ready;
  {
    const std::scoped_lock lock(mutex_);
    if (position <= this->position()) return;
    position_.store(position.value, std::memory_order_release);
    const auto last = waiters_.upper_bound(position);
    for (auto it = waiters_.begin(); it != last; ++it) ready.push_back(std::move(it->second));
    waiters_.erase(waiters_.begin(), last);
  }
  moved_.notify_all();
  tell_listener();
  for (auto& waiter : ready) resume(std::move(waiter), {});
}

void PositionGate::close() {
  std::multimap<Position, Waiter> ended;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    ended.swap(waiters_);
  }
  moved_.notify_all();
  tell_listener();
  for (auto& [target, waiter] : ended) resume(std::move(waiter), asio::error::shut_down);
}

void PositionGate::end(Position target, std::uint64_t ticket, error_code ec) {
  std::unique_lock lock(mutex_);
  const auto [first, last] = waiters_.equal_range(target);
  for (auto it = first; it != last; ++it) {
    if (it->second.ticket != ticket) continue;
    Waiter waiter = std::move(it->second);
    waiters_.erase(it);
    lock.unlock();
    return resume(std::move(waiter), ec);
  }
}

void PositionGate::resume(Waiter waiter, error_code ec) {
  const auto executor = waiter.executor;
  asio::post(executor, [waiter = std::move(waiter), ec]() mutable {
    waiter.timer->cancel();
    std::move(waiter.handler)(ec);
  });
}

}  // namespace keyledger::projections
