#include "services/commands/body.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "events/time.h"
#include "services/http/json_body.h"
#include "services/http/text.h"

namespace keyledger::commands {
namespace {

using nlohmann::json;

/// Reads the members of one JSON object and gathers every rule that is broken.
class Members {
 public:
  static Result<Members> parse(std::string_view text,
                               std::initializer_list<std::string_view> known) {
    auto body = http::parse_json(text);
    if (!body) return fail(std::move(body.error()));
    if (!body->is_object()) return fail_field("", "must be a JSON object");
    Members members(std::move(*body));
    for (const auto& [name, value] : members.json_.items()) {
      if (std::ranges::find(known, name) == known.end()) {
        members.broken("/" + http::pointer_token(name), "is not a member of this object");
      }
    }
    return members;
  }

  /// The member as a `T` that T::parse() accepts.
  template <typename T>
  std::optional<T> text(const char* name, bool required = false) {
    const json* value = find(name, required);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) return broken(pointer(name), "must be a string"), std::nullopt;
    auto parsed = T::parse(value->get_ref<const std::string&>());
    if (!parsed) return broken(pointer(name), parsed.error().message), std::nullopt;
    return std::move(*parsed);
  }

  /// The same for a member that `null` clears.
  template <typename T>
  std::optional<std::optional<T>> clearable_text(const char* name) {
    if (is_null(name)) return std::optional<T>{};
    auto value = text<T>(name);
    if (!value) return std::nullopt;
    return std::optional<std::optional<T>>(std::in_place, std::move(value));
  }

  std::optional<bool> boolean(const char* name) {
    const json* value = find(name, false);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) return broken(pointer(name), "must be true or false"), std::nullopt;
    return value->get<bool>();
  }

  std::optional<std::optional<Instant>> clearable_instant(const char* name) {
    if (is_null(name)) return std::optional<Instant>{};
    const json* value = find(name, false);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) {
      return broken(pointer(name), "must be an RFC 3339 time or null"), std::nullopt;
    }
    const auto at = parse_instant(value->get_ref<const std::string&>());
    if (!at) return broken(pointer(name), at.error().message), std::nullopt;
    return std::optional(*at);
  }

  Result<void> check() const {
    if (broken_.empty()) return {};
    return fail(Error{Errc::invalid, "the request body breaks a rule; see errors", broken_});
  }

  json take() { return std::move(json_); }

 private:
  explicit Members(json object) : json_(std::move(object)) {}

  static std::string pointer(const char* name) { return std::string("/") + name; }

  const json* find(const char* name, bool required) {
    const auto member = json_.find(name);
    if (member != json_.end()) return &*member;
    if (required) broken(pointer(name), "is required");
    return nullptr;
  }
  bool is_null(const char* name) const {
    const auto member = json_.find(name);
    return member != json_.end() && member->is_null();
  }
  void broken(std::string where, std::string detail) {
    if (broken_.size() == http::kMaxFieldErrors) return;
    broken_.push_back({std::move(where), std::move(detail)});
  }

  json json_;
  std::vector<FieldError> broken_;
};

/// All of `text` as a decimal number, if it is one that fits.
std::optional<std::uint32_t> read_decimal(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<Body<NewKey>> read_new_key(std::string_view text) {
  auto members = Members::parse(text, {"name", "description", "enabled", "expires_at"});
  if (!members) return fail(std::move(members.error()));
  auto name = members->text<KeyName>("name", true);
  auto description = members->clearable_text<Description>("description");
  const auto enabled = members->boolean("enabled");
  const auto expires_at = members->clearable_instant("expires_at");
  if (auto good = members->check(); !good) return fail(std::move(good.error()));

  Body<NewKey> body{};
  body.wish.name = std::move(*name);
  if (description) body.wish.description = std::move(*description);
  body.wish.enabled = enabled.value_or(true);
  if (expires_at) body.wish.expires_at = *expires_at;
  body.json = members->take();
  return body;
}

Result<Body<ChangeKey>> read_change(std::string_view text) {
  auto members = Members::parse(text, {"name", "description", "enabled", "expires_at", "reason"});
  if (!members) return fail(std::move(members.error()));
  Body<ChangeKey> body{};
  body.wish.name = members->text<KeyName>("name");
  body.wish.description = members->clearable_text<Description>("description");
  body.wish.enabled = members->boolean("enabled");
  body.wish.expires_at = members->clearable_instant("expires_at");
  body.reason = members->text<Reason>("reason");
  if (auto good = members->check(); !good) return fail(std::move(good.error()));
  body.json = members->take();
  return body;
}

Result<Body<PutAccount>> read_account(std::string_view text) {
  auto members = Members::parse(text, {"username"});
  if (!members) return fail(std::move(members.error()));
  auto username = members->text<Username>("username", true);
  if (auto good = members->check(); !good) return fail(std::move(good.error()));
  return Body<PutAccount>{PutAccount{std::move(*username)}, std::nullopt, members->take()};
}

Result<std::optional<Version>> read_if_match(const http::Request& request) {
  if (request.count("if-match") == 0) return std::nullopt;
  const std::string_view tag = request.header("if-match");
  if (request.count("if-match") == 1 && tag == "*") return std::nullopt;
  std::string_view opaque = tag;
  const bool weak = opaque.starts_with("W/");
  if (weak) opaque.remove_prefix(2);
  if (request.count("if-match") > 1 || opaque.size() < 2 ||
      opaque.find('"', 1) + 1 != opaque.size() || opaque.front() != '"') {
    return fail(Errc::malformed, "If-Match must be one entity tag such as \"v3\", or *");
  }
  opaque = opaque.substr(1, opaque.size() - 2);
  const auto version = opaque.starts_with('v') ? read_decimal(opaque.substr(1)) : std::nullopt;
  // Also for a weak tag: If-Match compares strongly, so that one never matches.
  if (weak || !version || opaque.substr(1) != std::to_string(*version)) {
    return fail(Errc::version_mismatch, "the key has no version with this entity tag");
  }
  return Version{*version};
}

std::optional<unsigned> read_prefer_wait(const http::Request& request) {
  for (const auto& [header, value] : request.headers) {
    if (!http::same_token(header, "prefer")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view preference = http::take_item(rest, ',');
      std::string_view word = http::take_item(preference, ';');
      if (!http::same_token(http::take_item(word, '='), "wait")) continue;
      word = http::trim(word);
      if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
        word = word.substr(1, word.size() - 2);
      }
      // Only the first instance of a preference counts.
      return read_decimal(word);
    }
  }
  return std::nullopt;
}

}  // namespace keyledger::commands
