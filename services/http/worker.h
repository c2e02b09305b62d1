#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "services/http/memory_budget.h"
#include "services/http/router.h"
#include "services/http/server.h"
#include "services/http/trusted_proxies.h"

namespace keyledger::http {

class Connection;

/// What all workers share. Outlives them.
struct ServerContext {
  const Router& router;
  Limits limits;
  std::function<std::uint64_t()> position;
  Observer observer;
  ServerStats stats{};
  const ServerTls* tls = nullptr;  ///< Null where listeners take plain text.
  TrustedProxies proxies{};
  MemoryBudget body_memory{limits.body_memory};
  MemoryBudget answer_memory{limits.answer_memory};
  MemoryBudget stream_memory{limits.stream_memory};
};

/// One thread of the server: an event loop with its own acceptors and connections. Nothing of it is
/// shared with other workers.
///
/// Thread safety: drain(), abandon() and finished() from any thread; add_acceptor(), start() and
/// join() from the owner; the rest on its own thread.
class Worker {
 public:
  explicit Worker(ServerContext& context);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  boost::asio::io_context& io() { return io_; }

  /// Before start().
  void add_acceptor(boost::asio::ip::tcp::acceptor acceptor, ListenerKind kind);
  void start();

  /// Stops accepting and ends idle connections; the loop ends when the last connection has.
  void drain();
  /// Ends the loop whatever is under way.
  void abandon();
  bool finished() const { return finished_.load(std::memory_order_acquire); }
  void join();

  ServerContext& context() { return context_; }
  bool draining() const { return draining_; }
  /// The value of Date, renewed now and then.
  const std::string& date() const { return date_; }
  /// An id that no other request of this process has.
  void append_request_id(std::string& out);

  using Connections = std::list<Connection*>;
  Connections& connections() { return connections_; }

 private:
  struct Listener {
    boost::asio::ip::tcp::acceptor acceptor;
    ListenerKind kind;
  };

  boost::asio::awaitable<void> accept(Listener& listener);
  boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket, ListenerKind kind);
  /// Renews the date, and ends what has passed its deadline, four times a second.
  boost::asio::awaitable<void> sweep();
  void renew_date();

  ServerContext& context_;
  // Connections take themselves out of it when they end: with the loop at the latest.
  Connections connections_;
  std::string date_;
  std::string id_prefix_;
  std::uint64_t next_id_ = 0;
  bool draining_ = false;
  std::atomic<bool> finished_{true};  ///< Its loop isn't running.
  boost::asio::io_context io_;
  boost::asio::steady_timer sweep_timer_;
  std::list<Listener> listeners_;
  std::thread thread_;
};

}  // namespace keyledger::http
