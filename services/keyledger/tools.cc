#include "services/keyledger/tools.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "events/log/codec.h"
#include "events/time.h"
#include "projections/projector.h"
#include "projections/read_model.h"
#include "projections/rebuild.h"
#include "services/api/admission.h"
#include "services/audit/entries.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/progress.h"
#include "services/keyledger/tool_output.h"
#include "services/security/key_ring.h"
#include "services/security/token.h"

namespace keyledger {

int print_token(const TokenArguments& arguments) {
  const auto file =
      arguments.key_ring.empty() ? DataDir(arguments.data_dir).key_ring() : arguments.key_ring;
  const auto ring = security::KeyRing::load(file);
  if (!ring) return failed(ring.error());

  security::Principal principal;
  if (!arguments.account.empty()) {
    auto account = AccountId::parse(arguments.account);
    if (!account) return misused("--account " + account.error().message);
    principal.account = std::move(*account);
  }
  if (!arguments.username.empty()) {
    auto username = Username::parse(arguments.username);
    if (!username) return misused("--username " + username.error().message);
    principal.username = std::move(*username);
  }
  principal.subject = !arguments.subject.empty()    ? arguments.subject
                      : !arguments.username.empty() ? arguments.username
                                                    : arguments.account;
  if (principal.subject.empty()) return misused("name a --subject, a --username or an --account");
  std::string_view names = arguments.scope;
  if (names.empty()) {
    names = "keys:read keys:write keys:reveal audit:read events:read accounts:write";
  }
  while (!names.empty()) {
    const auto space = names.find(' ');
    const auto name = names.substr(0, space);
    names = space == std::string_view::npos ? "" : names.substr(space + 1);
    if (name.empty()) continue;
    const auto scope = security::parse_scope(name);
    if (!scope) return misused("--scope: there is no scope " + std::string(name));
    principal.scopes |= static_cast<unsigned>(*scope);
  }
  if (!principal.account && !principal.has(security::Scope::accounts_any)) {
    return misused("name an --account, or the scope accounts:any");
  }
  const auto token = security::sign_token(*ring, principal, api::now(),
                                          std::chrono::ceil<std::chrono::seconds>(arguments.ttl));
  if (!token) return failed(token.error());
  print_line(*token);
  return finished();
}

int print_projection_status(const DataDirArguments& arguments) {
  const DataDir data(arguments.data_dir);
  const auto model = projections::open_read_model_for_reading(data.read_model());
  if (!model) return failed(model.error());
  const auto log = open_log_for_reading(arguments.log, data);
  if (!log) return failed(log.error());
  const auto meta = (*model)->meta();
  if (!meta) return failed(meta.error());
  const auto end = (*log)->end();
  if (!end) return failed(end.error());
  // The log is opened after the model, so that it can't be the older of the two.
  nlohmann::ordered_json status{{"position", meta->position.value},
                                {"log_end", end->value},
                                {"lag", end->value - std::min(end->value, meta->position.value)},
                                {"log_id", meta->log_id},
                                {"format", meta->format},
                                {"term", meta->term.value},
                                {"last_event_time", format_instant(meta->last_event_time)}};
  print_line(status.dump());
  return finished();
}

int print_projection_checksum(const DataDirArguments& arguments) {
  const auto model =
      projections::open_read_model_for_reading(DataDir(arguments.data_dir).read_model());
  if (!model) return failed(model.error());
  const auto checksum = (*model)->checksum();
  if (!checksum) return failed(checksum.error());
  print_line(std::to_string(checksum->position.value) + " " + checksum->hex);
  return finished();
}

int rebuild_projection(const DataDirArguments& arguments) {
  const DataDir data(arguments.data_dir);
  const auto log = open_log_for_reading(arguments.log, data);
  if (!log) return failed(log.error());
  ProgressLine line("rebuild");
  const auto rebuilt = projections::rebuild_read_model(**log, data.read_model(), line.callback());
  line.end();
  if (!rebuilt) return failed(rebuilt.error());
  return print_projection_checksum(arguments);
}

int print_log_status(const DataDirArguments& arguments) {
  const auto log = open_log_for_reading(arguments.log, DataDir(arguments.data_dir));
  if (!log) return failed(log.error());
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::string log_id;
  Position last;
  const auto read = audit::for_each_event(**log, Position{}, [&](const log::StoredEvent& stored) {
    if (events == 0) {
      const auto first = log::decode(stored.bytes);
      const auto* event = first ? std::get_if<Event>(&*first) : nullptr;
      const auto* created = event != nullptr ? std::get_if<LedgerCreated>(&event->fact) : nullptr;
      if (created != nullptr) log_id = created->log_id;
    }
    ++events;
    bytes += stored.bytes.size();
    last = stored.position;
    return true;
  });
  nlohmann::ordered_json status{
      {"log_id", log_id}, {"end", last.value}, {"events", events}, {"bytes", bytes}};
  print_line(status.dump());
  const int written = finished();
  return read ? written : failed(read.error());
}

}  // namespace keyledger
