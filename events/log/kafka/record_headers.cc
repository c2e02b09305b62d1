#include "events/log/kafka/record_headers.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace keyledger::log::kafka {
namespace {

constexpr std::string_view kBeginning = R"({"specversion":"1.0",)";
constexpr std::string_view kData = R"("data":)";

struct Routed {
  std::string_view attribute;
  std::string_view header;
};
constexpr std::array<Routed, 9> kRouted = {{{"id", "ce_id"},
                                            {"source", "ce_source"},
                                            {"type", "ce_type"},
                                            {"subject", "ce_subject"},
                                            {"time", "ce_time"},
                                            {"dataschema", "ce_dataschema"},
                                            {"account", "ce_account"},
                                            {"commandid", "ce_commandid"},
                                            {"traceparent", "ce_traceparent"}}};

/// Takes the text that `rest` begins with, and the sign after it. Nothing of what JSON escapes.
/// Returns whether there is one.
bool take_text(std::string_view& rest, char sign, std::string_view& text) {
  if (!rest.starts_with('"')) return false;
  const auto end = rest.find_first_of("\"\\", 1);
  if (end == rest.npos || rest[end] != '"' || end + 1 == rest.size()) return false;
  if (rest[end + 1] != sign) return false;
  text = rest.substr(1, end - 1);
  rest.remove_prefix(end + 2);
  return true;
}

/// Passes over the value that `rest` begins with, and the comma after it.
bool skip_value(std::string_view& rest) {
  bool is_in_text = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') is_in_text = !is_in_text;
    if (rest[i] == '\\') ++i;
    if (i < rest.size() && rest[i] == ',' && !is_in_text) {
      rest.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

}  // namespace

RecordHeaders record_headers(std::string_view event) {
  RecordHeaders found;
  if (!event.starts_with(kBeginning)) return found;
  found.headers = {{"content-type", "application/cloudevents+json; charset=UTF-8"},
                   {"ce_specversion", "1.0"}};
  for (auto rest = event.substr(kBeginning.size()); !rest.starts_with(kData);) {
    std::string_view name;
    std::string_view value;
    if (!take_text(rest, ':', name)) break;
    if (!take_text(rest, ',', value)) {
      if (!skip_value(rest)) break;
      continue;
    }
    const auto* const routed = std::ranges::find(kRouted, name, &Routed::attribute);
    if (routed != kRouted.end()) found.headers.emplace_back(routed->header, value);
    if (name == "account") found.account = value;
  }
  return found;
}

}  // namespace keyledger::log::kafka
