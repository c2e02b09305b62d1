#include "services/commands/body.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "events/time.h"
#include "services/http/json_body.h"

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
        members.broken("/" + escape(name), "is not a member of this object");
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
    if (auto value = text<T>(name)) return std::optional<T>(std::move(*value));
    return std::nullopt;
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

  /// RFC 6901 §3.
  static std::string escape(std::string_view name) {
    std::string escaped;
    for (const char c : name) {
      if (c == '~') {
        escaped += "~0";
      } else if (c == '/') {
        escaped += "~1";
      } else {
        escaped += c;
      }
    }
    return escaped;
  }
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
    broken_.push_back({std::move(where), std::move(detail)});
  }

  json json_;
  std::vector<FieldError> broken_;
};

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
  if (tag == "*") return std::nullopt;
  if (tag.size() < 2 || !(tag.front() == '"' || tag.starts_with("W/\"")) || tag.back() != '"') {
    return fail(Errc::malformed, "If-Match must be an entity tag such as \"v3\"");
  }
  Version version;
  const std::string_view digits = tag.size() > 3 ? tag.substr(2, tag.size() - 3) : "";
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), version.value);
  // Also for a weak tag: If-Match compares strongly, so that one never matches.
  if (!tag.starts_with("\"v") || digits.empty() || error != std::errc{} ||
      end != digits.data() + digits.size()) {
    return fail(Errc::version_mismatch, "the key has no version with this entity tag");
  }
  return version;
}

std::optional<unsigned> read_prefer_wait(const http::Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (!std::ranges::equal(name, std::string_view("prefer"), {},
                            [](unsigned char c) { return std::tolower(c); })) {
      continue;
    }
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      std::string_view item = rest.substr(0, comma);
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
      item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
      if (!item.starts_with("wait=")) continue;
      item.remove_prefix(5);
      unsigned seconds = 0;
      const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), seconds);
      if (error == std::errc{} && end != item.data()) return seconds;
    }
  }
  return std::nullopt;
}

}  // namespace keyledger::commands
