#include "events/log/json_writer.h"

namespace keyledger::log {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      out += "\\u00";
      out += kHexDigits[static_cast<unsigned char>(c) >> 4U];
      out += kHexDigits[static_cast<unsigned char>(c) & 15U];
  }
}

}  // namespace

void JsonWriter::open_object() { out_ += '{'; }

void JsonWriter::open_object(std::string_view name_of_object) {
  name(name_of_object);
  out_ += '{';
}

void JsonWriter::close_object() { out_ += '}'; }

void JsonWriter::text(std::string_view member, std::string_view value) {
  name(member);
  out_ += '"';
  escaped(value);
  out_ += '"';
}

void JsonWriter::text(std::string_view member, std::string_view part1, std::string_view part2,
                      std::string_view part3) {
  name(member);
  out_ += '"';
  escaped(part1);
  escaped(part2);
  escaped(part3);
  out_ += '"';
}

void JsonWriter::text_if_any(std::string_view member, std::string_view value) {
  if (!value.empty()) text(member, value);
}

void JsonWriter::text_or_null(std::string_view member, std::optional<std::string_view> value) {
  if (value) {
    text(member, *value);
    return;
  }
  name(member);
  out_ += "null";
}

void JsonWriter::number(std::string_view member, unsigned long value) {
  name(member);
  out_ += std::to_string(value);
}

void JsonWriter::boolean(std::string_view member, bool value) {
  name(member);
  out_ += value ? "true" : "false";
}

void JsonWriter::hex(std::string_view member, std::span<const std::byte> bytes) {
  name(member);
  out_ += '"';
  for (const std::byte byte : bytes) {
    out_ += kHexDigits[std::to_integer<unsigned>(byte) >> 4U];
    out_ += kHexDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  out_ += '"';
}

void JsonWriter::name(std::string_view member) {
  if (out_.back() != '{') out_ += ',';
  out_ += '"';
  escaped(member);
  out_ += "\":";
}

void JsonWriter::escaped(std::string_view value) {
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!needs_escape(value[i])) continue;
    out_ += value.substr(plain_from, i - plain_from);
    append_escape(out_, value[i]);
    plain_from = i + 1;
  }
  out_ += value.substr(plain_from);
}

}  // namespace keyledger::log
