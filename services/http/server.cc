#include "services/http/server.h"

#include <charconv>
#include <cstdint>
#include <thread>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>

#include "services/http/worker.h"

namespace keyledger::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::chrono::milliseconds kDrainPoll{5};

std::unexpected<Error> cannot_listen(const std::string& address, const std::string& why) {
  return fail(Errc::unavailable, "can't listen on " + address + ": " + why);
}

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080".
Result<tcp::endpoint> resolve(asio::io_context& io, const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return cannot_listen(address, "there is no port, as in :8080");
  // Checked here: the system takes a port above 65535 for another one.
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  if (const auto read = std::from_chars(address.data() + colon + 1, end, port);
      read.ec != std::errc{} || read.ptr != end) {
    return cannot_listen(address, "its port is not a number from 0 to 65535");
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code ec;
  const auto found = tcp::resolver(io).resolve(host, address.substr(colon + 1),
                                               tcp::resolver::numeric_service, ec);
  if (ec) return cannot_listen(address, ec.message());
  return found.begin()->endpoint();
}

/// With `shared`, other acceptors of this process may have the same address.
Result<tcp::acceptor> listen_on(asio::io_context& io, const tcp::endpoint& endpoint, bool shared,
                                const std::string& address) {
  tcp::acceptor acceptor(io);
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && shared) acceptor.set_option(ReusePort(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return cannot_listen(address, ec.message());
  return acceptor;
}

std::string to_text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace

class Server::Implementation {
 public:
  Implementation(const Router& router, Limits limits, unsigned threads,
                 std::function<std::uint64_t()> position, Observer observer, const ServerTls* tls,
                 TrustedProxies proxies)
      : context_{.router = router,
                 .limits = limits,
                 .position = std::move(position),
                 .observer = std::move(observer),
                 .tls = tls,
                 .proxies = std::move(proxies)} {
    for (unsigned i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(context_));
  }

  Result<void> listen(const std::vector<Endpoint>& endpoints) {
    for (const Endpoint& endpoint : endpoints) {
      if (auto bound = bind(endpoint); !bound) return bound;
    }
    return {};
  }

  void start() {
    for (auto& worker : workers_) worker->start();
  }

  void drain(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (auto& worker : workers_) worker->drain();
    for (auto& worker : workers_) {
      while (!worker->finished() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(kDrainPoll);
      }
      worker->abandon();
    }
    for (auto& worker : workers_) worker->join();
  }

  const std::vector<std::string>& addresses() const { return addresses_; }
  const ServerStats& stats() const { return context_.stats; }

 private:
  Result<void> bind(const Endpoint& endpoint) {
    auto where = resolve(workers_.front()->io(), endpoint.address);
    if (!where) return fail(std::move(where.error()));
    {
      // SO_REUSEPORT would share the port with another server of the same user without a word: so
      // it is taken without it first. This also picks the free port where none is named.
      const auto alone = listen_on(workers_.front()->io(), *where, false, endpoint.address);
      if (!alone) return fail(alone.error());
      *where = alone->local_endpoint();
    }
    for (auto& worker : workers_) {
      auto acceptor = listen_on(worker->io(), *where, true, endpoint.address);
      if (!acceptor) return fail(std::move(acceptor.error()));
      worker->add_acceptor(std::move(*acceptor), endpoint.kind);
    }
    addresses_.push_back(to_text(*where));
    return {};
  }

  ServerContext context_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::string> addresses_;
};

Server::Server(const Router& router, Limits limits, unsigned threads,
               std::function<std::uint64_t()> position, Observer observer, const ServerTls* tls,
               TrustedProxies proxies)
    : implementation_(std::make_unique<Implementation>(router, limits, threads, std::move(position),
                                                       std::move(observer), tls,
                                                       std::move(proxies))) {}

Server::~Server() = default;

Result<void> Server::listen(const std::vector<Endpoint>& endpoints) {
  return implementation_->listen(endpoints);
}

void Server::start() { implementation_->start(); }

std::vector<std::string> Server::addresses() const { return implementation_->addresses(); }

void Server::drain(std::chrono::milliseconds timeout) { implementation_->drain(timeout); }

const ServerStats& Server::stats() const { return implementation_->stats(); }

}  // namespace keyledger::http
