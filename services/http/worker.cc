#include "services/http/worker.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <random>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/http/connection.h"

namespace keyledger::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kSweepInterval{250};
/// How long accepting pauses when the system has no descriptors or memory left for connections.
constexpr std::chrono::milliseconds kAcceptPause{50};

}  // namespace

Worker::Worker(ServerContext& context) : context_(context), io_(1), sweep_timer_(io_) {
  std::random_device random;
  std::array<char, 17> prefix{};
  std::snprintf(prefix.data(), prefix.size(), "%08x%08x", random(), random());
  id_prefix_ = prefix.data();
  renew_date();
}

Worker::~Worker() {
  abandon();
  join();
}

void Worker::add_acceptor(tcp::acceptor acceptor, ListenerKind kind) {
  listeners_.push_back({std::move(acceptor), kind});
}

void Worker::start() {
  for (Listener& listener : listeners_) asio::co_spawn(io_, accept(listener), asio::detached);
  asio::co_spawn(io_, sweep(), asio::detached);
  finished_.store(false, std::memory_order_release);
  thread_ = std::thread([this] {
    io_.run();
    finished_.store(true, std::memory_order_release);
  });
}

void Worker::drain() {
  asio::post(io_, [this] {
    draining_ = true;
    for (Listener& listener : listeners_) {
      error_code ignored;
      listener.acceptor.close(ignored);
    }
    for (Connection* connection : connections_) connection->end_if_idle();
    sweep_timer_.cancel();
  });
}

void Worker::abandon() { io_.stop(); }

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::append_request_id(std::string& out) {
  std::array<char, 16> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), next_id_++, 16).ptr;
  out.append(id_prefix_).append(1, '-').append(number.data(), end);
}

asio::awaitable<void> Worker::accept(Listener& listener) {
  while (listener.acceptor.is_open()) {
    auto [ec, socket] = co_await listener.acceptor.async_accept(kUseTuple);
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) {
      // ECONNABORTED passes by itself; EMFILE, ENFILE and ENOMEM need time.
      asio::steady_timer pause(io_, kAcceptPause);
      co_await pause.async_wait(kUseTuple);
      continue;
    }
    context_.stats.connections_accepted.fetch_add(1, std::memory_order_relaxed);
    const auto open = context_.stats.connections_open.fetch_add(1, std::memory_order_relaxed);
    if (static_cast<std::size_t>(open) >= context_.limits.connections) {
      context_.stats.connections_open.fetch_sub(1, std::memory_order_relaxed);
      context_.stats.connections_refused.fetch_add(1, std::memory_order_relaxed);
      continue;  // The socket closes.
    }
    asio::co_spawn(io_, serve(std::move(socket), listener.kind), asio::detached);
  }
}

asio::awaitable<void> Worker::serve(tcp::socket socket, ListenerKind kind) {
  {
    Connection connection(*this, std::move(socket), kind,
                          context_.tls != nullptr ? context_.tls->context() : nullptr);
    co_await connection.run();
  }
  context_.stats.connections_open.fetch_sub(1, std::memory_order_relaxed);
  if (draining_) sweep_timer_.cancel();
}

asio::awaitable<void> Worker::sweep() {
  while (!draining_ || !connections_.empty()) {
    sweep_timer_.expires_after(kSweepInterval);
    co_await sweep_timer_.async_wait(kUseTuple);
    renew_date();
    const auto now = std::chrono::steady_clock::now();
    for (Connection* connection : connections_) connection->end_if_late(now);
  }
}

void Worker::renew_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  date_.assign(text.data(), length);
}

}  // namespace keyledger::http
