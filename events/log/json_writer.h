#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace keyledger::log {

/// Appends JSON (RFC 8259) without spaces to a string of its own. Writes what it is told: the
/// caller sees to it that objects open and close in pairs and that texts are UTF-8.
class JsonWriter {
 public:
  explicit JsonWriter(std::size_t expected_bytes) { out_.reserve(expected_bytes); }

  void open_object();
  void open_object(std::string_view name);
  void close_object();

  void text(std::string_view name, std::string_view value);
  /// `parts`, one after the other, as one string.
  void text(std::string_view name, std::string_view part1, std::string_view part2,
            std::string_view part3 = {});
  /// Nothing at all where `value` is empty.
  void text_if_any(std::string_view name, std::string_view value);
  void text_or_null(std::string_view name, std::optional<std::string_view> value);
  void number(std::string_view name, unsigned long value);
  void boolean(std::string_view name, bool value);
  /// `bytes` as lower-case hexadecimal digits.
  void hex(std::string_view name, std::span<const std::byte> bytes);

  std::string take() { return std::move(out_); }

 private:
  void name(std::string_view name);
  void escaped(std::string_view value);

  std::string out_;
};

}  // namespace keyledger::log
