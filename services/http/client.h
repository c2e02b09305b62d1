#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "events/result.h"

namespace keyledger::http {

/// A request to another server.
struct ClientRequest {
  std::string method;
  std::string target;                                        ///< Path and query.
  std::vector<std::pair<std::string, std::string>> headers;  ///< Without Host and Content-Length.
  std::string body;
};

struct ClientResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The value of the first header `name` (compared without regard to case); empty if absent.
  std::string_view header(std::string_view name) const;
};

/// An HTTP/1.1 client that keeps its connections. With https it speaks TLS 1.2 or newer, and only
/// with who has a certificate for that very host by an authority that the system trusts (OpenSSL's
/// own places: SSL_CERT_FILE and SSL_CERT_DIR name others). Thread safety: send() from any
/// coroutine.
class Client {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends `request` to `origin` ("http://host:port", "https://host") once, and returns the whole
  /// answer. All references are used until it has ended, this Client included.
  ///
  /// Errors: invalid (`origin` is none), unavailable (nothing was sent), outcome_unknown (it was
  /// sent, or a part of it, and no whole answer came until `deadline`).
  boost::asio::awaitable<Result<ClientResponse>> send(std::string origin, ClientRequest request,
                                                      Deadline deadline);

  /// Closes the connections that are kept: before the executors go that they were made on.
  void close_idle();

 private:
  struct Connection;
  struct Trust;
  /// By the executor's context and the origin: a connection stays in its thread.
  using Key = std::pair<const void*, std::string>;

  std::unique_ptr<Connection> take(const Key& key);
  void keep(const Key& key, std::unique_ptr<Connection> connection);

  Trust& trust();

  std::once_flag trust_read_;
  std::unique_ptr<Trust> trust_;  ///< Made when it is first needed.
  std::mutex mutex_;
  std::map<Key, std::vector<std::unique_ptr<Connection>>> idle_;  ///< Guarded by mutex_.
};

}  // namespace keyledger::http
