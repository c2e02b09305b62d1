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
#include "services/feed/frames.h"

namespace keyledger::feed {
namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

/// How long events are gathered at least under load: a subscriber wakes a hundred times a second at
/// most, however many are written.
constexpr std::chrono::milliseconds kGather{10};

constexpr std::string_view kSlow = "too slow: resume with Last-Event-ID";
constexpr std::string_view kStopping = "this node is stopping: resume with Last-Event-ID";
constexpr std::string_view kUnreadable = "the history can't be read now: try again later";
constexpr std::string_view kNoMore = "the credentials are no longer good";

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
  append_opening(out_, query_.after);
  bool go_on = co_await send(body);
  while (go_on) {
    if (body.draining()) {
      reason_ = kStopping;
      break;
    }
    query_.up_to = source_.gate.position();
    const bool behind = query_.after < query_.up_to;
    go_on = behind ? co_await send_page(body) : co_await wait_for_more(body);
    if (!go_on || Clock::now() < look_) continue;
    look_ = Clock::now() + source_.heartbeat;
    if (!may_go_on_()) {
      reason_ = kNoMore;
      break;
    }
    append_heartbeat(out_, query_.after);
    go_on = co_await send(body);
  }
  if (reason_.empty() && body.draining()) reason_ = kStopping;
  if (!reason_.empty()) co_await say_why(body, reason_);
}

asio::awaitable<bool> Subscription::send_page(http::BodyStream& body) {
  const auto page =
      co_await api::on_threads(source_.threads, [this] { return source_.model.follow(query_); });
  if (!page) {
    source_.logger.error("a feed ends",
                         {{"error", page.error().message}, {"request_id", request_id_}});
    reason_ = kUnreadable;
    co_return false;
  }
  query_.after = page->last;
  if (page->entries.empty()) co_return true;
  for (const auto& entry : page->entries) append_event(out_, entry.position, entry.bytes);
  if (!co_await send(body)) co_return false;
  source_.stats.events_sent.fetch_add(page->entries.size(), std::memory_order_relaxed);
  co_return true;
}

asio::awaitable<bool> Subscription::wait_for_more(http::BodyStream& body) {
  asio::steady_timer gather(co_await asio::this_coro::executor, kGather);
  const auto ignored = asio::as_tuple(asio::use_awaitable);
  co_await gather.async_wait(ignored);
  const auto waited =
      co_await (source_.gate.reached(Position{query_.after.value + 1}, look_) || body.ended());
  if (waited.index() == 1) co_return false;
  const Result<void>& reached = std::get<0>(waited);
  if (reached || reached.error().code == Errc::not_caught_up) co_return true;
  reason_ = kStopping;
  co_return false;
}

asio::awaitable<bool> Subscription::send(http::BodyStream& body) {
  const auto began = Clock::now();
  const bool sent = co_await body.write(out_);
  // An event may be as long as 64 KiB, and the next page be all of short ones.
  if (out_.capacity() > query_.max_bytes) {
    std::string().swap(out_);
  } else {
    out_.clear();
  }
  if (sent && Clock::now() - began < source_.patience) co_return true;
  if (sent) reason_ = kSlow;
  const bool slow = Clock::now() - began >= source_.patience;
  if (!slow) co_return false;
  source_.stats.cut_off.fetch_add(1, std::memory_order_relaxed);
  source_.logger.info("a subscriber was cut off: it reads too slowly",
                      {{"position", query_.after.value}, {"request_id", request_id_}});
  co_return false;
}

asio::awaitable<void> Subscription::say_why(http::BodyStream& body, std::string_view reason) {
  out_.clear();
  append_end(out_, reason);
  co_await body.write(out_);
}

}  // namespace keyledger::feed
