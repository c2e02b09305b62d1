#include "services/verify/question.h"

#include <string>
#include <utility>

#include <simdjson.h>

#include "services/http/json_body.h"

namespace keyledger::verify {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::unexpected<Error> malformed(const char* what) {
  return fail(Errc::malformed, std::string("the body is no JSON that is read here: ") + what);
}

/// What is wrong with a body, while it is read.
struct Findings {
  bool has_member_twice = false;
  std::vector<FieldError> broken = {};

  void add(std::string pointer, std::string detail) {
    broken.push_back({std::move(pointer), std::move(detail)});
  }
  void add_stranger(const std::string& pointer, std::string_view name) {
    add(pointer + "/" + http::pointer_token(name), "is not a member of this object");
  }

  Result<void> check() {
    if (has_member_twice) return malformed("an object has a member twice");
    if (broken.empty()) return {};
    return fail(Error{Errc::invalid, "the request body breaks a rule; see errors", broken});
  }
};

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

  Result<element> parse(std::string_view body) {
    if (body.size() > json.capacity()) {
      // simdjson counts the value inside the innermost level too.
      if (json.allocate(body.size(), http::kMaxJsonDepth + 1)) throw std::bad_alloc();
    }
    element value;
    const auto error = json.parse(body.data(), body.size()).get(value);
    if (error == simdjson::DEPTH_ERROR) return malformed("it is more than 32 levels deep");
    if (error) return fail(Errc::malformed, "the body is not JSON in UTF-8");
    return value;
  }
};

QuestionReader::QuestionReader() : parser_(std::make_unique<Parser>()) {}
QuestionReader::~QuestionReader() = default;

Result<Question> QuestionReader::read_one(std::string_view body) {
  const auto value = parser_->parse(body);
  if (!value) return fail(value.error());
  Findings findings;
  const Question question = read_question(*value, {}, findings);
  if (auto good = findings.check(); !good) return fail(std::move(good.error()));
  return question;
}

Result<std::vector<Question>> QuestionReader::read_batch(std::string_view body) {
  const auto value = parser_->parse(body);
  if (!value) return fail(value.error());
  object members;
  if (value->get(members)) return fail_field("", "must be an object with a member keys");
  std::vector<Question> questions;
  Findings findings;
  bool has_keys = false;
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
  if (auto good = findings.check(); !good) return fail(std::move(good.error()));
  return questions;
}

}  // namespace keyledger::verify
