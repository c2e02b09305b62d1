#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "services/http/server.h"
#include "services/keyledger/log_options.h"
#include "services/logging/logger.h"
#include "services/security/claims.h"

namespace keyledger {

/// What `keyledger serve` was told by flags, environment and file, checked.
struct ServeConfig {
  std::filesystem::path data_dir = "data";
  LogConfig log;
  std::optional<std::filesystem::path> key_ring;  ///< None: `keyring.json` in the data directory.
  std::vector<std::string> listen{"127.0.0.1:8080"};
  std::vector<std::string> verify_listen;
  std::vector<std::string> roles{"command", "query", "verify", "page"};
  std::string page_account = "local";  ///< Whose owner the sign-in link of `serve` is for,
  std::string page_username = "owner@localhost";  ///< and as whom. Both are well-formed.
  std::filesystem::path tls_certificate;          ///< Empty: listeners take plain text.
  std::filesystem::path tls_key;
  std::string jwks;         ///< The issuer's keys: a file or a URL; empty: no other issuer.
  security::Issuer issuer;  ///< Whose tokens are good beside the deployment's own.
  unsigned throttle_per_minute = 0;          ///< 0: failures aren't throttled.
  std::vector<std::string> trusted_proxies;  ///< Well-formed.
  std::string advertise;                     ///< Empty: the first listen address.
  std::string key_prefix = "kl";
  bool values_once = false;
  unsigned threads = 0;  ///< 0: one per processor.
  std::chrono::milliseconds max_staleness{10'000};
  std::chrono::milliseconds drain_timeout{20'000};
  std::chrono::milliseconds erase_within{600'000};
  std::size_t cache_bytes = std::size_t{256} << 20U;
  http::Limits limits;
  logging::Level log_level = logging::Level::info;

  bool has_role(std::string_view role) const;
};

/// Runs the node until SIGTERM or SIGINT, and returns the process's exit code.
int serve(ServeConfig config);

}  // namespace keyledger
