#include "tests/services/commands/simulation/checks.h"

#include <algorithm>
#include <set>
#include <string>
#include <variant>

#include "events/commands.h"

namespace keyledger::commands::simulation {
namespace {

/// The answer to one attempt, held against the log.
class AnswerCheck {
 public:
  AnswerCheck(const Attempt& attempt, const History& history, const ToldLog& log, Wrongs& wrongs)
      : attempt_(attempt), history_(history), log_(log), wrongs_(wrongs) {
    for (const ToldRun& run : log.runs()) {
      if (run.attempt == attempt.number && run.is_applied) runs_.push_back(&run);
    }
  }

  void check() {
    if (runs_.size() > 1) return wrong("was carried out twice");
    if (!attempt_.answer) {
      if (!attempt_.is_lost) wrong("was never answered");
      return;
    }
    const Result<Outcome>& answer = *attempt_.answer;
    if (!answer) return check_error(answer.error());
    if (answer->replayed) return check_replay(*answer);
    if (answer->position < attempt_.known) wrong("was answered from before it was asked");
    if (answer->position > attempt_.end) wrong("was answered from after its end");
    runs_.empty() ? check_without_effect(*answer) : check_written(*runs_.front(), *answer);
  }

 private:
  void wrong(const std::string& what) {
    wrongs_.push_back("attempt " + std::to_string(attempt_.number) + " " + what);
  }

  void check_error(const Error& error) {
    switch (error.code) {
      case Errc::outcome_unknown:
        return;
      case Errc::unavailable:
      case Errc::overloaded:
      case Errc::not_leader:
        if (!runs_.empty()) wrong("was carried out, and refused: " + error.message);
        return;
      case Errc::not_found:
      case Errc::account_unknown:
      case Errc::version_mismatch:
      case Errc::gone:
        if (!runs_.empty()) wrong("was carried out, and refused: " + error.message);
        return check_refusal(error);
      case Errc::malformed:
      case Errc::invalid:
      case Errc::unauthenticated:
      case Errc::forbidden:
      case Errc::idempotency_mismatch:
      case Errc::not_caught_up:
      case Errc::damaged:
      case Errc::locked:
      case Errc::incompatible:
      case Errc::io:
      case Errc::internal:
        return wrong("had an error that can't be: " + error.message);
    }
  }

  State state_at(Position position) const {
    return log_.state_at(attempt_.submission.account, attempt_.submission.key, position);
  }

  Result<std::vector<Fact>> decide_at(Position position) const {
    return decide(state_at(position), command_of(attempt_.submission, KeyId{}), Instant{});
  }

  /// It must follow from what was known at some time between the question and the answer.
  void check_refusal(const Error& error) {
    if (error.code == Errc::gone) {
      const auto key = state_at(attempt_.end).key;  // Its value went with it.
      if (key.status != KeyState::Status::deleted) wrong("has no value, and is there");
      return;
    }
    const auto refused_at = [&](Position position) {
      const auto facts = decide_at(position);
      return !facts && facts.error().code == error.code;
    };
    if (refused_at(attempt_.known)) return;
    for (const ToldRun& run : log_.runs()) {
      if (run.last > attempt_.known && run.last <= attempt_.end && refused_at(run.last)) return;
    }
    wrong("was refused for what was past: " + error.message);
  }

  void check_without_effect(const Outcome& outcome) {
    const auto facts = decide_at(outcome.position);
    if (!facts || !facts->empty()) return wrong("was acknowledged, and is not in the log");
    if (state_at(outcome.position) != outcome.state) wrong("was told another state");
  }

  void check_written(const ToldRun& run, const Outcome& outcome) {
    if (run.last != outcome.position) wrong("was told another position");
    if (run.after != outcome.state) wrong("was told another state");
    const bool registers = std::holds_alternative<AccountRegistered>(run.events.front().fact);
    if (outcome.registered != registers) wrong("was told wrongly whether it registered");
    check_value(outcome, /*must_be_there=*/true);
  }

