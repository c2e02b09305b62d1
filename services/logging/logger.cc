#include "services/logging/logger.h"

#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace keyledger::logging {
namespace {

constexpr std::array<std::pair<std::string_view, Level>, 4> kLevels = {{
    {"debug", Level::debug},
    {"info", Level::info},
    {"warn", Level::warn},
    {"error", Level::error},
}};

std::string_view level_name(Level level) { return kLevels[std::to_underlying(level)].first; }

std::string as_json(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

struct Logger::Output {
  /// Shared with `lines`, which refers to it weakly.
  std::shared_ptr<spdlog::details::thread_pool> writer =
      std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1);
  /// Shared with the lines of it that wait.
  std::shared_ptr<spdlog::async_logger> lines = std::make_shared<spdlog::async_logger>(
      "keyledger", std::make_shared<spdlog::sinks::stderr_sink_mt>(), writer,
      spdlog::async_overflow_policy::overrun_oldest);
};

std::optional<Level> parse_level(std::string_view name) {
  for (const auto& [text, level] : kLevels) {
    if (text == name) return level;
  }
  return std::nullopt;
}

Logger::Logger(Level least) : least_(least), output_(std::make_unique<Output>()) {
  output_->lines->set_level(spdlog::level::trace);
  output_->lines->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%v})", spdlog::pattern_time_type::utc, "\n"));
}

Logger::~Logger() = default;
Logger::Logger(Logger&&) noexcept = default;
Logger& Logger::operator=(Logger&&) noexcept = default;

std::uint64_t Logger::dropped_lines() const { return output_->writer->overrun_counter(); }

void Logger::write_line(Level level, std::string_view message,
                        std::initializer_list<Field> fields) {
  std::string members = R"("level":")";
  members += level_name(level);
  members += R"(","message":)";
  members += as_json(message);
  for (const Field& field : fields) {
    members += ',';
    members += as_json(field.name);
    members += ':';
    members += std::visit([](auto value) { return as_json(value); }, field.value);
  }
  // The level is in the text already; spdlog's own decides nothing here.
  output_->lines->log(spdlog::level::info, spdlog::string_view_t(members.data(), members.size()));
}

}  // namespace keyledger::logging
