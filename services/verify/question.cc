#include "services/verify/question.h"

#include <string>
#include <utility>

#include <simdjson.h>

#include "services/http/json_body.h"

namespace keyledger::verify {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

/// What is wrong with a body, while it is read.
struct Findings {
  std::vector<FieldError> broken = {};
  bool has_member_twice = false;

  void add(std::string pointer, std::string detail) {
    if (broken.size() == http::kMaxFieldErrors) return;
    broken.push_back({std::move(pointer), std::move(detail)});
  }
  void add_stranger(const std::string& pointer, std::string_view name) {
    add(pointer + "/" + http::pointer_token(name), "is not a member of this object");
  }

  bool any() const { return has_member_twice || !broken.empty(); }
};

/// The error for a body that is no question: parse_json() judges whether it is JSON that is read
/// here at all, so that every route refuses the same.
std::unexpected<Error> refuse(std::string_view body, Findings findings) {
  if (auto strict = http::parse_json(body); !strict) return fail(std::move(strict.error()));
  return fail(Error{Errc::invalid, "the request body breaks a rule; see errors",
                    std::move(findings.broken)});
}

/// Where a question stands. Its pointer is only written out when something is wrong with it.
struct Place {
  std::optional<std::size_t> index;

  std::string pointer() const { return index ? "/keys/" + std::to_string(*index) : ""; }
};

Question read_question(const element& value, Place place, Findings& findings) {
  Question question;
  object members;
  if (value.get(members)) {
    findings.add(place.pointer(), "must be an object with a member key");
    return question;
  }
  bool has_key = false;
  bool has_username = false;
  for (const auto [name, member] : members) {
    const bool is_key = name == "key";
    if (!is_key && name != "username") {
      findings.add_stranger(place.pointer(), name);
      continue;
    }
    bool& seen = is_key ? has_key : has_username;
    findings.has_member_twice = findings.has_member_twice || seen;
    seen = true;
    std::string_view text;
    if (member.get(text)) {
      findings.add(place.pointer() + "/" + std::string(name), "must be a string");
    } else if (is_key) {
      question.key = text;
    } else {
      question.username = text;
    }
  }
  if (!has_key) findings.add(place.pointer() + "/key", "is required");
  return question;
}

void read_questions(const element& value, std::vector<Question>& questions, Findings& findings) {
  simdjson::dom::array array;
  if (value.get(array)) {
    findings.add("/keys", "must be an array");
    return;
  }
  if (array.size() > kMaxQuestions) {
    findings.add("/keys", "must have at most 1000 elements");
    return;
  }
  questions.reserve(array.size());
  for (const element& each : array) {
    questions.push_back(read_question(each, {questions.size()}, findings));
  }
}

}  // namespace

struct QuestionReader::Parser {
  simdjson::dom::parser json;

  /// Nothing for what is no JSON.
  std::optional<element> parse(std::string_view body) {
    element value;
    if (json.parse(body.data(), body.size()).get(value)) return std::nullopt;
    return value;
  }
};

QuestionReader::QuestionReader() : parser_(std::make_unique<Parser>()) {}
QuestionReader::~QuestionReader() = default;

Result<Question> QuestionReader::read_one(std::string_view body) {
  Findings findings;
  const auto value = parser_->parse(body);
  if (!value) {
    findings.add("", "must be an object with a member key");
    return refuse(body, std::move(findings));
  }
  const Question question = read_question(*value, {}, findings);
  if (findings.any()) return refuse(body, std::move(findings));
  return question;
}

Result<std::vector<Question>> QuestionReader::read_batch(std::string_view body) {
  Findings findings;
  std::vector<Question> questions;
  bool has_keys = false;
  const auto value = parser_->parse(body);
  object members;
  if (!value || value->get(members)) {
    findings.add("", "must be an object with a member keys");
    return refuse(body, std::move(findings));
  }
  for (const auto [name, member] : members) {
    if (name != "keys") {
      findings.add_stranger("", name);
      continue;
    }
    findings.has_member_twice = findings.has_member_twice || has_keys;
    has_keys = true;
    read_questions(member, questions, findings);
  }
  if (!has_keys) findings.add("/keys", "is required");
  if (findings.any()) return refuse(body, std::move(findings));
  return questions;
}

}  // namespace keyledger::verify
