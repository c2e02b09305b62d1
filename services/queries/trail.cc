#include "services/queries/trail.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

namespace keyledger::queries {
namespace {

using nlohmann::json;

/// The stored object with its position as the first member. Stored events are objects and never
/// empty.
void append_event(std::string& out, const projections::HistoryEntry& entry) {
  out.append("{\"position\":").append(std::to_string(entry.position.value)).append(",");
  out.append(entry.bytes, 1);
}

/// A column, and where its value stands in an event.
struct Column {
  const char* name;
  const char* pointer;
};

constexpr std::array<Column, 17> kColumns{{{"position", "/position"},
                                           {"time", "/time"},
                                           {"type", "/type"},
                                           {"account", "/account"},
                                           {"key_id", "/subject"},
                                           {"key_version", "/keyversion"},
                                           {"actor_subject", "/data/actor/subject"},
                                           {"actor_username", "/data/actor/username"},
                                           {"actor_address", "/data/actor/address"},
                                           {"actor_user_agent", "/data/actor/user_agent"},
                                           {"request_id", "/data/actor/request_id"},
                                           {"reason", "/data/reason"},
                                           {"name", "/data/name"},
                                           {"description", "/data/description"},
                                           {"enabled", "/data/enabled"},
                                           {"expires_at", "/data/expires_at"},
                                           {"username", "/data/username"}}};

std::string cell_text(const json& event, const char* pointer) {
  const json::json_pointer where(pointer);
  if (!event.contains(where)) return {};
  const json& value = event[where];
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Whether a spreadsheet would take a cell with this text for a formula. Some take the full-width
/// forms of the signs as well.
bool is_formula(std::string_view text) {
  constexpr std::array<std::string_view, 4> kFullWidth{"\uff1d", "\uff0b", "\uff0d", "\uff20"};
  if (text.empty()) return false;
  return std::string_view("=+-@\t\r\n").contains(text.front()) ||
         std::ranges::any_of(kFullWidth, [text](auto sign) { return text.starts_with(sign); });
}

void append_cell(std::string& out, std::string_view text) {
  const bool formula = is_formula(text);
  const bool quoted = formula || text.find_first_of(",;\"\r\n") != std::string_view::npos;
  if (!quoted) {
    out += text;
    return;
  }
  out += '"';
  if (formula) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

std::string trail_as_json(const projections::HistoryPage& page) {
  std::string out = "{\"events\":[";
  for (const auto& entry : page.entries) {
    if (out.back() != '[') out += ',';
    append_event(out, entry);
  }
  out += "],\"next_after\":";
  if (page.more && !page.entries.empty()) {
    out.append(std::to_string(page.entries.back().position.value)).append("}");
  } else {
    out += "null}";
  }
  return out;
}

std::string trail_as_ndjson(const projections::HistoryPage& page) {
  std::string out;
  for (const auto& entry : page.entries) {
    append_event(out, entry);
    out += '\n';
  }
  return out;
}

std::string_view bare_type(std::string_view type) {
  constexpr std::string_view kPrefix = "keyledger.";
  if (type.starts_with(kPrefix)) type.remove_prefix(kPrefix.size());
  return type;
}

std::string csv_header() {
  std::string out;
  for (const Column& column : kColumns) {
    if (!out.empty()) out += ',';
    out += column.name;
  }
  return out + "\r\n";
}

Result<std::string> csv_row(const projections::HistoryEntry& entry) {
  json event = json::parse(entry.bytes, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) {
    return fail(Errc::damaged,
                "the event at position " + std::to_string(entry.position.value) + " is no JSON");
  }
  event["position"] = entry.position.value;
  std::string out;
  bool first = true;
  for (const Column& column : kColumns) {
    if (!first) out += ',';
    first = false;
    append_cell(out, cell_text(event, column.pointer));
  }
  return out + "\r\n";
}

Result<std::string> trail_as_csv(const projections::HistoryPage& page) {
  std::string out = csv_header();
  for (const auto& entry : page.entries) {
    const auto row = csv_row(entry);
    if (!row) return row;
    out += *row;
  }
  return out;
}

}  // namespace keyledger::queries
