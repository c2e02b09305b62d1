#include "services/http/json_body.h"

#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "services/http/text.h"

namespace keyledger::http {
namespace {

using nlohmann::json;

/// Watches a parse for what JSON allows and we don't.
class Strictness {
 public:
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (depth >= kMaxJsonDepth && !broken_) broken_ = "it is more than 32 levels deep";
        names_.emplace_back();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        names_.pop_back();
        break;
      case json::parse_event_t::key:
        if (!names_.back().insert(parsed.get<std::string>()).second && !broken_) {
          broken_ = "an object has a member twice";
        }
        break;
      case json::parse_event_t::value:
        break;
    }
    return true;
  }

  const std::optional<std::string>& broken() const { return broken_; }

 private:
  std::vector<std::set<std::string>> names_;
  std::optional<std::string> broken_;
};

/// Nested so deep that building it could exhaust the stack of whoever takes it apart again.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

struct MediaRange {
  std::string_view type;
  double quality = 1;
};

/// One item of Accept: "text/csv;q=0.5".
MediaRange read_media_range(std::string_view item) {
  MediaRange range;
  range.type = take_item(item, ';');
  while (!item.empty()) {
    std::string_view value = take_item(item, ';');
    const std::string_view name = take_item(value, '=');
    if (!same_token(name, "q")) continue;
    double quality = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), quality);
    range.quality = error == std::errc{} && end == value.data() + value.size() ? quality : 0;
  }
  return range;
}

/// How closely `range` names `type`: 3 exactly, 2 "text/*", 1 "*/*", 0 not at all.
int specificity(std::string_view range, std::string_view type) {
  if (same_token(range, type)) return 3;
  if (range == "*/*") return 1;
  if (!range.ends_with("/*")) return 0;
  range.remove_suffix(1);
  return same_token(range, type.substr(0, range.size())) ? 2 : 0;
}

}  // namespace

Result<json> parse_json(std::string_view text) {
  if (is_too_deep(text)) {
    return fail(Errc::malformed,
                "the body is no JSON that is read here: it is more than 32 levels deep");
  }
  // The parser takes a NUL for the end of the text. Nowhere in JSON is one allowed.
  if (text.contains('\0')) return fail(Errc::malformed, "the body is not JSON in UTF-8");
  Strictness strictness;
  json value = json::parse(
      text,
      [&strictness](int depth, json::parse_event_t event, json& parsed) {
        return strictness(depth, event, parsed);
      },
      /*allow_exceptions=*/false);
  if (value.is_discarded()) return fail(Errc::malformed, "the body is not JSON in UTF-8");
  if (strictness.broken()) {
    return fail(Errc::malformed, "the body is no JSON that is read here: " + *strictness.broken());
  }
  return value;
}

std::string pointer_token(std::string_view name) {
  std::string token;
  for (const char c : name) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token += c;
    }
  }
  return token;
}

bool has_json_content_type(const Request& request, std::string_view also) {
  if (request.count("content-type") != 1) return false;
  std::string_view rest = request.header("content-type");
  const std::string_view type = take_item(rest, ';');
  if (!same_token(type, "application/json") && (also.empty() || !same_token(type, also))) {
    return false;
  }
  while (!rest.empty()) {
    std::string_view value = take_item(rest, ';');
    const std::string_view name = take_item(value, '=');
    if (same_token(name, "charset") && !same_token(value, "utf-8") &&
        !same_token(value, "\"utf-8\"")) {
      return false;
    }
  }
  return true;
}

bool accepts(const Request& request, std::string_view media_type) {
  bool is_there = false;
  int closest = 0;
  double quality = 0;
  for (const auto& [name, value] : request.headers) {
    if (!same_token(name, "accept")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const MediaRange range = read_media_range(take_item(rest, ','));
      if (range.type.empty()) continue;
      is_there = true;
      const int close = specificity(range.type, media_type);
      if (close > closest) {
        closest = close;
        quality = range.quality;
      }
    }
  }
  return !is_there || (closest > 0 && quality > 0);
}

}  // namespace keyledger::http
