#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "events/log/embedded/embedded_log.h"
#include "events/result.h"
#include "projections/projector.h"
#include "projections/read_model.h"

namespace keyledger {

// The commands that repair a ledger or copy it. A running node carries them out for who asks on its
// admin socket; without one, the command does so itself, with the same words.

/// What a ledger consists of, open for writing.
struct LedgerParts {
  log::EventLog& log;
  const log::EmbeddedLog* embedded;  ///< The same; null where it is in Kafka.
  projections::ReadModel& model;
  projections::Projector& projector;
  /// Returns when the projector is at `fact`, which is the position of an EventQuarantined, or has
  /// halted again behind the events up to `last` that are passed over for it.
  std::function<void(Position last, Position fact)> follow;
};

/// {"command":"quarantine","position":7,"reason":"…"}, and for the other two
/// {"command":"checkpoint","directory":"/…"}.
nlohmann::json quarantine_request(std::uint64_t position, const std::string& reason);
nlohmann::json copy_request(const char* command, const std::filesystem::path& directory);

/// {"command":"sign-in"}: see Node::make_sign_in_link(). The answer is {"link":"http://…"}.
nlohmann::json sign_in_request();

/// {"command":"envelope-keys"}: what the node seals values with, and with what those that there are
/// were sealed. The answer is {"newest":"<id>","values":{"<id>":12,…}}.
nlohmann::json envelope_keys_request();

/// Carries out such a request of the operating system's user `uid`. The answer is an object for
/// people and scripts.
///
/// Errors: malformed, invalid (with what to do instead), and those of the parts.
Result<nlohmann::ordered_json> carry_out(const LedgerParts& parts, const nlohmann::json& request,
                                         unsigned uid);

/// Copies a read model, or a log, into a directory that must not be there, and opens the copy to
/// see that it is good. Errors: invalid, io, damaged.
Result<nlohmann::ordered_json> copy_model(const projections::ReadModel& model,
                                          const std::filesystem::path& directory);
Result<nlohmann::ordered_json> copy_log(const log::EmbeddedLog& log,
                                        const std::filesystem::path& directory);

}  // namespace keyledger
