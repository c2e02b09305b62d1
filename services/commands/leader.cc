#include "services/commands/leader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "events/log/codec.h"

namespace keyledger::commands {
namespace {

/// How long a command that was decided waits for the log and the read model. It takes milliseconds
/// unless one of them has a fault.
constexpr std::chrono::seconds kAnswerWithin{10};
/// How long commands wait for a log that is being taken over, before they are refused.
constexpr std::chrono::seconds kHoldWithin{3};
constexpr std::chrono::milliseconds kTryAgainAfter{250};
constexpr std::chrono::milliseconds kLookAgainAfter{20};
constexpr std::chrono::seconds kIdle{1};
constexpr std::chrono::seconds kHousekeepingInterval{60};
/// How far the log's last event may lie ahead of this machine's clock.
constexpr std::chrono::seconds kMaxClockSkew{60};
constexpr std::size_t kMaxErasuresAtOnce = 1000;
constexpr std::size_t kPageEvents = 4096;
/// One batch that is applied, and one that is decided on it: of those before, none has an overlay.
constexpr std::size_t kMaxFlights = 2;

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

Error another_leads() {
  return Error{Errc::not_leader, "another node takes commands; nothing was written", {}};
}

Error nobody_knows(const char* why) {
  return Error{
      Errc::outcome_unknown, std::string(why) + "; retry with the same Idempotency-Key", {}};
}

/// As long as nobody leads, commands are refused for the same reason, which wrote nothing of them.
Error refusal(const Error& why) { return Error{Errc::unavailable, why.message, {}}; }

}  // namespace

Leader::Leader(const Parts& parts, Options options)
    : log_(parts.log),
      model_(parts.model),
      gate_(parts.gate),
      ring_(parts.ring),
      logger_(parts.logger),
      queue_(parts.queue),
      options_(std::move(options)),
      context_{model_, log_, ring_, {}, {}, options_.values_once},
      clock_guard_(options_.clocks) {}

Wait Leader::step() {
  expire_doubts();
  switch (state()) {
    case State::follower:
      return follow();
    case State::opening:
      return open();
    case State::settling:
      return settle();
    case State::leading:
      return lead();
    case State::applying:
      return drain();
    case State::ended:
      return {Wait::For::change, kIdle, {}};
  }
  std::unreachable();
}

Wait Leader::follow() {
  if (log_.is_elected()) {
    begin_opening();
    queue_.open();
    return {};
  }
  if (auto settled = settle_doubts(); !settled) {
    logger_.error("can't look for what was written", {{"error", settled.error().message}});
  }
  queue_.close(another_leads());
  // So that slow corrections, which are right, don't add up to a jump until it is elected.
  static_cast<void>(clock_guard_.find_jump(options_.clocks.wall()));
  if (in_doubt_.empty()) return {Wait::For::change, kIdle, {}};
  return {Wait::For::change, kLookAgainAfter, {}};
}

void Leader::begin_opening() {
  has_taken_over_ = false;
  opening_since_ = now();
  set_state(State::opening);
}

Wait Leader::step_aside() {
  set_state(State::follower);
  queue_.close(another_leads());
  return {};
}

Wait Leader::open() {
  if (!log_.is_elected()) return step_aside();
  if (!has_taken_over_) {
    if (now() < next_take_over_) return {Wait::For::change, next_take_over_ - now(), {}};
    next_take_over_ = now() + kTryAgainAfter;
    auto taken = log_.take_over();
    if (!taken && taken.error().code == Errc::outcome_unknown) return end(taken.error());
    if (!taken) return try_again(taken.error());
    has_taken_over_ = true;
  }
  // What is written now must rest on everything that was.
  const Position end = log_.known_end();
  if (gate_.position() < end) {
    hold_commands(model_is_behind());
    return {Wait::For::position, kTryAgainAfter, end};
  }
  const auto written = write_barrier();
  if (!written) return try_again(written.error());
  obstacle_.reset();
  barrier_ = *written;
  set_state(State::settling);
  return {};
}

/// WriterElected, in an empty log after LedgerCreated.
Result<Position> Leader::write_barrier() {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  const Instant wall = options_.clocks.wall();
  last_time_ = meta->last_event_time;
  if (auto obstacle = find_obstacle(wall)) return fail(std::move(*obstacle));
  last_time_ = std::max(wall, last_time_ + std::chrono::microseconds{1});
  context_.log_id = meta->log_id.empty() ? fresh_id(last_time_) : meta->log_id;

  Event event{};
  event.time = last_time_;
  event.actor.subject = "keyledger";
  log::Append opening;
  const auto add = [&](Fact fact) -> Result<void> {
    event.id = fresh_id(last_time_);
    event.command = CommandId{fresh_id(last_time_)};
    event.fact = std::move(fact);
    auto bytes = log::encode(event, context_.log_id);
    if (!bytes) return fail(std::move(bytes.error()));
    opening.events.push_back(std::move(*bytes));
    return {};
  };
  if (meta->log_id.empty()) {
    auto added = add(LedgerCreated{context_.log_id, ring_.pepper_fingerprint()});
    if (!added) return fail(std::move(added.error()));
  }
  if (auto added = add(WriterElected{options_.node, url_}); !added) {
    return fail(std::move(added.error()));
  }
  context_.term = Term{event.id};
  return log_.append(opening);
}

/// Commands wait for a while for a leader that is about to be one.
void Leader::hold_commands(const Error& obstacle) {
  if (now() - opening_since_ >= kHoldWithin) queue_.close(refusal(obstacle));
}

Wait Leader::try_again(const Error& why) {
  has_taken_over_ = false;
  if (!obstacle_ || obstacle_->message != why.message) {
    logger_.error("can't take commands", {{"error", why.message}});
  }
  obstacle_ = why;
  hold_commands(why);
  return {Wait::For::change, kTryAgainAfter, {}};
}

Wait Leader::end(const Error& why) {
  logger_.error("this process takes no more commands", {{"error", why.message}});
  obstacle_ = why;
  set_state(State::ended);
  queue_.close(refusal(why));
  give_up();
  return {};
}

Wait Leader::settle() {
  if (gate_.position() < barrier_) {
    if (!log_.is_elected()) return step_aside();
    hold_commands(model_is_behind());
    return {Wait::For::position, kTryAgainAfter, barrier_};
  }
  const auto meta = model_.meta();
  if (!meta) {
    set_state(State::opening);
    return try_again(meta.error());
  }
  if (meta->term != context_.term) {  // Another's came after it.
    set_state(State::opening);
    has_taken_over_ = false;
    return {};
  }
  queue_.open();
  if (auto settled = settle_doubts(); !settled) {
    logger_.error("can't look for what was written", {{"error", settled.error().message}});
    return {Wait::For::change, kLookAgainAfter, {}};
  }
  stats_.terms.fetch_add(1, std::memory_order_relaxed);
  set_state(State::leading);
  return {};
}

Wait Leader::lead() {
  land();
  const auto meta = model_.meta();
  const bool is_another = meta && meta->term != context_.term;
  if (!flights_.empty() && (is_late() || is_another || is_any_doubtful() || !log_.is_elected())) {
    reopens_ = reopens_ || is_another;
    set_state(State::applying);
    return {};
  }
  if (!log_.is_elected()) return step_aside();
  if (is_another) {
    begin_opening();
    return {};
  }
  if (now() >= next_housekeeping_) {
    housekeeping();
    return {};
  }
  if (flights_.size() == kMaxFlights) {
    return {Wait::For::position, kTryAgainAfter, flights_.front().last};
  }
  // Whoever is answered soon may ask again at once: a batch of the few that come before that would
  // only make the others wait.
  const std::size_t enough =
      flights_.empty() ? 1 : std::max<std::size_t>(1, flights_.back().commands.size() / 2);
  if (queue_.size() >= enough) return carry_out(queue_.take(options_.max_batch));
  if (flights_.empty()) return {Wait::For::commands, kIdle, {}};
  return {Wait::For::commands, kTryAgainAfter, flights_.front().last, enough};
}

void Leader::housekeeping() {
  // The clock is looked at here too, as no command may come for long.
  const Instant wall = options_.clocks.wall();
  if (!clock_guard_.find_jump(wall)) erase_due_envelopes(wall);
  next_housekeeping_ = now() + kHousekeepingInterval;
}

Wait Leader::carry_out(std::vector<Pending> pendings) {
  Flight flight;
  flight.after = gate_.position();
  Batch batch(context_, flights_.empty() ? nullptr : &flights_.back().overlay);
  std::vector<Pending> deferred;
  const Instant wall = options_.clocks.wall();
  const std::optional<Error> obstacle = find_obstacle(wall);

  for (auto& pending : pendings) {
    const Submission& submission = pending.submission;
    if (batch.must_wait_for(submission)) {
      deferred.push_back(std::move(pending));
      continue;
    }
    if (obstacle) {
      answer_now(std::move(pending), *obstacle);
    } else if (now() >= submission.deadline) {
      answer_now(std::move(pending),
                 {Errc::overloaded, "the command waited too long; nothing was written", {}});
    } else {
      auto earlier = submission.idempotency
                         ? model_.idempotency(submission.idempotency->key_hash)
                         : Result<std::optional<projections::IdempotencyRecord>>{};
      const Instant time = std::max(wall, last_time_ + std::chrono::microseconds{1});
      if (!earlier) {
        answer_now(std::move(pending), std::move(earlier.error()));
      } else if (*earlier && (*earlier)->time + projections::kIdempotencyRetention > time) {
        stats_.commands.fetch_add(1, std::memory_order_relaxed);
        answer_again(std::move(pending), std::move(**earlier));
      } else {
        auto outcome = batch.decide(submission, time);
        last_time_ = time;
        flight.commands.push_back({std::move(pending), std::move(outcome), batch.events()});
      }
    }
  }
  const bool is_deferred = !deferred.empty();
  queue_.put_back(std::move(deferred));
  if (batch.events() > 0) {
    write(batch, std::move(flight));
  } else if (!flight.commands.empty() && flights_.empty()) {
    return confirm(std::move(flight));
  } else {
    take_back(std::move(flight));
  }
  if (is_deferred && !flights_.empty()) set_state(State::applying);
  return {};
}

/// Decides the commands of `flight`, of which nothing was written, once more when what they were
/// decided on is applied.
void Leader::take_back(Flight flight) {
  if (flight.commands.empty()) return;
  std::vector<Pending> again;
  again.reserve(flight.commands.size());
  for (auto& decided : flight.commands) again.push_back(std::move(decided.pending));
  queue_.put_back(std::move(again));
  if (!flights_.empty()) set_state(State::applying);
}

/// Answers what adds nothing to the log. Only an append would show that no other writer has come
/// between, so here the log is asked whether it has more than was decided on.
Wait Leader::confirm(Flight flight) {
  const auto end = log_.end();
  if (!end) {
    refuse(flight, refusal(end.error()));
    return {};
  }
  if (*end <= flight.after) {
    answer(flight, flight.after);
    return {};
  }
  take_back(std::move(flight));
  return {Wait::For::position, kTryAgainAfter, *end};
}

void Leader::write(Batch& batch, Flight flight) {
  flight.term = context_.term;
  flight.halts = gate_.halts();
  flight.answer_by = now() + kAnswerWithin;
  const auto appended = log_.append(batch.append());
  flight.events = batch.take_events();
  flight.overlay = batch.take_overlay();
  if (appended) {
    stats_.batches.fetch_add(1, std::memory_order_relaxed);
    flight.last = *appended;
    flights_.push_back(std::move(flight));
    return;
  }
  stats_.failed_appends.fetch_add(1, std::memory_order_relaxed);
  logger_.error("append failed", {{"error", appended.error().message}});
  if (appended.error().code == Errc::outcome_unknown) {
    in_doubt_.push_back(std::move(flight));
  } else {
    refuse(flight, appended.error());
  }
  reopen();
}

/// Takes the log over, after what is written already is applied.
void Leader::reopen() {
  if (flights_.empty()) return begin_opening();
  reopens_ = true;
  set_state(State::applying);
}

/// Answers the batches that are applied.
void Leader::land() {
  while (!flights_.empty() && gate_.position() >= flights_.front().last) {
    Flight& flight = flights_.front();
    const auto meta = model_.meta();
    // After a halt, what is reached may have been passed over: see EventQuarantined. After another
    // writer's term it may have been rejected.
    const bool is_sure = meta && meta->term == flight.term && gate_.halts() == flight.halts;
    const auto found = is_sure ? flight.first() : find(flight);
    if (found && *found) {
      answer(flight, flight.last);
    } else {
      refuse_all(nobody_knows("written, but not applied"));  // The next was decided on this one.
    }
    flights_.pop_front();
  }
}

Wait Leader::drain() {
  land();
  if (flights_.empty()) return finish_draining();
  if (is_late()) {
    // Also where all of them were refused: what came since waits for them too.
    if (is_any_unanswered() || queue_.is_open()) {
      logger_.error("projector did not apply in time", {{"position", flights_.front().last.value}});
    }
    refuse_all(nobody_knows("written, but not applied in time"));
    queue_.close(model_is_behind());
  }
  if (!is_any_unanswered() && !log_.is_elected()) {
    flights_.clear();
    reopens_ = false;
    return step_aside();
  }
  return {Wait::For::position, kTryAgainAfter, flights_.front().last};
}

Wait Leader::finish_draining() {
  if (std::exchange(reopens_, false)) {
    begin_opening();
  } else {
    set_state(State::leading);
    queue_.open();
  }
  return {};
}

/// Whether the oldest batch should have been applied, or none will be. There is one.
bool Leader::is_late() const { return now() >= flights_.front().answer_by || gate_.is_closed(); }

/// Whether a batch may never be applied, so that nothing must be decided on it: the one before it
/// wasn't, or the projector has halted since it was written.
bool Leader::is_any_doubtful() const {
  return std::ranges::any_of(flights_, [this](const Flight& each) {
    return each.commands.empty() || each.halts != gate_.halts();
  });
}

bool Leader::is_any_unanswered() const {
  return std::ranges::any_of(flights_, [](const Flight& each) { return !each.commands.empty(); });
}

void Leader::answer_now(Pending pending, Error why) {
  stats_.commands.fetch_add(1, std::memory_order_relaxed);
  pending.answer(fail(std::move(why)));
}

void Leader::answer(Flight& flight, Position last) {
  stats_.commands.fetch_add(flight.commands.size(), std::memory_order_relaxed);
  for (auto& [pending, outcome, events_up_to] : flight.commands) {
    if (outcome) outcome->position = Position{last.value - (flight.events.size() - events_up_to)};
    pending.answer(std::move(outcome));
  }
  flight.commands.clear();
}

void Leader::refuse(Flight& flight, const Error& why) {
  stats_.commands.fetch_add(flight.commands.size(), std::memory_order_relaxed);
  for (auto& decided : flight.commands) decided.pending.answer(fail(why));
  flight.commands.clear();
}

void Leader::refuse_all(const Error& why) {
  for (Flight& flight : flights_) refuse(flight, why);
}

/// Folding what a key was like takes as long as its history: nobody else's command waits for it.
void Leader::answer_again(Pending pending, projections::IdempotencyRecord record) {
  options_.run_elsewhere(
      [context = context_, pending = std::move(pending), record = std::move(record)]() mutable {
        pending.answer(replay(context, pending.submission, record));
      });
}

/// Settles the commands in doubt that the read model can tell of. Errors: io, damaged; they stay in
/// doubt.
Result<void> Leader::settle_doubts() {
  if (in_doubt_.empty()) return {};
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  std::vector<Pending> undone;
  while (!in_doubt_.empty() && in_doubt_.front().term != meta->term) {
    Flight& flight = in_doubt_.front();
    const auto first = find(flight);
    if (!first) {
      queue_.put_back(std::move(undone));
      return fail(first.error());
    }
    const auto count = static_cast<std::uint64_t>(flight.commands.size());
    if (*first) {
      stats_.settled_written.fetch_add(count, std::memory_order_relaxed);
      answer(flight, Position{(*first)->value + flight.events.size() - 1});
    } else {
      stats_.settled_unwritten.fetch_add(count, std::memory_order_relaxed);
      for (auto& decided : flight.commands) undone.push_back(std::move(decided.pending));
    }
    in_doubt_.erase(in_doubt_.begin());
  }
  queue_.put_back(std::move(undone));
  return {};
}

/// Where the events of `flight` begin, if the read model has applied them.
Result<std::optional<Position>> Leader::find(const Flight& flight) const {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  for (Position position = flight.after; position < meta->position;) {
    const auto events = log_.read_after(position, kPageEvents);
    if (!events) return fail(events.error());
    if (events->empty()) break;
    const auto found = std::ranges::find(*events, flight.events.front(), &log::StoredEvent::bytes);
    if (found != events->end()) {
      const auto applied = model_.event(found->position);
      if (!applied) return fail(applied.error());
      return *applied == found->bytes ? std::optional(found->position) : std::nullopt;
    }
    position = events->back().position;
  }
  return std::optional<Position>{};
}

void Leader::expire_doubts() {
  for (Flight& flight : in_doubt_) {
    if (now() >= flight.answer_by) refuse(flight, nobody_knows("the log did not answer in time"));
  }
  std::erase_if(in_doubt_, [](const Flight& flight) { return flight.commands.empty(); });
}

void Leader::give_up() {
  refuse_all(nobody_knows("the log did not answer in time"));
  flights_.clear();
  for (Flight& flight : in_doubt_) refuse(flight, nobody_knows("the log did not answer in time"));
  in_doubt_.clear();
}

/// Why no command can be decided now, if none can.
std::optional<Error> Leader::find_obstacle(Instant wall) {
  if (const auto jump = clock_guard_.find_jump(wall)) return clock_was_set_ahead(*jump);
  if (last_time_ > wall + kMaxClockSkew) return clock_is_behind();
  return std::nullopt;
}

void Leader::erase_due_envelopes(Instant wall) {
  const auto due = log_.envelopes_due(wall, kMaxErasuresAtOnce);
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
    reopen();
    return;
  }
  logger_.info("erased values that were shown once", {{"count", due->size()}});
}

}  // namespace keyledger::commands
