#include "tests/services/commands/simulation/told_log.h"

#include <algorithm>
#include <set>
#include <variant>

#include "events/commands.h"
#include "events/log/codec.h"

namespace keyledger::commands::simulation {
namespace {

/// How far ahead of the right time an event may be: by a clock that is trusted.
constexpr std::chrono::seconds kMaxAhead{130};

std::string at(Position position) { return "position " + std::to_string(position.value) + ": "; }

template <typename State>
State latest(const std::vector<std::pair<Position, State>>& course, Position position) {
  const auto after = std::ranges::upper_bound(course, position, {},
                                              [](const auto& change) { return change.first; });
  return after == course.begin() ? State{} : std::prev(after)->second;
}

std::vector<Fact> facts_of(const std::vector<Event>& events) {
  std::vector<Fact> facts;
  facts.reserve(events.size());
  for (const Event& event : events) facts.push_back(event.fact);
  return facts;
}

}  // namespace

Command command_of(const Submission& submission, const KeyId& key) {
  struct Visitor {
    const KeyId& key;
    Command operator()(const NewKey& wish) const {
      return CreateKey{
          key,         wish.name,       wish.description, wish.enabled, wish.expires_at,
          wish.digest, wish.value_hint, wish.register_as};
    }
    Command operator()(const PutAccount& wish) const { return wish; }
    Command operator()(const ChangeKey& wish) const { return wish; }
    Command operator()(const DeleteKey& wish) const { return wish; }
    Command operator()(const RevealValue& wish) const { return wish; }
  };
  return std::visit(Visitor{key}, submission.wish);
}

ToldLog::ToldLog(const SimulatedCluster& cluster, const History& history, Wrongs& wrongs) {
  divide(cluster, wrongs);
  for (ToldRun& run : runs_) tell(run, history, wrongs);
}

/// Into the runs of commands, which are whole.
void ToldLog::divide(const SimulatedCluster& cluster, Wrongs& wrongs) {
  std::set<std::string> ids;
  for (const auto& [stored, written_at] : cluster.events()) {
    const auto decoded = log::decode(stored.bytes);
    const auto* event = decoded ? std::get_if<Event>(&*decoded) : nullptr;
    if (event == nullptr) {
      wrongs.push_back(at(stored.position) + "can't be read");
      continue;
    }
    if (!ids.insert(event->id).second) wrongs.push_back(at(stored.position) + "its id is taken");
    if (event->time > written_at + kMaxAhead)
      wrongs.push_back(at(stored.position) + "is far ahead");
    if (event->place.index == 1) {
      runs_.push_back({History::attempt_of(event->actor.request_id), {}, {}, false, {}});
    }
    ToldRun& run = runs_.back();
    run.events.push_back(*event);
    run.last = stored.position;
    const bool belongs = event->place == Place{static_cast<std::uint16_t>(run.events.size()),
                                               run.events.front().place.count} &&
                         event->command == run.events.front().command;
    if (!belongs) wrongs.push_back(at(stored.position) + "is not in its place");
  }
}

void ToldLog::tell(ToldRun& run, const History& history, Wrongs& wrongs) {
  const Event& first = run.events.front();
  const std::string where = at(run.last);
  if (run.events.size() != first.place.count) wrongs.push_back(where + "the run is not whole");
  if (!is_ledgers_own(first.fact) && first.term != term_) {
    ++stale_runs_;
    return;
  }
  run.is_applied = true;
  // LedgerCreated and the WriterElected behind it share theirs.
  const bool may_share = std::holds_alternative<WriterElected>(first.fact);
  if (may_share ? first.time < last_time_ : first.time <= last_time_) ++early_runs_;
  last_time_ = std::max(last_time_, run.events.back().time);
  if (is_ledgers_own(first.fact)) return tell_ledgers_own(first, wrongs);

  if (!run.attempt) return wrongs.push_back(where + "nobody asked for it");
  const std::optional<KeyId> key = run.events.back().key;
  State state = state_at(*first.account, key, run.last);
  const Attempt& attempt = history.attempts().at(*run.attempt);
  const auto wanted =
      decide(state, command_of(attempt.submission, key.value_or(KeyId{})), first.time);
  if (!wanted) {
    wrongs.push_back(where + "decide() refuses it: " + wanted.error().message);
  } else if (*wanted != facts_of(run.events)) {
    wrongs.push_back(where + "decide() gives other facts");
  }
  for (const Event& event : run.events) {
    state = evolve(std::move(state), event.fact, event.time);
    const Version version = is_about_a_key(event.fact) ? state.key.version : Version{};
    if (event.version != version) wrongs.push_back(where + "its version doesn't follow");
  }
  accounts_[*first.account].emplace_back(run.last, state.account);
  if (key) keys_[{*first.account, *key}].emplace_back(run.last, state.key);
  run.after = std::move(state);
}

void ToldLog::tell_ledgers_own(const Event& event, Wrongs& wrongs) {
  if (std::holds_alternative<LedgerCreated>(event.fact)) {
    if (&event != &runs_.front().events.front()) wrongs.emplace_back("the log begins twice");
    return;
  }
  term_ = Term{event.id};
  ++terms_;
}

State ToldLog::state_at(const AccountId& account, const std::optional<KeyId>& key,
                        Position position) const {
  State state;
  if (const auto known = accounts_.find(account); known != accounts_.end()) {
    state.account = latest(known->second, position);
  }
  if (!key) return state;
  if (const auto known = keys_.find({account, *key}); known != keys_.end()) {
    state.key = latest(known->second, position);
  }
  return state;
}

std::vector<std::pair<AccountId, KeyId>> ToldLog::keys() const {
  std::vector<std::pair<AccountId, KeyId>> keys;
  keys.reserve(keys_.size());
  for (const auto& [path, course] : keys_) keys.push_back(path);
  return keys;
}

std::vector<AccountId> ToldLog::accounts() const {
  std::vector<AccountId> accounts;
  accounts.reserve(accounts_.size());
  for (const auto& [account, course] : accounts_) accounts.push_back(account);
  return accounts;
}

}  // namespace keyledger::commands::simulation
