#include "services/verify/answer.h"

#include <algorithm>
#include <string_view>

#include "events/time.h"

namespace keyledger::verify {
namespace {

bool needs_escape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

/// `text` as a JSON string (RFC 8259 §7). It is well-formed UTF-8: it came out of the read model.
void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto end = std::ranges::find_if(text, needs_escape);
    out.append(text.begin(), end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x20) {
      out.append("\\u00").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 0xfU]);
    } else {
      out.append(1, '\\').append(1, text.front());
    }
    text.remove_prefix(1);
  }
  out += '"';
}

}  // namespace

void append_answer(std::string& out, const Verdict& verdict, std::uint64_t position) {
  out.append("{\"valid\":").append(verdict.code == Code::valid ? "true" : "false");
  out.append(",\"code\":\"").append(code_name(verdict.code)).append("\"");
  if (verdict.code >= Code::disabled) {
    const projections::Grant& grant = verdict.grant;
    out += ",\"account\":";
    append_string(out, grant.account.value);
    out += ",\"username\":";
    append_string(out, grant.username.value);
    out += ",\"key_id\":";
    append_string(out, grant.key.value);
    out += ",\"name\":";
    append_string(out, grant.name.value);
    out += ",\"expires_at\":";
    if (grant.expires_at) {
      append_string(out, format_instant(*grant.expires_at));
    } else {
      out += "null";
    }
    out.append(",\"version\":").append(std::to_string(grant.version.value));
  }
  out.append(",\"position\":").append(std::to_string(position)).append("}");
}

}  // namespace keyledger::verify
