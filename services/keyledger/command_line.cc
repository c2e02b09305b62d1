#include "services/keyledger/command_line.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "services/keyledger/audit_tools.h"
#include "services/keyledger/config.h"
#include "services/keyledger/key_ring_tools.h"
#include "services/keyledger/option_sources.h"
#include "services/keyledger/options.h"
#include "services/keyledger/repair_tools.h"
#include "services/keyledger/replay.h"
#include "services/keyledger/status.h"
#include "services/keyledger/tools.h"
#include "services/keyledger/topic_tools.h"

namespace keyledger {
namespace {

using Action = std::function<int()>;

/// A token's times are whole seconds.
constexpr std::chrono::seconds kLeastTtl{1};

/// Options are bound to these, which live as long as the parse and the command.
struct Arguments {
  ServeConfig serve;
  TokenArguments token;
  KeyRingArguments key_ring;
  ReplayArguments replay;
  DataDirArguments data;
  RepairArguments repair;
  AuditArguments audit;
  TopicsArguments topics;
  CopyArguments copy;
  StatusArguments status;
};

std::string check_position(const std::string& text) {
  return text == "0" ? "positions count from 1 on" : check_whole_number(text);
}

void add_checked_log_options(CLI::App& app, LogConfig& config) {
  add_log_options(app, config);
  app.callback([&app, &config] { check_log_options(app, config); });
}

void add_topics(CLI::App& root, TopicsArguments& topics, std::map<CLI::App*, Action>& actions) {
  CLI::App* app = root.add_subcommand("topics", "Make or check the topics of a log in Kafka");
  app->require_subcommand(1);
  CLI::App* create = app->add_subcommand("create", "Make those that aren't there, and check all");
  CLI::App* check = app->add_subcommand("check", "Check that no topic's settings would lose facts");
  for (CLI::App* each : {create, check}) {
    add_kafka_options(*each, topics.log);
    each->get_option("--kafka.bootstrap")->required();
  }
  create
      ->add_option("--replication", topics.replication,
                   "Copies of each (default: 3 where there are three brokers, else 1)")
      ->check(CLI::Range(1, 100))
      ->check(check_whole_number);
  actions[create] = [&topics] { return create_topics(topics); };
  actions[check] = [&topics] { return check_topics(topics); };
}

void add_audit(CLI::App& root, AuditArguments& audit, std::map<CLI::App*, Action>& actions) {
  CLI::App* app =
      root.add_subcommand("audit", "Verify the log's history, also while a node serves");
  app->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*action)(const AuditArguments&)) {
    CLI::App* command = app->add_subcommand(name, text);
    command->add_option("--data-dir", audit.data_dir, "The data directory of a node")
        ->capture_default_str();
    actions[command] = [&audit, action] { return action(audit); };
    return command;
  };
  const auto read_log = [&](CLI::App& command) {
    add_checked_log_options(command, audit.log);
    command.add_option("--key-ring", audit.key_ring, "The key ring (default: the node's own)");
  };
  CLI::App* vkey = add("vkey", "Print the key that checkpoints are verified by (C2SP signed-note)",
                       print_verifier_key);
  read_log(*vkey);
  add("checkpoint", "Print the checkpoint that was signed last: keep it for verify --since",
      print_checkpoint);
  CLI::App* verify =
      add("verify", "Compute everything anew from the log, and compare it with what was signed",
          verify_log);
  read_log(*verify);
  verify->add_option("--since", audit.since, "A checkpoint that was kept: a file")
      ->check(CLI::ExistingFile);
  CLI::App* exported =
      add("export",
          "Write tiles, entries and checkpoint as files that verify offline (C2SP tlog-tiles)",
          export_log);
  read_log(*exported);
  for (CLI::App* command : {verify, exported}) {
    command
        ->add_option("--vkey", audit.verifier_key, "What audit vkey printed, instead of a key ring")
        ->excludes("--key-ring");
  }
  exported
      ->add_option("--checkpoint", audit.checkpoint,
                   "Up to this one, a file (default: the one that the node signed last)")
      ->check(CLI::ExistingFile);
  exported->add_option("directory", audit.directory, "Where to; it must be empty or not there yet")
      ->required();
}

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
  add_duration(*token_app, "--ttl", token.ttl, "How long it is good for", kLeastTtl);
  actions[token_app] = [&token] { return print_token(token); };

  KeyRingArguments& ring = arguments.key_ring;
  CLI::App* ring_app = root.add_subcommand("keyring", "Make, rotate and export key rings");
  ring_app->require_subcommand(1);
  CLI::App* init = ring_app->add_subcommand("init", "Make a new key ring");
  CLI::App* rotate = ring_app->add_subcommand(
      "rotate", "Renew envelope, cursor and signing keys; the retired are kept, the pepper stays");
  CLI::App* exported = ring_app->add_subcommand("export", "Print a part of a key ring");
  CLI::App* prune = ring_app->add_subcommand(
      "prune", "Take retired keys out that nothing uses, and print what still uses the others");
  for (CLI::App* app : {init, rotate, exported, prune}) {
    app->add_option("file", ring.file, "The key ring file")->required();
  }
  exported->add_option("--for", ring.purpose, "For whom: verify (the pepper alone)")
      ->required()
      ->check(CLI::IsMember({"verify"}));
  exported->add_option("--out", ring.out, "The file to make (default: standard output)");
  prune
      ->add_option("--data-dir", ring.data_dir,
                   "The data directory of a node that uses it; with Kafka, of a running one")
      ->required();
  prune->add_flag("--tokens", ring.tokens,
                  "Retired signing and cursor keys as well: tokens and cursors that they made are "
                  "refused from the nodes' next SIGHUP on");
  actions[prune] = [&ring] { return prune_key_ring(ring); };
  actions[init] = [&ring] { return init_key_ring(ring); };
  actions[rotate] = [&ring] { return rotate_key_ring(ring); };
  actions[exported] = [&ring] { return export_key_ring(ring); };

  ReplayArguments& replay = arguments.replay;
  CLI::App* replay_app =
      root.add_subcommand("replay", "Print events in order: all, or those that are wanted");
  replay_app->add_option("--data-dir", replay.data_dir, "The data directory")
      ->capture_default_str();
  add_checked_log_options(*replay_app, replay.log);
  replay_app->add_option("--after", replay.after, "Begin after this position")
      ->check(check_whole_number)
      ->capture_default_str();
  replay_app->add_option("--account", replay.account, "Only events of this account");
  replay_app->add_option("--key", replay.key, "Only events of this key");
  replay_app->add_option("--actor", replay.actor, "Only what this subject did");
  replay_app->add_option("--type", replay.type, "Only events of this type, such as KeyRenamed");
  replay_app->add_option("--from", replay.from, "Only events of this RFC 3339 time or later");
  replay_app->add_option("--until", replay.until, "Only events before this RFC 3339 time");
  replay_app->add_option("--format", replay.format, "json, ndjson (one event a line) or csv")
      ->check(CLI::IsMember({"json", "ndjson", "csv"}))
      ->capture_default_str();
  actions[replay_app] = [&replay] { return print_replay(replay); };

  DataDirArguments& data = arguments.data;
  const auto add_data_command = [&](CLI::App* parent, const char* name, const char* text,
                                    int (*action)(const DataDirArguments&)) {
    CLI::App* app = parent->add_subcommand(name, text);
    app->add_option("--data-dir", data.data_dir, "The data directory")->capture_default_str();
    add_checked_log_options(*app, data.log);
    actions[app] = [&data, action] { return action(data); };
  };
  CLI::App* projection =
      root.add_subcommand("projection", "Look at the read model, rebuild, copy or repair it");
  projection->require_subcommand(1);
  add_data_command(projection, "status", "Print position, lag and format", print_projection_status);
  add_data_command(projection, "checksum", "Print the position and a checksum over all rows",
                   print_projection_checksum);
  add_data_command(projection, "rebuild", "Fold the log anew and swap (the node must be stopped)",
                   rebuild_projection);
  CLI::App* log = root.add_subcommand("log", "Look at the log, or copy it");
  log->require_subcommand(1);
  add_data_command(log, "status", "Read every event, and print id and end of the log",
                   print_log_status);

  add_audit(root, arguments.audit, actions);
  add_topics(root, arguments.topics, actions);

  CLI::App* copy = log->add_subcommand(
      "copy", "Copy the log into topics of Kafka that are empty; goes on with what was broken off");
  copy->add_option("--data-dir", arguments.copy.data_dir,
                   "The data directory; no node may run there")
      ->capture_default_str();
  add_kafka_options(*copy, arguments.copy.log);
  copy->get_option("--kafka.bootstrap")->required();
  actions[copy] = [&arguments] { return copy_log_into_kafka(arguments.copy); };

  RepairArguments& repair = arguments.repair;
  const auto add_repair_command = [&](CLI::App* parent, const char* name, const char* text,
                                      int (*action)(const RepairArguments&)) {
    CLI::App* app = parent->add_subcommand(name, text);
    app->add_option("--data-dir", repair.data_dir, "The data directory")->capture_default_str();
    actions[app] = [&repair, action] { return action(repair); };
    return app;
  };
  CLI::App* quarantine =
      add_repair_command(projection, "quarantine",
                         "Pass over the command that the projector is halted at", quarantine_event);
  quarantine->add_option("position", repair.position, "Where it is halted: see /readyz")
      ->required()
      ->check(check_position);
  quarantine->add_option("--reason", repair.reason, "Why; it is kept in the log for ever")
      ->required();
  CLI::App* checkpoint =
      add_repair_command(projection, "checkpoint", "Copy the read model, also while a node serves",
                         checkpoint_projection);
  CLI::App* backup =
      add_repair_command(log, "backup", "Copy the log, also while a node serves", back_up_log);
  for (CLI::App* app : {checkpoint, backup}) {
    app->add_option("directory", repair.directory, "Where to; it must not be there yet")
        ->required();
  }

  StatusArguments& status = arguments.status;
  CLI::App* status_app = root.add_subcommand(
      "status", "Print what a running node knows of its deployment: leader, standbys, replicas");
  status_app->add_option("--data-dir", status.data_dir, "The data directory of that node")
      ->capture_default_str();
  status_app->add_flag("--json", status.as_json, "As JSON");
  actions[status_app] = [&status] { return print_status(status); };
  CLI::App* sign_in = root.add_subcommand(
      "sign-in", "Print a new link that signs in to the page of the node that runs, once");
  sign_in->add_option("--data-dir", repair.data_dir, "The data directory")->capture_default_str();
  actions[sign_in] = [&repair] { return print_sign_in_link(repair); };

  CLI::App* version = root.add_subcommand("version", "Print the version");
  actions[version] = [] {
    std::printf("keyledger %s\n", KEYLEDGER_VERSION);
    return 0;
  };
}

