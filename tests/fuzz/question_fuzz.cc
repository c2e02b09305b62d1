// The bodies of /v1/verify and /v1/verify/batch: the fast reader says the same as the strict one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/http/json_body.h"
#include "services/verify/question.h"
#include "tests/fuzz/promise.h"

namespace keyledger::verify {
namespace {

using fuzz::promise;
using nlohmann::json;

struct Asked {
  std::string key;
  std::optional<std::string> username;
};

/// What parse_json()'s value asks; nothing if it is no question.
std::optional<Asked> asked_by(const json& value) {
  if (!value.is_object() || !value.contains("key")) return std::nullopt;
  for (const auto& [name, member] : value.items()) {
    if ((name != "key" && name != "username") || !member.is_string()) return std::nullopt;
  }
  Asked asked{value["key"], std::nullopt};
  if (value.contains("username")) asked.username = value["username"].get<std::string>();
  return asked;
}

std::optional<std::vector<Asked>> all_asked_by(const json& value) {
  if (!value.is_object() || value.size() != 1 || !value.contains("keys")) return std::nullopt;
  const json& keys = value["keys"];
  if (!keys.is_array() || keys.size() > kMaxQuestions) return std::nullopt;
  std::vector<Asked> all;
  for (const json& each : keys) {
    auto asked = asked_by(each);
    if (!asked) return std::nullopt;
    all.push_back(*std::move(asked));
  }
  return all;
}

bool is_same(const Question& question, const Asked& asked) {
  return question.key == asked.key && question.username == asked.username;
}

/// An error is `malformed` where the body is not JSON, else `invalid` and says where.
template <typename Read>
void check_error(const Read& read, bool is_json) {
  if (read) return;
  promise(read.error().code == (is_json ? Errc::invalid : Errc::malformed),
          "what is JSON is invalid, what is none is malformed");
  promise(!is_json || !read.error().fields.empty(), "an invalid body says where");
}

void check(std::string_view body) {
  static QuestionReader reader;  // Kept, so that what one body left behind meets the next.
  const auto strict = http::parse_json(body);
  const auto one = strict ? asked_by(*strict) : std::nullopt;
  const auto all = strict ? all_asked_by(*strict) : std::nullopt;
  {
    const auto read = reader.read_one(body);
    promise(read.has_value() == one.has_value(), "both readers take the same for a question");
    promise(!read || is_same(*read, *one), "both readers read the same question");
    check_error(read, strict.has_value());
  }
  const auto read = reader.read_batch(body);
  promise(read.has_value() == all.has_value(), "both readers take the same for a batch");
  check_error(read, strict.has_value());
  if (!read) return;
  promise(read->size() == all->size(), "a batch has as many questions as it has elements");
  for (std::size_t i = 0; i < all->size(); ++i) {
    promise(is_same((*read)[i], (*all)[i]), "both readers read the same batch");
  }
}

}  // namespace
}  // namespace keyledger::verify

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  keyledger::verify::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
