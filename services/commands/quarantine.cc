#include "services/commands/quarantine.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "events/log/codec.h"
#include "events/log/outline.h"
#include "services/commands/batch.h"

namespace keyledger::commands {
namespace {

constexpr std::size_t kPageEvents = 4096;
/// The longest that nothing happened in a ledger, to tell a clock that is far ahead from one that
/// is right.
constexpr std::chrono::hours kMaxPause{366 * 24};

std::unexpected<Error> refuse(std::string why) { return fail(Errc::invalid, std::move(why)); }

Result<void> check_halted(const std::optional<projections::Halt>& halted, Position first) {
  if (!halted) return refuse("the projector is not halted: nothing is to be quarantined");
  if (!halted->event) {
    return refuse("no quarantine gets past what the projector is halted by: " +
                  halted->why.message);
  }
  if (*halted->event == first) return {};
  return refuse("the projector is halted at position " + std::to_string(halted->event->value) +
                ", and only that one can be quarantined: " + halted->why.message);
}

/// The events of one command, of which some can't be read.
class Remains {
 public:
  /// Takes `event` in if it is the first, or the next of the command; else says false.
  bool take(Position position, const log::Outline& event) {
    if (fact_.first == Position{}) {
      fact_.first = position;
      type_ = event.type;
    } else if (!goes_on_with(event)) {
      return false;
    }
    fact_.last = position;
    if (event.place) place_ = *event.place;
    next_ = event.place ? event.place->index + 1U : next_ + 1U;
    if (command_.empty()) command_ = event.command;
    if (!fact_.account) fact_.account = event.account;
    if (!fact_.key) fact_.key = event.key;
    fact_.version = std::max(fact_.version, event.version.value_or(Version{}));
    return true;
  }

  /// The type of the first; empty if it can't be told.
  const std::string& type() const { return type_; }

  EventQuarantined fact() const {
    EventQuarantined fact = fact_;
    if (!fact.account) fact.key.reset();
    // No version is lower than 1, so it leaves the key's as it is.
    fact.version = fact.key ? std::max(fact.version, Version{1}) : Version{};
    return fact;
  }

 private:
  bool goes_on_with(const log::Outline& event) const {
    if (place_ && next_ > place_->count) return false;
    if (!event.place) return place_.has_value();
    if (event.place->index != next_) return false;
    if (place_ && event.place->count != place_->count) return false;
    if (!command_.empty() && event.command != command_) return false;
    const bool other_account = fact_.account && event.account && *fact_.account != *event.account;
    const bool other_key = fact_.key && event.key && *fact_.key != *event.key;
    return !other_account && !other_key;
  }

  EventQuarantined fact_;
  std::string type_;
  std::string command_;
  std::optional<Place> place_;  ///< Of the last one that could be read.
  unsigned next_ = 1;           ///< The index that the next one has.
};

/// What is to be known of the log from the bad command on.
struct Survey {
  Remains remains;
  Instant last_time = Instant::min();  ///< Of what follows.
  std::string term;                    ///< Of what follows under the writer that wrote the command.
};

Result<Survey> survey(const log::LogReader& log, Position first) {
  Survey found;
  bool in_run = true;
  bool same_writer = true;
  Position position{first.value - 1};
  for (;;) {
    const auto events = log.read_after(position, kPageEvents);
    if (!events) return fail(events.error());
    if (events->empty()) return found;
    for (const auto& stored : *events) {
      position = stored.position;
      const log::Outline event = log::outline(stored.bytes);
      in_run = in_run && found.remains.take(position, event);
      if (in_run) continue;
      found.last_time = std::max(found.last_time, event.time.value_or(Instant::min()));
      same_writer = same_writer && event.type != "keyledger.WriterElected";
      if (same_writer && found.term.empty()) found.term = event.term;
    }
  }
}

/// What begins a log or a term carries what follows, and can't be passed over without it.
Result<void> check_kind(const Survey& survey, const Term& term) {
  const std::string& type = survey.remains.type();
  if (type == "keyledger.LedgerCreated" || type == "keyledger.EventQuarantined") {
    return refuse("an event of the type " + type +
                  " can't be passed over: restore the log from a backup");
  }
  const bool may_begin_term = type.empty() || type == "keyledger.WriterElected";
  if (!may_begin_term || survey.term.empty() || survey.term == term.value) return {};
  return refuse(
      "what follows was written under a term that began here, and would be passed over with it: "
      "restore the log from a backup");
}

}  // namespace

Result<QuarantineDone> quarantine(log::EventLog& log, const projections::ReadModel& model,
                                  const std::optional<projections::Halt>& halted,
                                  const QuarantineWish& wish) {
  if (auto here = check_halted(halted, wish.first); !here) return fail(std::move(here.error()));
  const auto meta = model.meta();
  if (!meta) return fail(meta.error());
  const auto found = survey(log, wish.first);
  if (!found) return fail(found.error());
  if (auto kind = check_kind(*found, meta->term); !kind) return fail(std::move(kind.error()));

  const auto now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const Instant last = std::max(meta->last_event_time, found->last_time);
  if (now > last + kMaxPause) {
    return refuse(
        "this machine's clock is over a year ahead of the log's last event: set the clock");
  }
  Event event;
  event.time = std::max({now, meta->last_event_time, found->last_time});
  event.id = fresh_id(event.time);
  event.command = CommandId{fresh_id(event.time)};
  event.actor = wish.actor;
  event.reason = wish.reason;
  const EventQuarantined fact = found->remains.fact();
  event.fact = fact;
  auto bytes = log::encode(event, meta->log_id);
  if (!bytes) return fail(std::move(bytes.error()));
  const auto position = log.append({.events = {std::move(*bytes)}, .envelopes = {}, .erased = {}});
  if (!position) return fail(position.error());
  return QuarantineDone{fact, *position};
}

}  // namespace keyledger::commands
