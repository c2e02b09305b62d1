#include "services/keyledger/replay.h"

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "events/log/codec.h"
#include "events/time.h"
#include "services/audit/entries.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/tool_output.h"
#include "services/queries/trail.h"

namespace keyledger {
namespace {

using log::DecodedEvent;
using log::StoredEvent;

/// What the arguments want, of events that can be read.
struct Wanted {
  const ReplayArguments& arguments;
  std::optional<Instant> from;
  std::optional<Instant> until;

  bool is(const DecodedEvent& decoded) const {
    const auto* known = std::get_if<Event>(&decoded);
    const auto named = [](const std::string& wish, const auto& id) {
      return wish.empty() || (id && id->value == wish);
    };
    const bool by_actor =
        arguments.actor.empty() || (known != nullptr && known->actor.subject == arguments.actor);
    return by_actor &&
           (arguments.type.empty() || queries::bare_type(arguments.type) == type(decoded)) &&
           std::visit(
               [&](const auto& event) {
                 return named(arguments.account, event.account) &&
                        named(arguments.key, event.key) && (!from || event.time >= *from);
               },
               decoded);
  }

 private:
  static std::string_view type(const DecodedEvent& decoded) {
    const auto* known = std::get_if<Event>(&decoded);
    if (known != nullptr) return type_name(known->fact);
    return queries::bare_type(std::get<log::UnknownEvent>(decoded).type);
  }
};

/// Prints events in one of the forms of the audit trail.
class Printer {
 public:
  explicit Printer(std::string_view format) : is_json_(format == "json"), is_csv_(format == "csv") {
    if (is_json_) print("{\"events\":[");
    if (is_csv_) print(queries::csv_header());
  }

  Result<void> event(const StoredEvent& stored) {
    if (is_csv_) {
      const auto row = queries::csv_row({stored.position, stored.bytes});
      if (!row) return fail(row.error());
      print(*row);
      return {};
    }
    object("{\"position\":" + std::to_string(stored.position.value) + "," + stored.bytes.substr(1));
    return {};
  }

  /// Bytes that are no event. A table has no row for them.
  void unreadable(const StoredEvent& stored) {
    if (is_csv_) return;
    const nlohmann::ordered_json line{{"position", stored.position.value},
                                      {"unreadable", stored.bytes}};
    object(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  void end() {
    if (is_json_) print_line("]}");
  }

 private:
  void object(std::string_view text) {
    if (!is_json_) return print_line(text);
    if (std::exchange(has_any_, true)) print(",");
    print(text);
  }

  const bool is_json_;
  const bool is_csv_;
  bool has_any_ = false;
};

Result<std::optional<Instant>> read_time(const char* option, const std::string& text) {
  if (text.empty()) return std::optional<Instant>{};
  const auto parsed = parse_instant(text);
  if (parsed) return std::optional(*parsed);
  return fail(Errc::malformed, std::string(option) + ": " + parsed.error().message);
}

}  // namespace

int print_replay(const ReplayArguments& arguments) {
  const auto from = read_time("--from", arguments.from);
  if (!from) return misused(from.error().message);
  const auto until = read_time("--until", arguments.until);
  if (!until) return misused(until.error().message);
  const auto log = open_log_for_reading(arguments.log, DataDir(arguments.data_dir));
  if (!log) return failed(log.error());

  const Wanted wanted{arguments, *from, *until};
  Printer printer(arguments.format);
  Result<void> printed;
  std::map<Position, Error> unreadable;  // But for those that were quarantined.
  const auto take = [&](const StoredEvent& stored) {
    const auto decoded = log::decode(stored.bytes);
    if (!decoded) {
      unreadable.emplace(stored.position, decoded.error());
      printer.unreadable(stored);
      return true;
    }
    const auto* known = std::get_if<Event>(&*decoded);
    const auto* fact = known != nullptr ? std::get_if<EventQuarantined>(&known->fact) : nullptr;
    if (fact != nullptr) {
      unreadable.erase(unreadable.lower_bound(fact->first), unreadable.upper_bound(fact->last));
    }
    const Instant time = std::visit([](const auto& event) { return event.time; }, *decoded);
    if (wanted.until && time >= *wanted.until) return false;
    if (wanted.is(*decoded)) printed = printer.event(stored);
    return printed.has_value();
  };
  const auto read = audit::for_each_event(**log, Position{arguments.after}, take);
  printer.end();
  const int written = finished();
  if (!printed) return failed(printed.error());
  if (!read) return failed(read.error());
  if (!unreadable.empty()) {
    const auto& [position, error] = *unreadable.begin();
    return failed(
        {error.code, "position " + std::to_string(position.value) + ": " + error.message, {}});
  }
  return written;
}

}  // namespace keyledger
