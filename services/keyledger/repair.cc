#include "services/keyledger/repair.h"

#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/commands/quarantine.h"

namespace keyledger {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Result<void> check_target(const std::filesystem::path& directory) {
  std::error_code ec;
  if (!directory.is_absolute()) return fail(Errc::invalid, "name the directory by its whole path");
  const auto status = std::filesystem::symlink_status(directory, ec);
  if (std::filesystem::exists(status)) {
    return fail(Errc::invalid,
                directory.string() + " is there already: name a directory that is to be made");
  }
  if (!std::filesystem::is_directory(directory.parent_path(), ec)) {
    return fail(Errc::invalid,
                directory.parent_path().string() + " is no directory that can be written to");
  }
  return {};
}

Result<ordered_json> quarantine(const LedgerParts& parts, const json& request, unsigned uid) {
  auto reason = Reason::parse(request.at("reason").get<std::string>());
  if (!reason) return fail(std::move(reason.error()));
  commands::QuarantineWish wish;
  wish.first = Position{request.at("position").get<std::uint64_t>()};
  wish.reason = std::move(*reason);
  wish.actor.subject = "uid:" + std::to_string(uid);
  const auto done = commands::quarantine(parts.log, parts.model, parts.projector.halted(), wish);
  if (!done) return fail(done.error());
  parts.follow(done->fact.last, done->position);

  ordered_json answer{
      {"quarantined", {{"first", done->fact.first.value}, {"last", done->fact.last.value}}},
      {"account", nullptr},
      {"key", nullptr},
      {"position", done->position.value},
      {"halted", nullptr}};
  if (done->fact.account) answer["account"] = done->fact.account->value;
  if (done->fact.key) answer["key"] = done->fact.key->value;
  if (const auto halted = parts.projector.halted()) {
    answer["halted"] = {{"position", halted->event.value_or(Position{}).value},
                        {"reason", halted->why.message}};
  }
  return answer;
}

}  // namespace

json quarantine_request(std::uint64_t position, const std::string& reason) {
  return {{"command", "quarantine"}, {"position", position}, {"reason", reason}};
}

json copy_request(const char* command, const std::filesystem::path& directory) {
  return {{"command", command}, {"directory", directory.string()}};
}

json sign_in_request() { return {{"command", "sign-in"}}; }

json envelope_keys_request() { return {{"command", "envelope-keys"}}; }

Result<ordered_json> carry_out(const LedgerParts& parts, const json& request, unsigned uid) {
  try {
    const auto command = request.at("command").get<std::string>();
    if (command == "quarantine") return quarantine(parts, request, uid);
    const std::filesystem::path directory = request.at("directory").get<std::string>();
    if (command == "checkpoint") return copy_model(parts.model, directory);
    if (command == "backup" && parts.embedded == nullptr) {
      return fail(Errc::invalid,
                  "this node's log is in Kafka: its topics are what is to be copied");
    }
    if (command == "backup") return copy_log(*parts.embedded, directory);
    return fail(Errc::invalid, "this node knows no command " + command);
  } catch (const json::exception&) {
    return fail(Errc::malformed, "this node doesn't understand the request");
  }
}

Result<ordered_json> copy_model(const projections::ReadModel& model,
                                const std::filesystem::path& directory) {
  if (auto free = check_target(directory); !free) return fail(std::move(free.error()));
  if (auto made = model.checkpoint(directory); !made) return fail(std::move(made.error()));
  const auto copy = projections::open_read_model_for_reading(directory);
  if (!copy) return fail(copy.error());
  const auto meta = (*copy)->meta();
  if (!meta) return fail(meta.error());
  return ordered_json{{"directory", directory.string()},
                      {"log_id", meta->log_id},
                      {"position", meta->position.value}};
}

Result<ordered_json> copy_log(const log::EmbeddedLog& log, const std::filesystem::path& directory) {
  if (auto free = check_target(directory); !free) return fail(std::move(free.error()));
  if (auto made = log.back_up(directory); !made) return fail(std::move(made.error()));
  const auto copy = log::open_embedded_log_for_reading(directory);
  if (!copy) return fail(copy.error());
  const auto end = (*copy)->end();
  if (!end) return fail(end.error());
  return ordered_json{{"directory", directory.string()}, {"position", end->value}};
}

}  // namespace keyledger
