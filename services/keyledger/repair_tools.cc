#include "services/keyledger/repair_tools.h"

#include <cstdio>
#include <functional>
#include <optional>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/keyledger/admin_client.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/progress.h"
#include "services/keyledger/read_model_start.h"
#include "services/keyledger/repair.h"
#include "services/keyledger/tool_output.h"

namespace keyledger {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

int print(const Result<ordered_json>& answer) {
  if (!answer) return failed(answer.error());
  std::printf("%s\n", answer->dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  return finished();
}

/// Opens what is there: a wrong --data-dir must not make a ledger.
Result<std::unique_ptr<log::EmbeddedLog>> open_log(const DataDir& data) {
  std::error_code ec;
  if (!std::filesystem::exists(data.log() / "CURRENT", ec)) {
    return fail(Errc::not_found,
                "there is no log in " + data.log().string() + ": name the right --data-dir");
  }
  return log::open_embedded_log(data.log());
}

Result<ordered_json> quarantine_here(const DataDir& data, const json& request) {
  auto log = open_log(data);
  if (!log) return fail(std::move(log.error()));
  ProgressLine line("catching up");
  auto model = open_or_rebuild_read_model(**log, data.read_model(), {}, line, [](const Error&) {});
  if (!model) return fail(std::move(model.error()));
  projections::Projector projector(**log, **model, [](const Error&) {});
  const auto catch_up = [&] {
    auto caught_up = projector.catch_up(line.callback());
    line.end();
    return caught_up;
  };
  // What keeps it from going on is told by projector.halted().
  auto caught_up = catch_up();
  if (!caught_up && !projector.halted()) return fail(std::move(caught_up.error()));
  const LedgerParts parts{**log, log->get(), **model, projector,
                          [&](Position, Position) { caught_up = catch_up(); }};
  return carry_out(parts, request, getuid());
}

std::filesystem::path whole_path(const std::filesystem::path& path) {
  auto whole = std::filesystem::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

}  // namespace

int quarantine_event(const RepairArguments& arguments) {
  if (const auto reason = Reason::parse(arguments.reason); !reason) {
    std::fprintf(stderr, "keyledger: --reason: %s\n", reason.error().message.c_str());
    return 2;
  }
  const DataDir data(arguments.data_dir);
  const json request = quarantine_request(arguments.position, arguments.reason);
  auto answer = ask_node(data, request);
  return print(answer ? std::move(*answer) : quarantine_here(data, request));
}

int checkpoint_projection(const RepairArguments& arguments) {
  const DataDir data(arguments.data_dir);
  const auto directory = whole_path(arguments.directory);
  if (const auto answer = ask_node(data, copy_request("checkpoint", directory))) {
    return print(*answer);
  }
  std::error_code ec;
  if (!std::filesystem::exists(data.read_model() / "CURRENT", ec)) {
    return failed(
        {Errc::not_found,
         "there is no read model in " + data.read_model().string() + ": name the right --data-dir",
         {}});
  }
  const auto model = projections::open_read_model(data.read_model());
  return model ? print(copy_model(**model, directory)) : failed(model.error());
}

int back_up_log(const RepairArguments& arguments) {
  const DataDir data(arguments.data_dir);
  const auto directory = whole_path(arguments.directory);
  if (const auto answer = ask_node(data, copy_request("backup", directory))) return print(*answer);
  const auto log = open_log(data);
  return log ? print(copy_log(**log, directory)) : failed(log.error());
}

int print_sign_in_link(const RepairArguments& arguments) {
  const DataDir data(arguments.data_dir);
  const auto answer = ask_node(data, sign_in_request());
  if (!answer) {
    return failed({Errc::unavailable,
                   "no node runs on " + data.root().string() + ": name the right --data-dir",
                   {}});
  }
  if (!*answer) return failed(answer->error());
  std::printf("%s\n", (*answer)->value("link", "").c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace keyledger
