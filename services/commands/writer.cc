#include "services/commands/writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include <boost/asio/append.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "events/log/codec.h"
#include "services/commands/batch.h"

namespace keyledger::commands {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

/// How long the writer waits for its own projector. It takes milliseconds unless that has halted.
constexpr std::chrono::seconds kApplyTimeout{10};
constexpr std::chrono::seconds kEraseInterval{60};
/// How far the log's last event may lie ahead of this machine's clock.
constexpr std::chrono::seconds kMaxClockSkew{60};
constexpr std::size_t kMaxErasuresAtOnce = 1000;

Error clock_is_behind() {
  return Error{Errc::unavailable,
               "the last event is over a minute ahead of this machine's clock; set the clock",
               {}};
}

Error clock_was_set_ahead(std::chrono::seconds by) {
  return Error{Errc::unavailable,
               "this machine's clock was set " + std::to_string(by.count()) +
                   " s ahead while the node ran; set it right, or start the node anew if it is",
               {}};
}

Error model_is_behind() {
  return Error{Errc::unavailable,
               "the read model has not applied what was written last; nothing was written",
               {}};
}

}  // namespace

Writer::Writer(log::EventLog& log, const projections::ReadModel& model,
               projections::PositionGate& gate, const security::KeyRing& ring,
               logging::Logger& logger, Options options)
    : log_(log),
      model_(model),
      gate_(gate),
      ring_(ring),
      logger_(logger),
      options_(std::move(options)),
      clock_guard_(options_.clocks) {}

Writer::~Writer() { stop(); }

Result<void> Writer::lead(const std::string& url) {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  const Instant now = options_.clocks.wall();
  if (meta->last_event_time > now + kMaxClockSkew) return fail(clock_is_behind());
  last_time_ = std::max(now, meta->last_event_time + std::chrono::microseconds{1});

  Event event{};
  event.time = last_time_;
  event.actor.subject = "keyledger";
  log::Append opening;
  const auto add = [&](Fact fact) -> Result<void> {
    event.id = fresh_id(last_time_);
    event.command = CommandId{fresh_id(last_time_)};
    event.fact = std::move(fact);
    auto bytes = log::encode(event, log_id_);
    if (!bytes) return fail(std::move(bytes.error()));
    opening.events.push_back(std::move(*bytes));
    return {};
  };
  log_id_ = meta->log_id;
  if (log_id_.empty()) {
    log_id_ = fresh_id(last_time_);
    if (auto added = add(LedgerCreated{log_id_, ring_.pepper_fingerprint()}); !added) return added;
  }
  if (auto added = add(WriterElected{options_.node, url}); !added) return added;
  term_ = Term{event.id};

  const auto position = log_.append(opening);
  if (!position) return fail(position.error());
  if (auto applied = gate_.wait_for(*position, steady_clock::now() + kApplyTimeout); !applied) {
    return applied;
  }
  last_appended_ = *position;
  leads_.store(true, std::memory_order_release);
  thread_ = std::thread([this] { run(); });
  return {};
}

asio::awaitable<Result<Outcome>> Writer::submit(Submission submission) {
  const auto executor = co_await asio::this_coro::executor;
  auto start = [this, executor](auto handler, Submission wish) {
    enqueue(std::move(wish), executor, Handler(std::move(handler)));
  };
  using Token = const asio::use_awaitable_t<>&;
  auto answered = asio::async_initiate<Token, void(Result<Outcome>)>(
      std::move(start), asio::use_awaitable, std::move(submission));
  co_return co_await std::move(answered);
}

void Writer::enqueue(Submission submission, asio::any_io_executor executor, Handler handler) {
  Pending pending{std::move(submission), std::move(executor), std::move(handler)};
  std::optional<Error> refusal;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || !leads()) {
      refusal =
          Error{Errc::unavailable, "this node takes no commands now; nothing was written", {}};
    } else if (queue_.size() >= options_.max_queue) {
      refusal = Error{Errc::overloaded, "too many commands are waiting; nothing was written", {}};
      stats_.refused_for_load.fetch_add(1, std::memory_order_relaxed);
    } else {
      queue_.push_back(std::move(pending));
    }
  }
  if (refusal) return answer(pending, fail(std::move(*refusal)));
  wake_.notify_one();
}

void Writer::answer(Pending& pending, Result<Outcome> outcome) {
  asio::post(pending.executor, asio::append(std::move(pending.handler), std::move(outcome)));
}

void Writer::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  replays_.join();
  leads_.store(false, std::memory_order_release);
}

void Writer::run() {
  auto next_erasure = steady_clock::now();
  for (;;) {
    if (steady_clock::now() >= next_erasure) {
      // The clock is looked at here too, as no command may come for long.
      const Instant now = options_.clocks.wall();
      if (!clock_guard_.find_jump(now)) erase_due_envelopes(now);
      next_erasure = steady_clock::now() + kEraseInterval;
    }
    auto batch = take();
    if (!batch.empty()) {
      carry_out(std::move(batch));
    } else {
      const std::scoped_lock lock(mutex_);
      if (stopping_ && queue_.empty()) return;
    }
  }
}

