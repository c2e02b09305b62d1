#include "services/keyledger/command_line.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "events/key_value.h"
#include "services/keyledger/config.h"
#include "services/keyledger/tools.h"

namespace keyledger {
namespace {

/// A CLI11 type of "500ms", "10s", "2m", "1h", "1d", in milliseconds.
CLI::AsNumberWithUnit duration_unit() {
  const std::map<std::string, std::int64_t> units{
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  constexpr auto kOptions = static_cast<CLI::AsNumberWithUnit::Options>(
      CLI::AsNumberWithUnit::CASE_SENSITIVE | CLI::AsNumberWithUnit::UNIT_REQUIRED);
  return CLI::AsNumberWithUnit(units, kOptions, "DURATION");
}

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& out,
                          const std::string& text) {
  const auto value = std::to_string(out.count());
  return app
      .add_option_function<std::int64_t>(
          name, [&out](std::int64_t count) { out = std::chrono::milliseconds(count); }, text)
      ->transform(duration_unit())
      ->type_name("DURATION")
      ->default_str(value + "ms");
}

std::string check_prefix(const std::string& prefix) {
  return is_key_prefix(prefix) ? "" : "must be a letter and up to 15 letters and digits";
}

/// Gives every option of `app` its environment variable: --data-dir is KEYLEDGER_DATA_DIR.
void read_environment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    std::string name = "KEYLEDGER_" + option->get_lnames().front();
    if (name == "KEYLEDGER_help") continue;
    for (char& c : name) c = c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(c));
    option->envname(name);
  }
}

CLI::App* add_serve(CLI::App& root, ServeConfig& config) {
  CLI::App* serve = root.add_subcommand("serve", "Run a node until SIGTERM");
  serve->set_config("--config", "", "Read options from a TOML file");
  serve->allow_config_extras(CLI::config_extras_mode::error);
  serve->add_option("--data-dir", config.data_dir, "Where log and read model are kept")
      ->capture_default_str();
  serve->add_option("--key-ring", config.key_ring,
                    "The key ring; made as keyring.json in the data directory where none is named");
  serve->add_option("--listen", config.listen, "Address and port to serve on; port 0: a free one")
      ->capture_default_str()
      ->take_all();
  serve
      ->add_option("--verify-listen", config.verify_listen,
                   "Address and port that serve validation alone, without tokens")
      ->take_all();
  serve->add_option("--roles", config.roles, "What this node does: command, query, verify")
      ->delimiter(',')
      ->check(CLI::IsMember({"command", "query", "verify"}))
      ->capture_default_str();
  serve->add_option("--log", "Where events are kept: embedded")
      ->check(CLI::IsMember({"embedded"}))
      ->default_str("embedded");
  serve->add_option("--threads", config.threads, "I/O threads; 0: one per processor")
      ->check(CLI::Range(0U, 256U))
      ->capture_default_str();
  serve->add_option("--advertise", config.advertise,
                    "URL where others reach this node (default: the listen address)");
  serve->add_option("--key-prefix", config.key_prefix, "What key values begin with")
      ->check(check_prefix)
      ->capture_default_str();
  serve
      ->add_option_function<std::string>(
          "--values", [&config](const std::string& mode) { config.values_once = mode == "once"; },
          "Whether a key's value can be read again: recoverable or once")
      ->check(CLI::IsMember({"recoverable", "once"}))
      ->default_str("recoverable");
  add_duration(*serve, "--max-staleness", config.max_staleness,
               "How long a node that no longer follows the log goes on validating");
  add_duration(*serve, "--drain-timeout", config.drain_timeout,
               "How long SIGTERM waits for requests in flight");
  add_duration(*serve, "--request-timeout", config.limits.request_timeout,
               "How long a request may take");
  add_duration(*serve, "--header-timeout", config.limits.header_timeout,
               "How long a request's header may take to arrive");
  add_duration(*serve, "--body-timeout", config.limits.body_timeout,
               "How long a request's body may take to arrive");
  add_duration(*serve, "--idle-timeout", config.limits.idle_timeout,
               "How long an idle connection is kept");
  serve
      ->add_option("--max-connections", config.limits.connections,
                   "Connections at once; more are closed")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->capture_default_str();
  serve
      ->add_option("--cache-size", config.cache_bytes,
                   "Memory for the read model's caches, e.g. 512MB")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("256MB");
  const std::map<std::string, logging::Level> levels{{"debug", logging::Level::debug},
                                                     {"info", logging::Level::info},
                                                     {"warn", logging::Level::warn},
                                                     {"error", logging::Level::error}};
  serve->add_option("--log-level", config.log_level, "debug, info, warn or error")
      ->transform(CLI::CheckedTransformer(levels))
      ->default_str("info");
  return serve;
}

using Action = std::function<int()>;