/// Everything that is known of the command line, and what it said once it was parsed.
struct CommandLine {
  CommandLine() : root("keyledger: API keys whose every change is an event", "keyledger") {
    root.require_subcommand(1);
    root.set_version_flag("--version", std::string("keyledger ") + KEYLEDGER_VERSION);
    serve_app = add_serve(root, arguments.serve);
    name_environment_variables(*serve_app);
    actions[serve_app] = [this] { return serve(arguments.serve); };
    add_tools(root, arguments, actions);
  }
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Throws CLI::ParseError, also for what is no error: --help.
  void parse(std::vector<std::string> words) {
    std::ranges::reverse(words);  // CLI11 takes them from the back.
    root.parse(std::move(words));
  }

  int run() const {
    for (const auto& [app, action] : actions) {
      if (app->parsed()) return action();
    }
    std::unreachable();
  }

  CLI::App root;
  Arguments arguments;
  std::map<CLI::App*, Action> actions;
  CLI::App* serve_app = nullptr;
};

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  auto line = std::make_unique<CommandLine>();
  if (words.empty()) {
    std::fputs(line->root.help().c_str(), stderr);
    return 2;
  }
  try {
    line->parse(words);
    if (line->serve_app->parsed()) {
      check_environment(*line->serve_app);
      const auto more = read_option_file(*line->serve_app);
      words.insert(words.end(), more.begin(), more.end());
      line = std::make_unique<CommandLine>();
      line->parse(std::move(words));
      check_log_options(*line->serve_app, line->arguments.serve.log);
    }
  } catch (const CLI::ParseError& error) {
    return line->root.exit(error) == 0 ? 0 : 2;
  }
  return line->run();
}

}  // namespace keyledger