/// All that is queued, up to a batch; empty after a while in which nothing came, and on stop.
std::vector<Writer::Pending> Writer::take() {
  std::vector<Pending> batch;
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kEraseInterval, [this] { return stopping_ || !queue_.empty(); });
  while (!queue_.empty() && batch.size() < options_.max_batch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void Writer::put_back(std::vector<Pending> deferred) {
  if (deferred.empty()) return;
  const std::scoped_lock lock(mutex_);
  queue_.insert(queue_.begin(), std::make_move_iterator(deferred.begin()),
                std::make_move_iterator(deferred.end()));
}

void Writer::carry_out(std::vector<Pending> pendings) {
  struct Decided {
    Pending pending;
    Result<Outcome> outcome;
    std::size_t events_up_to;  ///< How many of the batch's events it rests on, its own included.
  };
  const TermContext context{model_, log_, ring_, log_id_, term_, options_.values_once};
  Batch batch(context);
  std::vector<Decided> decided;
  std::vector<Pending> deferred;
  const Instant now = options_.clocks.wall();
  const std::optional<Error> obstacle = find_obstacle(now);

  for (auto& pending : pendings) {
    const Submission& submission = pending.submission;
    if (batch.must_wait_for(submission)) {
      deferred.push_back(std::move(pending));
      continue;
    }
    stats_.commands.fetch_add(1, std::memory_order_relaxed);
    if (obstacle) {
      answer(pending, fail(*obstacle));
    } else if (steady_clock::now() >= submission.deadline) {
      answer(pending, fail(Errc::overloaded, "the command waited too long; nothing was written"));
    } else {
      auto earlier = submission.idempotency
                         ? model_.idempotency(submission.idempotency->key_hash)
                         : Result<std::optional<projections::IdempotencyRecord>>{};
      const Instant time = std::max(now, last_time_ + std::chrono::microseconds{1});
      if (!earlier) {
        answer(pending, fail(std::move(earlier.error())));
      } else if (*earlier && (*earlier)->time + projections::kIdempotencyRetention > time) {
        answer_again(context, std::move(pending), std::move(**earlier));
      } else {
        auto outcome = batch.decide(submission, time);
        last_time_ = time;
        decided.push_back({std::move(pending), std::move(outcome), batch.events()});
      }
    }
  }
  stats_.batches.fetch_add(1, std::memory_order_relaxed);
  put_back(std::move(deferred));

  std::optional<Error> failure;
  Position last = gate_.position();
  if (!batch.append().events.empty()) {
    const std::uint64_t halts = gate_.halts();
    const auto appended = log_.append(batch.append());
    if (!appended) {
      failure = appended.error();
      stats_.failed_appends.fetch_add(1, std::memory_order_relaxed);
      logger_.error("append failed", {{"error", failure->message}});
      // The log takes no more, so this node isn't ready for commands until it is started anew.
      if (failure->code == Errc::outcome_unknown) leads_.store(false, std::memory_order_release);
    } else {
      last = last_appended_ = *appended;
      const auto applied = gate_.wait_for(last, steady_clock::now() + kApplyTimeout);
      // After a halt, what is reached may have been passed over: see EventQuarantined.
      if (!applied || gate_.halts() != halts) {
        failure = Error{Errc::outcome_unknown,
                        "written, but not applied in time; retry with the same Idempotency-Key",
                        {}};
        logger_.error("projector did not apply in time", {{"position", last.value}});
      }
    }
  }
  for (auto& [pending, outcome, events_up_to] : decided) {
    if (failure) {
      answer(pending, fail(*failure));
      continue;
    }
    if (outcome) outcome->position = Position{last.value - (batch.events() - events_up_to)};
    answer(pending, std::move(outcome));
  }
}

/// Folding what a key was like takes as long as its history: nobody else's command waits for it.
void Writer::answer_again(const TermContext& context, Pending pending,
                          projections::IdempotencyRecord record) {
  asio::post(replays_, [context, pending = std::move(pending), record = std::move(record)] mutable {
    auto outcome = replay(context, pending.submission, record);
    answer(pending, std::move(outcome));
  });
}

/// Why no command can be decided now, if none can.
std::optional<Error> Writer::find_obstacle(Instant now) {
  if (const auto jump = clock_guard_.find_jump(now)) return clock_was_set_ahead(*jump);
  if (last_time_ > now + kMaxClockSkew) return clock_is_behind();
  if (gate_.position() < last_appended_) return model_is_behind();
  return std::nullopt;
}

void Writer::erase_due_envelopes(Instant now) {
  const auto due = log_.envelopes_due(now, kMaxErasuresAtOnce);
  if (!due) {
    logger_.error("can't look for values to erase", {{"error", due.error().message}});
    return;
  }
  if (due->empty()) return;
  log::Append erasure;
  erasure.erased = *due;
  const auto erased = log_.append(erasure);
  if (!erased) {
    logger_.error("can't erase values that were shown once", {{"error", erased.error().message}});
    return;
  }
  logger_.info("erased values that were shown once", {{"count", due->size()}});
}

}  // namespace keyledger::commands
