#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "events/log/event_log.h"
#include "events/log/kafka/kafka_log.h"
#include "events/result.h"
#include "services/keyledger/data_dir.h"

namespace keyledger {

/// Which log, and where it is.
struct LogConfig {
  enum class Kind { embedded, kafka };
  Kind kind = Kind::embedded;
  std::string bootstrap;
  std::string prefix = "keyledger";
  /// librdkafka's own, in the order in which they were named.
  std::vector<std::pair<std::string, std::string>> properties;

  /// For clients that call themselves `client_id`.
  log::KafkaOptions kafka(std::string client_id) const;
};

/// Adds --log and --kafka.bootstrap, .prefix and .property, which fill `config` when the command
/// line is parsed.
void add_log_options(CLI::App& app, LogConfig& config);

/// Adds the --kafka ones alone, for commands that are about Kafka.
void add_kafka_options(CLI::App& app, LogConfig& config);

/// Throws CLI::ValidationError where --log kafka has no --kafka.bootstrap, or one of the --kafka
/// options was given without --log kafka.
void check_log_options(const CLI::App& app, const LogConfig& config);

/// Opens the log to read it, beside nodes that write it. librdkafka's complaints go to standard
/// error. Errors: those of the log's own opening.
Result<std::unique_ptr<log::LogReader>> open_log_for_reading(const LogConfig& config,
                                                             const DataDir& data);

}  // namespace keyledger
