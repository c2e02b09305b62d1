#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <sys/resource.h>

#include "services/keyledger/config.h"
#include "services/keyledger/node.h"
#include "services/logging/logger.h"

namespace keyledger {
namespace {

/// Blocks the signals that a node acts on, in this thread and all that it starts, so that they can
/// be waited for.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// Takes all the file descriptors that the system allows, and leaves half of them to the log and
/// the read model: RocksDB halts for good where it can't open a file, and no client may bring that
/// about.
void bound_connections(ServeConfig& config, logging::Logger& logger) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const rlimit wanted{files.rlim_max, files.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) files = wanted;
  if (files.rlim_cur == RLIM_INFINITY || config.limits.connections <= files.rlim_cur / 2) return;
  config.limits.connections = files.rlim_cur / 2;
  logger.warn("fewer connections than --max-connections: the limit of open files is too low",
              {{"connections", std::uint64_t{config.limits.connections}},
               {"open_files", std::uint64_t{files.rlim_cur}}});
}

constexpr timespec kOpenAgainAfter{1, 0};

/// A node whose log was opened: brokers that don't answer are waited for. None after a signal, with
/// which no error comes.
Result<std::unique_ptr<Node>> open_node(const ServeConfig& config, logging::Logger& logger,
                                        const sigset_t& signals) {
  for (;;) {
    auto node = std::make_unique<Node>(config, logger);
    const auto opened = node->open();
    if (opened) return node;
    if (opened.error().code != Errc::unavailable) return fail(opened.error());
    logger.warn("waiting for the log", {{"error", opened.error().message}});
    node.reset();
    const int signal = sigtimedwait(&signals, nullptr, &kOpenAgainAfter);
    if (signal > 0 && signal != SIGHUP) return nullptr;  // All is read anew as it is.
  }
}

}  // namespace

bool ServeConfig::has_role(std::string_view role) const {
  return std::ranges::find(roles, role) != roles.end();
}

int serve(ServeConfig config) {
  const sigset_t signals = block_signals();
  logging::Logger logger(config.log_level);
  bound_connections(config, logger);
  const auto node = open_node(config, logger, signals);
  if (!node) {
    logger.error("can't start", {{"error", node.error().message}});
    return 1;
  }
  if (!*node) {
    logger.info("stopped");
    return 0;
  }
  if (const auto started = (*node)->start(); !started) {
    logger.error("can't start", {{"error", started.error().message}});
    return 1;
  }
  const auto addresses = (*node)->server().addresses();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const bool main = i < config.listen.size();
    std::printf("%s %s://%s\n", main ? "Listening on" : "Listening for validation on",
                (*node)->scheme(), addresses[i].c_str());
    logger.info("listening",
                {{"address", addresses[i]}, {"for", main ? "everything" : "validation"}});
  }
  if (const auto link = (*node)->make_sign_in_link()) std::printf("Sign in: %s\n", link->c_str());
  std::fflush(stdout);

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) (*node)->reload();
  logger.info("draining", {{"signal", std::int64_t{signal}}});
  (*node)->stop();
  logger.info("stopped");
  return 0;
}

}  // namespace keyledger
