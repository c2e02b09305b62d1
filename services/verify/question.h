#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "events/result.h"

namespace keyledger::verify {

/// The most questions that one batch may have.
inline constexpr std::size_t kMaxQuestions = 1000;

/// Is this key good, and this username's, if one is named?
struct Question {
  std::string_view key;
  std::optional<std::string_view> username;
};

/// Reads the bodies of /v1/verify and /v1/verify/batch as strictly as http::parse_json() does, and
/// without building what it would take apart again: this is asked the most. Not thread-safe.
///
/// Errors of both: malformed (not JSON, a member twice, more than 32 levels), invalid (with a
/// pointer for each member that breaks a rule).
class QuestionReader {
 public:
  QuestionReader();
  ~QuestionReader();
  QuestionReader(const QuestionReader&) = delete;
  QuestionReader& operator=(const QuestionReader&) = delete;

  /// {"key", "username"?}. What is returned lives until the next read.
  Result<Question> read_one(std::string_view body);

  /// {"keys": [{"key", "username"?}, …]}. What is returned lives until the next read.
  Result<std::vector<Question>> read_batch(std::string_view body);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace keyledger::verify
