#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "events/result.h"

namespace boost::asio::ssl {
class context;  // NOLINT(readability-identifier-naming): the name that Asio gives it.
}

namespace keyledger::http {

/// What a server's listeners speak TLS with: 1.2 and newer, forward secrecy and authenticated
/// ciphers alone (RFC 9325). Thread safety: all members, from any thread.
class ServerTls {
 public:
  using Context = std::shared_ptr<boost::asio::ssl::context>;

  /// `certificate` is a PEM file with the server's certificate first and then those of the
  /// authorities between it and a root; `key` its private key, PEM without a passphrase. Errors:
  /// incompatible, naming the file.
  static Result<std::unique_ptr<ServerTls>> load(std::filesystem::path certificate,
                                                 std::filesystem::path key);

  /// Reads both files again, for connections from now on. Changes nothing on an error.
  Result<void> reload();

  /// For one connection: it stays as it is. Shared with all connections that were begun with it.
  Context context() const;

 private:
  ServerTls(std::filesystem::path certificate, std::filesystem::path key);
  Result<Context> read() const;

  const std::filesystem::path certificate_;
  const std::filesystem::path key_;
  mutable std::mutex mutex_;
  Context context_;  ///< Guarded by mutex_.
};

}  // namespace keyledger::http
