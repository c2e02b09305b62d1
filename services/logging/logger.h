#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace keyledger::logging {

enum class Level : std::uint8_t { debug, info, warn, error };

/// "debug", "info", "warn" or "error", and nothing else.
std::optional<Level> parse_level(std::string_view name);

/// A member of a log line: a name and a value that only have to live as long as the call.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  Field(std::string_view field_name, std::same_as<bool> auto truth)
      : name(field_name), value(truth) {}
  Field(std::string_view field_name, std::signed_integral auto number)
      : name(field_name), value(static_cast<std::int64_t>(number)) {}
  Field(std::string_view field_name, std::unsigned_integral auto number)
    requires(!std::same_as<decltype(number), bool>)
      : name(field_name), value(static_cast<std::uint64_t>(number)) {}
  Field(std::string_view field_name, std::floating_point auto number)
      : name(field_name), value(static_cast<double>(number)) {}

  std::string_view name;
  Value value;
};

/// Writes JSON lines on standard error, one object a line and flushed:
/// `{"time":"2026-11-24T11:17:30.000001Z","level":"info","message":"…", …fields in their order}`.
///
/// Whatever the texts hold, a line stays one valid line of JSON: bytes that are not UTF-8 become
/// U+FFFD. A number that is not finite becomes null. It hides nothing: secrets must not be given to
/// it. Below its level a call costs one comparison.
///
/// A thread of its own writes, so that no caller waits for whoever reads standard error: up to
/// kWaitingLines wait, and then the oldest are dropped and counted. The destructor writes what
/// waits. Thread safety: any thread; lines never mix.
class Logger {
 public:
  static constexpr std::size_t kWaitingLines = 4096;

  explicit Logger(Level least);
  ~Logger();
  Logger(Logger&&) noexcept;
  Logger& operator=(Logger&&) noexcept;

  /// How many lines were never written, because nobody read those before them.
  std::uint64_t dropped_lines() const;

  bool enabled(Level level) const { return level >= least_; }

  void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
  }

 private:
  struct Output;  // Keeps spdlog out of this header.

  void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    if (enabled(level)) write_line(level, message, fields);
  }
  void write_line(Level level, std::string_view message, std::initializer_list<Field> fields);

  Level least_;
  std::unique_ptr<Output> output_;
};

}  // namespace keyledger::logging