/// Options are bound to these, which live as long as the parse and the command.
struct Arguments {
  ServeConfig serve;
  TokenArguments token;
  KeyRingArguments key_ring;
  ReplayArguments replay;
  DataDirArguments data;
};

void add_tools(CLI::App& root, Arguments& arguments, std::map<CLI::App*, Action>& actions) {
  TokenArguments& token = arguments.token;
  CLI::App* token_app = root.add_subcommand("token", "Print a bearer token for the management API");
  auto* from = token_app->add_option_group("key ring", "Where the signing key comes from");
  from->add_option("--data-dir", token.data_dir, "The data directory of a node");
  from->add_option("--key-ring", token.key_ring, "A key ring file");
  from->require_option(1);
  token_app->add_option("--account", token.account, "The account whose rights it carries");
  token_app->add_option("--username", token.username, "The sign-in name of the account");
  token_app->add_option("--subject", token.subject, "Who holds it (default: the username)");
  token_app->add_option("--scope", token.scope,
                        "Space-separated (default: all but keys:verify and accounts:any)");
  token.ttl = std::chrono::hours(1);
  add_duration(*token_app, "--ttl", token.ttl, "How long it is good for");
  actions[token_app] = [&token] { return print_token(token); };

  KeyRingArguments& ring = arguments.key_ring;
  CLI::App* ring_app = root.add_subcommand("keyring", "Make, rotate and export key rings");
  ring_app->require_subcommand(1);
  CLI::App* init = ring_app->add_subcommand("init", "Make a new key ring");
  CLI::App* rotate = ring_app->add_subcommand(
      "rotate", "Renew envelope, cursor and signing keys; the retired are kept, the pepper stays");
  CLI::App* exported = ring_app->add_subcommand("export", "Print a part of a key ring");
  for (CLI::App* app : {init, rotate, exported}) {
    app->add_option("file", ring.file, "The key ring file")->required();
  }
  exported->add_option("--for", ring.purpose, "For whom: verify (the pepper alone)")
      ->required()
      ->check(CLI::IsMember({"verify"}));
  exported->add_option("--out", ring.out, "The file to make (default: standard output)");
  actions[init] = [&ring] { return init_key_ring(ring); };
  actions[rotate] = [&ring] { return rotate_key_ring(ring); };
  actions[exported] = [&ring] { return export_key_ring(ring); };

  ReplayArguments& replay = arguments.replay;
  CLI::App* replay_app = root.add_subcommand("replay", "Print events as JSON lines, in order");
  replay_app->add_option("--data-dir", replay.data_dir, "The data directory")
      ->capture_default_str();
  replay_app->add_option("--after", replay.after, "Begin after this position")
      ->capture_default_str();
  replay_app->add_option("--account", replay.account, "Only events of this account");
  replay_app->add_option("--key", replay.key, "Only events of this key");
  replay_app->add_option("--until", replay.until, "Only events before this RFC 3339 time");
  actions[replay_app] = [&replay] { return print_replay(replay); };

  DataDirArguments& data = arguments.data;
  const auto add_data_command = [&](CLI::App* parent, const char* name, const char* text,
                                    int (*action)(const DataDirArguments&)) {
    CLI::App* app = parent->add_subcommand(name, text);
    app->add_option("--data-dir", data.data_dir, "The data directory")->capture_default_str();
    actions[app] = [&data, action] { return action(data); };
  };
  CLI::App* projection = root.add_subcommand("projection", "Look at the read model, or rebuild it");
  projection->require_subcommand(1);
  add_data_command(projection, "status", "Print position, lag and format", print_projection_status);
  add_data_command(projection, "checksum", "Print the position and a checksum over all rows",
                   print_projection_checksum);
  add_data_command(projection, "rebuild", "Fold the log anew and swap (the node must be stopped)",
                   rebuild_projection);
  CLI::App* log = root.add_subcommand("log", "Look at the log");
  log->require_subcommand(1);
  add_data_command(log, "status", "Read every event, and print id and end of the log",
                   print_log_status);

  CLI::App* version = root.add_subcommand("version", "Print the version");
  actions[version] = [] {
    std::printf("keyledger %s\n", KEYLEDGER_VERSION);
    return 0;
  };
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CLI::App root("keyledger: API keys whose every change is an event", "keyledger");
  root.require_subcommand(1);
  root.set_version_flag("--version", std::string("keyledger ") + KEYLEDGER_VERSION);
  Arguments arguments;
  std::map<CLI::App*, Action> actions;
  CLI::App* serve_app = add_serve(root, arguments.serve);
  read_environment(*serve_app);
  actions[serve_app] = [&arguments] { return serve(arguments.serve); };
  add_tools(root, arguments, actions);

  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& [app, action] : actions) {
    if (app->parsed()) return action();
  }
  return 2;
}

}  // namespace keyledger