  void check_replay(const Outcome& outcome) {
    const auto first = std::ranges::find_if(log_.runs(), [&](const ToldRun& run) {
      return run.is_applied && run.attempt &&
             history_.attempts()[*run.attempt].operation == attempt_.operation;
    });
    if (first == log_.runs().end()) return wrong("was told of what is not in the log");
    if (first->last != outcome.position) wrong("was told the position of something else");
    if (first->after.key != outcome.state.key) wrong("was told the state of something else");
    check_value(outcome, /*must_be_there=*/false);
  }

  void check_value(const Outcome& outcome, bool must_be_there) {
    const auto* creation = std::get_if<NewKey>(&attempt_.submission.wish);
    if (creation == nullptr) return;
    if (!outcome.value && !must_be_there) return;
    if (outcome.value != creation->value) wrong("was told another value");
  }

  const Attempt& attempt_;
  const History& history_;
  const ToldLog& log_;
  Wrongs& wrongs_;
  std::vector<const ToldRun*> runs_;
};

}  // namespace

void check_answers(const History& history, const ToldLog& log, Wrongs& wrongs) {
  for (const Attempt& attempt : history.attempts()) {
    AnswerCheck(attempt, history, log, wrongs).check();
  }
}

void check_idempotency(const History& history, const ToldLog& log, Wrongs& wrongs) {
  std::set<std::string> done;
  for (const ToldRun& run : log.runs()) {
    if (!run.is_applied || !run.attempt) continue;
    const auto& idempotency = history.attempts()[*run.attempt].submission.idempotency;
    if (run.events.front().idempotency != idempotency) {
      wrongs.push_back("position " + std::to_string(run.last.value) + ": has another key");
    }
    if (idempotency && !done.insert(idempotency->key_hash).second) {
      wrongs.push_back("position " + std::to_string(run.last.value) + ": was done before");
    }
  }
}

void check_model(const projections::ReadModel& model, const ToldLog& log, Wrongs& wrongs) {
  const Position end = log.runs().empty() ? Position{} : log.runs().back().last;
  const auto wrong = [&](const std::string& what) { wrongs.push_back("the read model " + what); };
  if (model.meta()->position != end) return wrong("is not at the log's end");
  for (const auto& account : log.accounts()) {
    const State state = log.state_at(account, std::nullopt, end);
    if (model.account(account).value() != state.account) wrong("has another account");
  }
  for (const auto& [account, id] : log.keys()) {
    const KeyState wanted = log.state_at(account, id, end).key;
    const KeyState key = model.key(account, id).value();
    const bool is_live = wanted.status == KeyState::Status::live;
    const bool is_same =
        is_live ? key == wanted : key.status == wanted.status && key.version == wanted.version;
    if (!is_same) wrong("has another " + id.value);
    if (model.grant(wanted.digest).value().has_value() != is_live) wrong("validates otherwise");
  }
  for (const auto& account : log.accounts()) {
    std::vector<Position> wanted;
    for (const ToldRun& run : log.runs()) {
      if (!run.is_applied || run.events.front().account != account) continue;
      for (std::size_t i = run.events.size(); i > 0; --i) {
        wanted.push_back(Position{run.last.value - (i - 1)});
      }
    }
    projections::HistoryQuery all;
    all.account = account;
    all.limit = wanted.size() + 1;
    std::vector<Position> remembered;
    for (const auto& entry : model.history(all)->entries) remembered.push_back(entry.position);
    if (remembered != wanted) wrong("remembers other events");
  }
}

void check_envelopes(const SimulatedCluster& cluster, const ToldLog& log, Wrongs& wrongs) {
  std::set<KeyId> living;
  for (const auto& [account, id] : log.keys()) {
    const auto key = log.state_at(account, id, cluster.end()).key;
    if (key.status == KeyState::Status::live) living.insert(id);
  }
  std::set<KeyId> kept;
  for (const auto& [key, envelope] : cluster.envelopes()) kept.insert(key);
  if (kept != living) wrongs.emplace_back("the values that are kept are not those of living keys");
}

}  // namespace keyledger::commands::simulation
