#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/http/router.h"
#include "services/http/server.h"
#include "tests/services/http/raw_client.h"

namespace keyledger::http {

inline constexpr std::size_t kLargeBytes = std::size_t{8} * 1024 * 1024;

/// Where handlers wait until the test lets them go on. Thread safety: any thread.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  /// What a handler does: blocks until the gate is open.
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  /// What the test does: whether so many handlers came within ten seconds.
  bool wait_for_arrivals(int wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return arrived_ >= wanted; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  int arrived_ = 0;
};

/// A server on a free port of this machine, with routes that show what it does.
class Served {
 public:
  struct Seen {
    unsigned status;
    bool routed;
    std::size_t path_parameters;
    std::string request_id;
    std::string log_text;
  };

  explicit Served(Limits limits = {}, unsigned threads = 1,
                  std::vector<Server::Endpoint> endpoints = {{"127.0.0.1:0"}})
      : router_(routes()),
        server_(
            router_, limits, threads, [this] { return position_.load(); },
            [this](const Exchange& exchange) { see(exchange); }) {
    open_gate_.open();
    if (auto bound = server_.listen(endpoints); !bound) {
      throw std::runtime_error(bound.error().message);
    }
    server_.start();
  }
  ~Served() {
    // The loops end first, so that no handler enters the pool; what is in it still comes back to
    // the server, which goes last.
    server_.drain(std::chrono::milliseconds(0));
    gate_.open();
    pool_.join();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Server& server() { return server_; }
  Gate& gate() { return gate_; }
  std::string address(std::size_t index = 0) const { return server_.addresses().at(index); }
  int handled() const { return handled_; }

  /// The answers that the observer was told of, when it's at least `wanted` (or ten seconds later).
  std::vector<Seen> seen(std::size_t wanted) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return seen_.size() >= wanted; });
    return seen_;
  }

  /// Whether `open` connections are left within ten seconds.
  bool wait_for_connections(std::int64_t open) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (server_.stats().connections_open != open) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  using Later = boost::asio::awaitable<Response>;

  static Response text(std::string body) {
    Response response;
    response.body = std::move(body);
    return response;
  }

  /// Runs in the pool.
  static boost::asio::awaitable<void> wait_at(Gate& gate) {
    gate.pass();
    co_return;
  }
  static boost::asio::awaitable<void> fail_in_pool() {
    throw std::runtime_error("broken in the pool");
    co_return;
  }
  Later answer_when_open(const Request& request) {
    co_await boost::asio::co_spawn(pool_, wait_at(gate_), boost::asio::use_awaitable);
    co_return text("later " + std::string(request.body));
  }
  Later answer_from_pool(const Request& request) {
    co_await boost::asio::co_spawn(pool_, wait_at(open_gate_), boost::asio::use_awaitable);
    co_return text(std::string(request.body));
  }
  Later fail_later() {
    co_await boost::asio::co_spawn(pool_, fail_in_pool(), boost::asio::use_awaitable);
    co_return text("not reached");
  }

  static Response describe(const Request& request) {
    std::string body = "id=" + std::string(request.request_id);
    body.append("\ntrace=").append(request.traceparent);
    body.append("\nfrom=").append(request.remote_address);
    body.append(request.from_loopback ? "\nloopback" : "\nelsewhere");
    body.append(request.listener == ListenerKind::main ? "\nmain" : "\nverify");
    body.append("\npath=").append(request.path).append("\nquery=").append(request.query);
    body.append("\nmethod=").append(request.method_text);
    body.append("\nheaders=").append(std::to_string(request.headers.size()));
    for (const std::string& parameter : request.path_parameters) {
      body.append("\nparameter=").append(parameter);
    }
    return text(std::move(body));
  }

  std::vector<Route> routes() {
    std::vector<Route> routes;
    const auto add = [&](Method method, std::string pattern, Handler handler) -> Route& {
      routes.push_back({.method = method, .pattern = std::move(pattern), .handler = {}});
      routes.back().handler = std::move(handler);
      return routes.back();
    };
    const auto answer = [this](Response response) {
      return InlineHandler([this, response = std::move(response)](const Request&) {
        ++handled_;
        return response;
      });
    };
    Response empty = text("not sent");
    empty.status = 204;
    Response unchanged = text("not sent");
    unchanged.status = 304;
    Response split = text("one");
    split.set("X-Name", std::string_view("a\r\nX-Injected: yes\r\n\r\n<html>\0", 30));
    Response placed = text("placed");
    placed.position = 77;
    add(Method::get, "/hello", answer(text("hello")));
    add(Method::post, "/hello", answer(text("hello")));
    add(Method::get, "/empty", answer(std::move(empty)));
    add(Method::get, "/unchanged", answer(std::move(unchanged)));
    add(Method::get, "/split", answer(std::move(split)));
    add(Method::get, "/placed", answer(std::move(placed)));
    add(Method::get, "/large", answer(text(std::string(kLargeBytes, 'x'))));
    const InlineHandler echo = [this](const Request& request) {
      ++handled_;
      return text(std::string(request.body));
    };
    add(Method::post, "/echo", echo);
    add(Method::post, "/small", echo).max_body_bytes = 16;
    add(Method::other, "/describe", InlineHandler(describe)).verify_listener = true;
    add(Method::get, "/describe/{name}", InlineHandler(describe));
    add(Method::get, "/throws",
        InlineHandler([](const Request&) -> Response { throw std::runtime_error("broken"); }));
    add(Method::get, "/throws-a-number",
        InlineHandler([](const Request&) -> Response { throw 1; }));
    add(Method::get, "/throws-later",
        AsyncHandler([this](const Request&) { return fail_later(); }));
    add(Method::post, "/later",
        AsyncHandler([this](const Request& request) { return answer_when_open(request); }));
    add(Method::post, "/eager",
        EagerHandler{[](const Request& request) -> std::optional<Response> {
                       if (request.body == "throw") throw std::runtime_error("broken");
                       if (request.body == "later") return std::nullopt;
                       return text("at once");
                     },
                     [this](const Request& request) { return answer_from_pool(request); }});
    add(Method::post, "/pool",
        AsyncHandler([this](const Request& request) { return answer_from_pool(request); }));
    return routes;
  }

  void see(const Exchange& exchange) {
    const std::lock_guard lock(mutex_);
    seen_.push_back({exchange.status, exchange.route != nullptr,
                     exchange.request.path_parameters.size(),
                     std::string(exchange.request.request_id), std::string(exchange.log_text)});
    changed_.notify_all();
  }

  std::atomic<std::uint64_t> position_{42};
  std::atomic<int> handled_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Seen> seen_;
  Gate gate_;
  Gate open_gate_;
  boost::asio::thread_pool pool_{2};
  Router router_;
  Server server_;
};

}  // namespace keyledger::http
