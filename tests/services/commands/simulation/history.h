#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "events/result.h"
#include "events/vocabulary.h"
#include "services/commands/submission.h"

namespace keyledger::commands::simulation {

/// One sending of a command to one node. Its events say by their request id whose they are.
struct Attempt {
  std::size_t number;
  std::size_t operation;
  std::size_t node;
  Submission submission;
  Position known;  ///< The greatest position in any answer that anybody had when it was sent.
  std::optional<Result<Outcome>> answer;
  Position end;          ///< The log's, when it was answered.
  bool is_lost = false;  ///< There will be no answer: its node was killed.

  bool is_over() const { return answer || is_lost; }
};

/// What the clients of a run asked, and what they were answered. One operation is what somebody
/// wants; it is tried as often as its client likes.
class History {
 public:
  /// Called when an attempt is over, whichever way.
  std::function<void(const Attempt&)> on_end = [](const Attempt&) {};

  std::size_t begin_operation() { return operations_++; }

  const Attempt& send(std::size_t operation, std::size_t node, Submission submission);

  /// `end` is the log's.
  void answer(std::size_t attempt, Result<Outcome> answer, Position end);

  /// Loses what `node` has not answered.
  void lose(std::size_t node);

  const std::vector<Attempt>& attempts() const { return attempts_; }
  std::size_t operations() const { return operations_; }

  /// Which attempt an event is of, by its request id; nothing: of none.
  static std::optional<std::size_t> attempt_of(const std::string& request_id);

 private:
  std::vector<Attempt> attempts_;
  std::size_t operations_ = 0;
  Position known_;
};

}  // namespace keyledger::commands::simulation
