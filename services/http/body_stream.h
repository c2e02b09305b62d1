#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

namespace keyledger::http {

class Connection;

/// The way to the client of an answer whose body is made while it is sent: see Response::stream.
/// Belongs to the connection's coroutine and its thread; write() and ended() never at once.
class BodyStream {
 public:
  enum class Written {
    all,        ///< The system has taken all of it.
    no_memory,  ///< The client doesn't take it, and others like it hold all the memory they may.
    gone,       ///< The client is gone, or took none of it within the server's write time-out.
  };

  /// `connection` is used until this is gone.
  BodyStream(Connection& connection, bool chunked);
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  /// What is sent next: append to it, and change nothing before. It is sent from where it lies, so
  /// a client who reads slowly costs its memory once.
  std::string& piece() { return piece_; }

  /// Sends the piece, to which something was appended, and begins a new one. After `gone` nothing
  /// more can be sent, nor after `no_memory` where a part of the piece was.
  boost::asio::awaitable<Written> write();

  /// Begins a new piece: what was appended is not sent.
  void discard();

  /// Returns when the client has gone or the server drains: to be waited for beside what the next
  /// piece waits for. Cancellation: total.
  boost::asio::awaitable<void> ended();

  /// Whether the server drains: what is sent now should be the last.
  bool draining() const;

 private:
  Connection& connection_;
  const bool chunked_;  ///< RFC 9112 §7.1; else the body ends with the connection.
  std::string piece_;   ///< Behind room for the chunk's head.
};

}  // namespace keyledger::http
