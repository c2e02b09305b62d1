#include "services/commands/writer.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/append.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace keyledger::commands {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

/// How long lead() waits for its own projector.
constexpr std::chrono::seconds kApplyTimeout{10};

Error stopped() {
  return Error{Errc::unavailable, "this node is stopping; nothing was written", {}};
}

Leader::Options leader_options(Writer::Options options, asio::thread_pool& replays) {
  return {.node = std::move(options.node),
          .values_once = options.values_once,
          .max_batch = options.max_batch,
          .clocks = std::move(options.clocks),
          .run_elsewhere = [&replays](auto task) { asio::post(replays, std::move(task)); }};
}

}  // namespace

Writer::Writer(log::EventLog& log, const projections::ReadModel& model,
               projections::PositionGate& gate, const security::KeyRing& ring,
               logging::Logger& logger, Options options)
    : log_(log),
      gate_(gate),
      queue_(options.max_queue),
      leader_({log, model, gate, ring, logger, queue_},
              leader_options(std::move(options), replays_)) {
  gate_.listen([this] { queue_.wake(); });
}

Writer::~Writer() {
  stop();
  gate_.listen({});
}

Result<void> Writer::lead(const std::string& url) {
  leader_.set_url(url);
  const auto until = steady_clock::now() + kApplyTimeout;
  while (leader_.state() != Leader::State::leading) {
    const Wait next = leader_.step();
    if (leader_.obstacle()) return fail(*leader_.obstacle());
    if (steady_clock::now() >= until) {
      return fail(Errc::not_caught_up, "the read model does not follow the log");
    }
    wait(next);
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

void Writer::stand(const std::string& url) {
  leader_.set_url(url);
  queue_.close({Errc::not_leader, "no node is known to take commands; nothing was written", {}});
  stands_ = true;
  log_.stand([this] { queue_.wake(); });
  thread_ = std::thread([this] { run(); });
}

void Writer::hand_over() {
  if (std::exchange(stands_, false)) log_.resign();
}

asio::awaitable<Result<Outcome>> Writer::submit(Submission submission) {
  const auto executor = co_await asio::this_coro::executor;
  auto start = [this, executor](auto handler, Submission wish) {
    Pending pending{std::move(wish),
                    [executor, handler = std::move(handler)](Result<Outcome> outcome) mutable {
                      asio::post(executor, asio::append(std::move(handler), std::move(outcome)));
                    }};
    const auto refusal = queue_.push(pending);
    if (!refusal) return;
    if (refusal->code == Errc::overloaded)
      refused_for_load_.fetch_add(1, std::memory_order_relaxed);
    pending.answer(fail(*refusal));
  };
  using Token = const asio::use_awaitable_t<>&;
  auto answered = asio::async_initiate<Token, void(Result<Outcome>)>(
      std::move(start), asio::use_awaitable, std::move(submission));
  co_return co_await std::move(answered);
}

void Writer::stop() {
  queue_.refuse_new(stopped());
  hand_over();
  stopping_.store(true);
  queue_.wake();
  if (thread_.joinable()) thread_.join();
  queue_.close(stopped());
  leader_.give_up();
  replays_.join();
}

bool Writer::leads() const { return !stopping_.load() && leader_.leads(); }

void Writer::run() {
  for (;;) {
    const Wait next = leader_.step();
    if (stopping_.load()) {
      const bool is_done = queue_.empty() && !leader_.has_unanswered();
      if (is_done || !leader_.leads()) return;
    }
    wait(next);
  }
}

void Writer::wait(const Wait& next) {
  switch (next.what) {
    case Wait::For::nothing:
      return;
    case Wait::For::commands:
      return queue_.wait_for_commands(next.commands, next.at_most);
    case Wait::For::position:  // It wakes the queue when it moves.
    case Wait::For::change:
      return queue_.wait_for_wake(next.at_most);
  }
}

}  // namespace keyledger::commands
