#include "services/keyledger/status.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "events/log/boot_clock.h"
#include "events/time.h"
#include "services/keyledger/admin_client.h"
#include "services/keyledger/tool_output.h"

namespace keyledger {
namespace {

using nlohmann::ordered_json;

std::uint64_t behind(Position end, Position position) {
  return end > position ? end.value - position.value : 0;
}

ordered_json leader(const StatusSources& sources, ordered_json& errors) {
  const auto meta = sources.model.meta();
  if (!meta) {
    errors.push_back(meta.error().message);
    return nullptr;
  }
  if (meta->term.value.empty()) return nullptr;
  return {{"node", meta->writer.node}, {"url", meta->writer.url}, {"term", meta->term.value}};
}

ordered_json candidates(const StatusSources& sources, ordered_json& errors) {
  if (!sources.candidates) return ordered_json::array();
  const auto found = sources.candidates();
  if (!found) {
    errors.push_back(found.error().message);
    return nullptr;
  }
  ordered_json list = ordered_json::array();
  for (const log::Candidate& candidate : *found) {
    list.push_back(
        {{"node", candidate.node}, {"host", candidate.host}, {"elected", candidate.is_elected}});
  }
  return list;
}

ordered_json replica(const log::KnownReplica& known, Position end) {
  using std::chrono::milliseconds;
  const auto age = log::BootClock::now() - known.read_at;
  const auto left = std::chrono::duration_cast<milliseconds>(known.replica.lease - age);
  return {{"node", known.replica.node},
          {"url", known.replica.url},
          {"roles", known.replica.roles},
          {"position", known.replica.position.value},
          {"behind", behind(end, known.replica.position)},
          {"announced_at", format_instant(known.announced_at)},
          {"lease_ms", known.replica.lease.count()},
          {"lease_left_ms", std::max(left, milliseconds{0}).count()}};
}

ordered_json replicas(const StatusSources& sources, Position end, ordered_json& errors) {
  if (sources.registry == nullptr) return ordered_json::array();
  auto known = sources.registry->read_to_end();
  if (!known) {
    errors.push_back(known.error().message);
    return nullptr;
  }
  std::ranges::sort(*known, {}, [](const auto& it) { return it.replica.node; });
  ordered_json list = ordered_json::array();
  for (const log::KnownReplica& it : *known) list.push_back(replica(it, end));
  return list;
}

std::string word(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string joined(const ordered_json& words, std::string_view between) {
  std::string text;
  for (const auto& each : words) text += (text.empty() ? "" : std::string(between)) + word(each);
  return text;
}

std::string seconds(std::int64_t ms) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1000);
  return text.data();
}

std::string standbys(const ordered_json& status) {
  const auto& candidates = status["candidates"];
  if (candidates.is_null()) return "unknown";
  std::string text;
  for (const auto& it : candidates) {
    if (!status["leader"].is_null() && it["node"] == status["leader"]["node"]) continue;
    text += (text.empty() ? "" : ", ") + word(it["node"]) + " (" + word(it["host"]) +
            (it["elected"] == true ? ", elected, doesn't lead yet)" : ")");
  }
  return text.empty() ? "none" : text;
}

/// Columns as wide as their widest cell.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += " " + row[i] + std::string(widths[i] - row[i].size() + 1, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace

nlohmann::json status_request() { return {{"command", "status"}}; }

ordered_json deployment_status(const StatusSources& sources) {
  ordered_json errors = ordered_json::array();
  Position end = sources.log.known_end();
  if (const auto asked = sources.log.end()) {
    end = *asked;
  } else {
    errors.push_back(asked.error().message);
  }
  const auto meta = sources.model.meta();
  ordered_json status{
      {"log", {{"kind", sources.log_kind}, {"id", meta ? meta->log_id : ""}, {"end", end.value}}},
      {"leader", leader(sources, errors)},
      {"candidates", candidates(sources, errors)},
      {"replicas", replicas(sources, end, errors)},
      {"node",
       {{"node", sources.node},
        {"url", sources.url},
        {"roles", sources.roles},
        {"version", KEYLEDGER_VERSION},
        {"position", sources.position.value},
        {"behind", behind(end, sources.position)},
        {"ready", sources.reasons.empty()},
        {"reasons", sources.reasons}}}};
  status["errors"] = std::move(errors);
  return status;
}

std::string status_text(const ordered_json& status) {
  const auto& log = status["log"];
  const auto& node = status["node"];
  const auto& leader = status["leader"];
  std::string text = "log        " + word(log["kind"]) + " " + word(log["id"]) + ", ends at " +
                     word(log["end"]) + "\n";
  text += "leader     " +
          (leader.is_null() ? "none is known"
                            : word(leader["node"]) + " at " + word(leader["url"]) + ", term " +
                                  word(leader["term"])) +
          "\n";
  if (log["kind"] == "kafka") text += "standbys   " + standbys(status) + "\n";
  text += "this node  " + word(node["node"]) + " (" + joined(node["roles"], ",") + "), keyledger " +
          word(node["version"]) + ", at " + word(node["position"]) + ", " + word(node["behind"]) +
          " behind, " + (node["ready"] == true ? "ready" : "not ready") + "\n";
  for (const auto& reason : node["reasons"]) text += "           " + word(reason) + "\n";
  if (status["replicas"].is_null()) {
    text += "replicas   unknown\n";
  } else if (!status["replicas"].empty()) {
    std::vector<std::vector<std::string>> rows{
        {"NODE", "ROLES", "POSITION", "BEHIND", "LEASE", "URL"}};
    for (const auto& it : status["replicas"]) {
      const auto left = it["lease_left_ms"].get<std::int64_t>();
      rows.push_back(
          {word(it["node"]), word(it["roles"]), word(it["position"]), word(it["behind"]),
           left > 0 ? seconds(left) + " left" : "ended, since " + word(it["announced_at"]),
           word(it["url"])});
    }
    text += "replicas   as each last said, every third of its lease\n" + table(rows);
  }
  for (const auto& error : status["errors"]) text += "error      " + word(error) + "\n";
  return text;
}

int print_status(const StatusArguments& arguments) {
  const DataDir data(arguments.data_dir);
  const auto answer = ask_node(data, status_request());
  if (!answer) {
    return failed({Errc::not_found,
                   "no node runs on " + data.root().string() +
                       ": name its --data-dir, or see what lies there with keyledger projection "
                       "status",
                   {}});
  }
  if (!*answer) return failed(answer->error());
  const std::string text =
      arguments.as_json
          ? (*answer)->dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n"
          : status_text(**answer);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return finished();
}

}  // namespace keyledger
