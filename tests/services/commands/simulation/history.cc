#include "tests/services/commands/simulation/history.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace keyledger::commands::simulation {
namespace {

constexpr std::string_view kPrefix = "attempt-";

}  // namespace

const Attempt& History::send(std::size_t operation, std::size_t node, Submission submission) {
  const std::size_t number = attempts_.size();
  submission.actor.request_id = std::string(kPrefix) + std::to_string(number);
  attempts_.push_back({.number = number,
                       .operation = operation,
                       .node = node,
                       .submission = std::move(submission),
                       .known = known_,
                       .answer = {},
                       .end = {}});
  return attempts_.back();
}

void History::answer(std::size_t number, Result<Outcome> answer, Position end) {
  Attempt& attempt = attempts_[number];
  if (answer) known_ = std::max(known_, answer->position);
  attempt.answer = std::move(answer);
  attempt.end = end;
  on_end(attempt);
}

void History::lose(std::size_t node) {
  for (Attempt& attempt : attempts_) {
    if (attempt.node != node || attempt.is_over()) continue;
    attempt.is_lost = true;
    on_end(attempt);
  }
}

std::optional<std::size_t> History::attempt_of(const std::string& request_id) {
  if (!request_id.starts_with(kPrefix)) return std::nullopt;
  return std::stoul(request_id.substr(kPrefix.size()));
}

}  // namespace keyledger::commands::simulation
