#include "services/feed/frames.h"

#include <algorithm>

namespace keyledger::feed {
namespace {

void append_id(std::string& out, Position position) {
  out.append("id: ").append(std::to_string(position.value)).append("\n");
}

}  // namespace

void append_opening(std::string& out, Position position) {
  out.append("retry: 2000\n");
  append_id(out, position);
  out.append("\n");
}

void append_event(std::string& out, Position position, std::string_view bytes) {
  append_id(out, position);
  for (;;) {
    const auto end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    out.append("data: ").append(bytes.substr(0, end)).append("\n");
    if (end == bytes.size()) break;
    bytes.remove_prefix(end + (bytes.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out.append("\n");
}

void append_heartbeat(std::string& out, Position position) {
  out.append(": heartbeat\n");
  append_id(out, position);
  out.append("\n");
}

void append_end(std::string& out, const End& end) {
  out.append("event: end\ndata: {\"reason\":\"").append(end.reason);
  out.append("\",\"code\":\"").append(end.code).append("\"}\n\n");
}

}  // namespace keyledger::feed
