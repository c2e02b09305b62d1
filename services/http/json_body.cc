#include "services/http/json_body.h"

#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "services/http/text.h"

namespace keyledger::http {
namespace {

using nlohmann::json;

/// Reads JSON without building it, and says what of it is allowed in JSON and not here. Ends where
/// it is too deep, so that nobody builds what is.
class Strictness final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    return reject("an object has a member twice");
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

  /// Empty if nothing was found.
  std::string_view broken() const { return broken_; }

 private:
  bool enter() {
    if (names_.size() == kMaxJsonDepth) return reject("it is more than 32 levels deep");
    names_.emplace_back();
    return true;
  }
  bool leave() {
    names_.pop_back();
    return true;
  }
  bool reject(std::string_view why) {
    broken_ = why;
    return false;
  }

  std::vector<std::set<std::string>> names_;  ///< Of the members so far, for each open level.
  std::string_view broken_;
};

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
  // The parser takes a NUL for the end of the text, and passes over a byte order mark, which others
  // here don't (RFC 8259 §8.1). Nowhere in JSON is either allowed.
  if (text.contains('\0') || text.starts_with("\xEF\xBB\xBF")) {
    return fail(Errc::malformed, "the body is not JSON in UTF-8");
  }
  // Apart from the building: nlohmann's callbacks make that quadratic in an array's length.
  Strictness strictness;
  const bool strict = json::sax_parse(text, &strictness);
  if (!strictness.broken().empty()) {
    return fail(Errc::malformed,
                "the body is no JSON that is read here: " + std::string(strictness.broken()));
  }
  if (!strict) return fail(Errc::malformed, "the body is not JSON in UTF-8");
  return json::parse(text);
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
