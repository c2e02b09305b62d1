#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "events/vocabulary.h"
#include "projections/position_gate.h"
#include "projections/read_model.h"
#include "services/feed/frames.h"
#include "services/http/body_stream.h"
#include "services/logging/logger.h"

namespace keyledger::feed {

/// Counters for metrics. Relaxed; any thread.
struct Stats {
  std::atomic<std::int64_t> subscribers{0};
  std::atomic<std::uint64_t> events_sent{0};
  std::atomic<std::uint64_t> cut_off{0};  ///< Too slow, or no memory for the next page.
};

/// What all subscriptions of a node share. Outlives them.
struct Source {
  const projections::ReadModel& model;
  projections::PositionGate& gate;
  boost::asio::thread_pool& threads;  ///< History is read here.
  logging::Logger& logger;
  /// How often a silent stream gets a heartbeat, and every one is looked at: whether its caller may
  /// go on.
  std::chrono::milliseconds heartbeat{10'000};
  /// Who takes longer for one page (48 KiB and its last event) is cut off.
  std::chrono::milliseconds patience{10'000};
  /// How long the model may take to come to where a subscriber says that it has been: it may have
  /// been told by a node that is ahead of this one. Else the log has no such position any more.
  std::chrono::milliseconds catching_up{5'000};
  Stats stats{};
};

/// Sends one subscriber the events that follow its position: from the read model's history, page by
/// page, and from the model's end on as they are applied. One position tells where it is, so there
/// is neither a gap nor a duplicate between the two, and nothing is queued for whoever is slow: it
/// holds one page, once, of the memory that all large answers share. A coroutine of its
/// connection's thread.
class Subscription {
 public:
  /// `may_go_on` is asked now and then; it and `source` are used until this is gone.
  Subscription(Source& source, projections::FollowQuery query, std::function<bool()> may_go_on,
               std::string request_id);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// Returns when the client is gone, or was told why this is the end.
  boost::asio::awaitable<void> run(http::BodyStream& body);

 private:
  using Clock = std::chrono::steady_clock;

  /// What comes next; false: nothing.
  boost::asio::awaitable<bool> send_page(http::BodyStream& body);
  boost::asio::awaitable<bool> wait_for_more(http::BodyStream& body);
  boost::asio::awaitable<bool> send(http::BodyStream& body);
  /// Whether the subscriber has been where the model still isn't, and had time to come.
  bool is_beyond_end() const;

  Source& source_;
  projections::FollowQuery query_;
  std::function<bool()> may_go_on_;
  std::string request_id_;
  std::optional<End> end_;   ///< Why this is the end, for the client.
  Clock::time_point look_;   ///< When to send a heartbeat, and to ask may_go_on_.
  Clock::time_point comes_;  ///< When the model must be where the subscriber has been.
};

}  // namespace keyledger::feed
