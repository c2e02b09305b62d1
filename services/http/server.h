#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.h"
#include "services/http/message.h"
#include "services/http/router.h"
#include "services/http/tls.h"
#include "services/http/trusted_proxies.h"

namespace keyledger::http {

struct Limits {
  std::size_t header_bytes = 16 * 1024;
  std::size_t connections = 10'000;  ///< Over all listeners; more are closed at once.
  /// From a request's first byte to its last header byte.
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};  ///< To the last byte of the body.
  std::chrono::milliseconds idle_timeout{75'000};  ///< Between requests.
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds request_timeout{30'000};  ///< What handlers see as their deadline.
  /// Over all connections: the memory of bodies that are arriving, of answers whose readers are
  /// slow, and of streams' pieces that their readers don't take at once. What a usual request needs
  /// (48 KiB) isn't counted; more than that gets a 503, and a stream ends.
  std::size_t body_memory = std::size_t{64} * 1024 * 1024;
  std::size_t answer_memory = std::size_t{256} * 1024 * 1024;
  std::size_t stream_memory = std::size_t{64} * 1024 * 1024;
};

/// What the server tells of each answer, for logs and metrics. Called on the I/O thread: must not
/// block.
struct Exchange {
  const Request& request;
  const Route* route;  ///< Null when none matched.
  unsigned status;
  std::chrono::nanoseconds duration;
  std::string_view log_text;  ///< Why, of an answer from 500 on.
};
using Observer = std::function<void(const Exchange&)>;

/// Counters for metrics. Relaxed; any thread.
struct ServerStats {
  std::atomic<std::uint64_t> connections_accepted{0};
  std::atomic<std::uint64_t> connections_refused{0};
  std::atomic<std::int64_t> connections_open{0};
  std::atomic<std::uint64_t> refused_for_memory{0};  ///< Requests whose body or answer found none.
};

/// An HTTP/1.1 server (RFC 9112) of shared-nothing threads: each has its own event loop, acceptor
/// (SO_REUSEPORT) and connections. A connection is one coroutine.
class Server {
 public:
  struct Endpoint {
    std::string address;  ///< "127.0.0.1:8080", "[::1]:0"; port 0 takes a free one.
    ListenerKind kind = ListenerKind::main;
  };

  /// `position` is asked for every answer's Keyledger-Position header. With `tls`, every listener
  /// speaks TLS and nothing else. Router, observer, position and tls are used until the Server is
  /// gone.
  Server(const Router& router, Limits limits, unsigned threads,
         std::function<std::uint64_t()> position, Observer observer, const ServerTls* tls = nullptr,
         TrustedProxies proxies = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds, once, before start(): who connects waits for it. Errors: unavailable, naming the
  /// address and the reason.
  Result<void> listen(const std::vector<Endpoint>& endpoints);

  /// Serves on what listen() bound.
  void start();

  /// The addresses that are bound, in the order of listen(): "127.0.0.1:43781".
  std::vector<std::string> addresses() const;

  /// Stops accepting, lets what is in flight finish (idle connections are closed; answers say
  /// `Connection: close`), and returns when all connections are closed or `timeout` has passed.
  void drain(std::chrono::milliseconds timeout);

  const ServerStats& stats() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace keyledger::http
