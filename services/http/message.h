#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "events/result.h"

namespace keyledger::http {

class BodyStream;

enum class Method { get, head, post, put, patch, delete_, other };

/// Which of the server's listeners a request came in by.
enum class ListenerKind { main, verify };

/// One request, as a handler sees it. Views point into the connection's buffers, which stay as they
/// are until the handler's answer has been taken.
struct Request {
  Method method = Method::get;
  std::string_view method_text;
  std::string_view path;   ///< Still percent-encoded, without the query.
  std::string_view query;  ///< Still percent-encoded, without the `?`; empty if none.
  std::string_view body;
  std::vector<std::pair<std::string_view, std::string_view>> headers;  ///< As received, in order.
  /// What the route's `{…}` segments matched, percent-decoded, in order.
  std::vector<std::string> path_parameters;
  std::string_view remote_address;  ///< The peer's address, without port.
  bool from_loopback = false;       ///< The peer, whoever it passes this on for.
  /// Who asks in the end: the peer, or whom a trusted proxy names. Empty where that one names
  /// nobody.
  std::string_view client_address;
  bool is_secure = false;  ///< Came over TLS, to us or to a trusted proxy.
  ListenerKind listener = ListenerKind::main;
  /// The caller's X-Request-Id if it is 1–64 of [A-Za-z0-9._-], else ours.
  std::string_view request_id;
  /// The caller's, if it is well-formed (W3C Trace Context); else empty.
  std::string_view traceparent;
  /// When the answer is owed: the server's request time-out after arrival, on the steady clock.
  std::chrono::steady_clock::time_point deadline;

  /// The value of the only header `name` (compared without regard to case); empty if absent.
  std::string_view header(std::string_view name) const;
  /// Where it came from, for who reads of it later: the client's address, or the peer's where a
  /// trusted proxy names nobody.
  std::string_view origin_address() const {
    return client_address.empty() ? remote_address : client_address;
  }
  /// How many times the header is there.
  std::size_t count(std::string_view name) const;
};

/// One answer. The server adds Date, Content-Length (or Transfer-Encoding), Connection and
/// X-Request-Id.
struct Response {
  unsigned status = 200;
  std::string headers;  ///< Complete lines, each ended by CR LF. Append with set().
  std::string body;
  /// What Keyledger-Position says; none: where the read model was when the request came in.
  std::optional<std::uint64_t> position = {};
  /// Why, for the log, where that is no fault of the client's: it isn't told of a 500.
  std::string log_text = {};
  std::optional<Errc> error = {};  ///< What problem() made it of.
  /// Sends the body piece by piece, for as long as it takes, in `body`'s place; the request lives
  /// until it returns, and the connection ends then. Sees to its own errors; not called for HEAD.
  std::function<boost::asio::awaitable<void>(BodyStream&)> stream = {};

  /// Appends a header line. CR, LF and NUL in `value` become spaces: nothing can be smuggled in.
  Response& set(std::string_view name, std::string_view value);
};

/// A JSON answer: `body` with Content-Type application/json and Cache-Control no-store.
Response json_response(unsigned status, std::string body);

/// The reason phrase of RFC 9110 and its companions for `status`.
std::string_view reason_phrase(unsigned status);

}  // namespace keyledger::http
