#include "services/feed/subscription.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/api/on_threads.h"

namespace keyledger::feed {
namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

/// How long events are gathered at least under load: a subscriber wakes a hundred times a second at
/// most, however many are written.
constexpr std::chrono::milliseconds kGather{10};

constexpr End kSlow{"too slow: resume with Last-Event-ID", "too-slow"};
constexpr End kCrowded{"too many subscribers are behind: resume with Last-Event-ID", "crowded"};
constexpr End kStopping{"this node is stopping: resume with Last-Event-ID", "stopping"};
constexpr End kUnreadable{"the history can't be read now: try again later", "unreadable"};
constexpr End kNoMore{"the credentials are no longer good", "credentials"};
constexpr End kBeyondEnd{
    "the log ends before the position that you resume at: if this goes on, it was restored from an "
    "older backup, and you must begin anew",
    "beyond-end"};

}  // namespace

Subscription::Subscription(Source& source, projections::FollowQuery query,
                           std::function<bool()> may_go_on, std::string request_id)
    : source_(source),
      query_(std::move(query)),
      may_go_on_(std::move(may_go_on)),
      request_id_(std::move(request_id)) {
  source_.stats.subscribers.fetch_add(1, std::memory_order_relaxed);
}

Subscription::~Subscription() { source_.stats.subscribers.fetch_sub(1, std::memory_order_relaxed); }

asio::awaitable<void> Subscription::run(http::BodyStream& body) {
  look_ = Clock::now() + source_.heartbeat;
  comes_ = Clock::now() + source_.catching_up;
  append_opening(body.piece(), query_.after);
  bool go_on = co_await send(body);
  while (go_on) {
    if (body.draining()) {
      end_ = kStopping;
      break;
    }
    query_.up_to = source_.gate.position();
    if (is_beyond_end()) {
      end_ = kBeyondEnd;
      break;
    }
    const bool behind = query_.after < query_.up_to;
    go_on = behind ? co_await send_page(body) : co_await wait_for_more(body);
    if (!go_on || Clock::now() < look_) continue;
    look_ = Clock::now() + source_.heartbeat;
    if (!may_go_on_()) {
      end_ = kNoMore;
      break;
    }
    append_heartbeat(body.piece(), query_.after);
    go_on = co_await send(body);
  }
  if (!end_ && body.draining()) end_ = kStopping;
  if (!end_) co_return;
  body.discard();
  append_end(body.piece(), *end_);
  co_await body.write();
}

asio::awaitable<bool> Subscription::send_page(http::BodyStream& body) {
  const auto page = co_await api::on_threads(source_.threads, [this, &body] {
    return source_.model.follow(query_, [&body](Position position, std::string_view bytes) {
      append_event(body.piece(), position, bytes);
    });
  });
  if (!page) {
    source_.logger.error("a feed ends",
                         {{"error", page.error().message}, {"request_id", request_id_}});
    end_ = kUnreadable;
    co_return false;
  }
  // Where what was looked at has nothing for this subscriber, a heartbeat will tell it.
  if (page->events > 0 && !co_await send(body)) co_return false;
  query_.after = page->last;
  source_.stats.events_sent.fetch_add(page->events, std::memory_order_relaxed);
  co_return true;
}

asio::awaitable<bool> Subscription::wait_for_more(http::BodyStream& body) {
  asio::steady_timer gather(co_await asio::this_coro::executor, kGather);
  const auto ignored = asio::as_tuple(asio::use_awaitable);
  co_await gather.async_wait(ignored);
  const auto until = query_.after > query_.up_to ? std::min(look_, comes_) : look_;
  const auto waited =
      co_await (source_.gate.reached(Position{query_.after.value + 1}, until) || body.ended());
  if (waited.index() == 1) co_return false;
  const Result<void>& reached = std::get<0>(waited);
  if (reached || reached.error().code == Errc::not_caught_up) co_return true;
  end_ = kStopping;
  co_return false;
}

bool Subscription::is_beyond_end() const {
  return query_.after > query_.up_to && Clock::now() >= comes_;
}

asio::awaitable<bool> Subscription::send(http::BodyStream& body) {
  const auto began = Clock::now();
  const auto written = co_await body.write();
  const bool slow = Clock::now() - began >= source_.patience;
  if (written == http::BodyStream::Written::no_memory) {
    end_ = kCrowded;
  } else if (slow && written == http::BodyStream::Written::all) {
    end_ = kSlow;
  } else if (!slow) {
    co_return written == http::BodyStream::Written::all;
  }
  source_.stats.cut_off.fetch_add(1, std::memory_order_relaxed);
  source_.logger.info("a subscriber was cut off", {{"why", end_.value_or(kSlow).code},
                                                   {"position", query_.after.value},
                                                   {"request_id", request_id_}});
  co_return false;
}

}  // namespace keyledger::feed
