#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "events/log/event_log.h"
#include "events/log/kafka/candidates.h"
#include "events/log/replica_registry.h"
#include "events/result.h"
#include "projections/read_model.h"

namespace keyledger {

/// What one node knows of its deployment, and whom it asks.
struct StatusSources {
  std::string node;  ///< Its id.
  std::string url;
  std::vector<std::string> roles;
  const log::LogReader& log;
  std::string log_kind;  ///< "embedded", "kafka".
  const projections::ReadModel& model;
  Position position;                 ///< Up to here its read model is.
  std::vector<std::string> reasons;  ///< Why it isn't ready; none: it is.
  log::ReplicaRegistry* registry;    ///< Null: there are no other nodes,
  std::function<Result<std::vector<log::Candidate>>()> candidates;  ///< and no election.
};

/// {"command":"status"}: what a node answers with deployment_status().
nlohmann::json status_request();

/// The whole deployment as this node sees it: the log, who leads, who would, and which nodes may
/// validate, how far each is and how long its lease holds. Schema: docs/operations.md. What can't
/// be told is null, and `errors` says why. Asks brokers: blocks for some twenty seconds at most.
nlohmann::ordered_json deployment_status(const StatusSources& sources);

/// The same for people, as lines.
std::string status_text(const nlohmann::ordered_json& status);

struct StatusArguments {
  std::filesystem::path data_dir = "data";
  bool as_json = false;
};

/// `keyledger status`: asks the node that runs on the data directory, and prints what it answers.
/// Returns the exit code: 1 where no node answers.
int print_status(const StatusArguments& arguments);

}  // namespace keyledger
