#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "services/http/body_stream.h"
#include "services/http/memory_budget.h"
#include "services/http/message.h"
#include "services/http/request_parser.h"
#include "services/http/router.h"
#include "services/http/tls.h"
#include "services/http/worker.h"

namespace keyledger::http {

/// One client's connection: a coroutine that reads requests, asks the router's handlers, and writes
/// their answers, one after the other. Lives in its worker's thread alone.
class Connection {
 public:
  /// With `tls`, speaks TLS.
  Connection(Worker& worker, boost::asio::ip::tcp::socket socket, ListenerKind kind,
             ServerTls::Context tls);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Serves until the client or a rule ends the connection. Does not throw.
  boost::asio::awaitable<void> run();

  /// Ends the connection if no request is under way or waits to be read, and the wait of an answer
  /// that is a stream.
  void end_if_idle();
  /// Ends what takes longer than it may.
  void end_if_late(std::chrono::steady_clock::time_point now);

  // For a BodyStream.
  /// Sends a piece, for which `held` bytes of memory are held: they count, where that is more than
  /// usual, if the system doesn't take the piece at once.
  boost::asio::awaitable<BodyStream::Written> send_piece(std::string_view bytes, std::size_t held);
  void release_piece() { stream_memory_.release(); }
  boost::asio::awaitable<void> wait_for_end();
  bool draining() const { return worker_.draining(); }

 private:
  using Clock = std::chrono::steady_clock;

  /// What the connection waits for now. Each has its own deadline.
  enum class Phase { handshake, idle, header, body, handler, write, streaming, lingering };

  /// Whether something came that wasn't read yet: the beginning of a request, as a rule.
  bool has_unread() const;
  void enter(Phase phase);

  boost::asio::awaitable<bool> shake_hands();
  boost::asio::awaitable<void> serve_requests();
  /// Reads up to `room` bytes, which isn't 0, behind those in `input_`. False at the end of the
  /// stream or of our patience.
  boost::asio::awaitable<bool> read_some(std::size_t room);
  /// False if there is no request to answer; then `refusal_` may say what to answer instead.
  boost::asio::awaitable<bool> read_header(RequestParser& parser);
  boost::asio::awaitable<bool> read_body(RequestParser& parser, std::size_t max_body_bytes);
  /// Nothing where the answer takes its time: then answer_later() gives it.
  std::optional<Response> answer_at_once(const Router::Match& match);
  boost::asio::awaitable<Response> answer_later(const Route& route);
  Response describe_exception() const;
  /// Puts the answer's head, and its body where there is one, into `output_`.
  void compose(const Response& response, bool keep_alive, bool is_http_1_1);
  boost::asio::awaitable<bool> write(Response response, bool keep_alive, bool is_http_1_1);
  /// Writes an answer that makes its body while it is sent.
  boost::asio::awaitable<void> write_stream(Response response, bool is_http_1_1);
  boost::asio::awaitable<bool> write_all(std::string_view bytes);
  /// As much as the system takes at once, which is all of an answer as a rule; nothing over TLS.
  /// None: the client is gone.
  std::optional<std::size_t> write_at_once(std::string_view bytes);
  /// Waits for the system to take all of it.
  boost::asio::awaitable<bool> write_waiting(std::string_view bytes);
  /// Lets the client read our last answer before the connection goes (RFC 9112 §9.6).
  /// `whole`: the request was read to its end.
  boost::asio::awaitable<void> linger(bool whole);

  /// Takes what came so far to the parser. False when it needs more; `refusal_` on an error.
  bool parse(RequestParser& parser);
  /// How much of the body is read at once.
  std::size_t room_for_body(const RequestParser& parser) const;
  /// Counts the memory that the body will hold when `room` more bytes have come. False, after a
  /// refusal, where there isn't as much.
  bool hold_body(std::size_t room);
  void refuse(unsigned status, std::string_view detail);
  Response refuse_for_memory(std::string_view detail);
  void forget_request();
  void describe_request();

  Worker& worker_;
  boost::asio::ip::tcp::socket socket_;
  struct Tls;
  std::unique_ptr<Tls> tls_;  ///< Over socket_; null where it is spoken to in plain text.
  Worker::Connections::iterator place_;
  Phase phase_ = Phase::idle;
  Clock::time_point deadline_;
  bool cut_off_ = false;  ///< Nothing more of a stream can be sent.
  bool late_ = false;     ///< A deadline has passed, and the wait was ended for it.

  std::string input_;  ///< The first `input_bytes_` of it came and aren't parsed yet.
  std::size_t input_bytes_ = 0;
  RequestParser::Memory memory_;
  MemoryShare body_memory_;
  MemoryShare answer_memory_;
  MemoryShare stream_memory_;
  Request request_;
  std::string remote_address_;
  std::string request_id_;
  std::uint64_t position_ = 0;       ///< The read model's, when the request came.
  std::optional<Response> refusal_;  ///< What the protocol itself answers.
  bool is_trusted_proxy_ = false;    ///< The peer.
  bool for_browsers_ = true;         ///< The route's, or true where there is none.
  std::string output_;
};

}  // namespace keyledger::http
