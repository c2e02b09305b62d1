#pragma once

#include <string_view>

#include <boost/asio/awaitable.hpp>

namespace keyledger::http {

class Connection;

/// The way to the client of an answer whose body is made while it is sent: see Response::stream.
/// Belongs to the connection's coroutine and its thread; write() and ended() never at once.
class BodyStream {
 public:
  /// `connection` is used until this is gone.
  BodyStream(Connection& connection, bool chunked) : connection_(connection), chunked_(chunked) {}
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  /// Sends `piece`, which isn't empty, and returns when the system has taken all of it. False when
  /// the client is gone, or took none of it within the server's write time-out: then nothing more
  /// can be sent.
  boost::asio::awaitable<bool> write(std::string_view piece);

  /// Returns when the client has gone or the server drains: to be waited for beside what the next
  /// piece waits for. Cancellation: total.
  boost::asio::awaitable<void> ended();

  /// Whether the server drains: what is sent now should be the last.
  bool draining() const;

 private:
  Connection& connection_;
  const bool chunked_;  ///< RFC 9112 §7.1; else the body ends with the connection.
};

}  // namespace keyledger::http
