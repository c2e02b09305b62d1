#include "services/http/connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "services/http/body_stream.h"
#include "services/http/problem.h"
#include "services/http/text.h"

namespace keyledger::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kReadBodyBytes = 16 * 1024;
constexpr std::size_t kReadLargeBodyBytes = 64 * 1024;
/// What a large request or answer needed is given back after it.
constexpr std::size_t kKeptBytes = 16 * 1024;
/// What a connection needs for usual requests and answers: this isn't counted.
constexpr std::size_t kUncountedBytes = 48 * 1024;
/// The most that is read and dropped of a request that was refused before its body had come.
constexpr std::size_t kMaxLingerBytes = 256 * 1024;
constexpr std::chrono::seconds kLingerTime{2};
/// A body that no route asked for is read up to here, so that the connection can be kept.
constexpr std::size_t kMaxUnroutedBodyBytes = 64 * 1024;

bool is_request_id(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_allowed);
}

/// W3C Trace Context §3.2: version 00. Ids of nothing but zeros are invalid.
bool is_traceparent(std::string_view text) {
  constexpr std::string_view kShape = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
  const auto fits = [](char c, char shape) {
    return shape == 'x' ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') : c == shape;
  };
  const auto is_zero = [](std::string_view id) { return id.find_first_not_of('0') == id.npos; };
  return text.size() == kShape.size() && std::ranges::equal(text, kShape, fits) &&
         !is_zero(text.substr(3, 32)) && !is_zero(text.substr(36, 16));
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

/// The steady clock as of its last tick, a few milliseconds ago at most: for deadlines, at a tenth
/// of the price.
std::chrono::steady_clock::time_point coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::steady_clock::time_point(std::chrono::seconds(now.tv_sec) +
                                               std::chrono::nanoseconds(now.tv_nsec));
}

/// What a browser must not do with any answer: guess another type than it says, show it in another
/// page's frame, give it to pages of other sites, or tell others where a link was followed from.
constexpr std::string_view kBrowserHeaders =
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n";
/// Where the handler doesn't say what its page consists of, it is no page.
constexpr std::string_view kNoPage =
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

/// Answers to these have no body and no Content-Length (RFC 9110 §8.6).
bool is_bodiless(unsigned status) { return status == 204 || status == 304; }

}  // namespace

struct Connection::Tls {
  Tls(ServerTls::Context with, tcp::socket& socket)
      : context(std::move(with)), stream(socket, *context) {}

  ServerTls::Context context;
  asio::ssl::stream<tcp::socket&> stream;
};

Connection::Connection(Worker& worker, tcp::socket socket, ListenerKind kind,
                       ServerTls::Context tls)
    : worker_(worker),
      socket_(std::move(socket)),
      tls_(tls ? std::make_unique<Tls>(std::move(tls), socket_) : nullptr),
      place_(worker.connections().insert(worker.connections().end(), this)),
      body_memory_(worker.context().body_memory),
      answer_memory_(worker.context().answer_memory),
      stream_memory_(worker.context().stream_memory) {
  enter(Phase::idle);
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  const auto address = socket_.remote_endpoint(ignored).address();
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  const auto plain =
      mapped ? asio::ip::address(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()))
             : address;
  remote_address_ = plain.to_string();
  request_.remote_address = remote_address_;
  request_.from_loopback = plain.is_loopback();
  request_.listener = kind;
  request_.is_secure = tls_ != nullptr;
  request_.client_address = remote_address_;
  is_trusted_proxy_ = worker.context().proxies.contains(plain);
}

Connection::~Connection() { worker_.connections().erase(place_); }

void Connection::enter(Phase phase) {
  const Limits& limits = worker_.context().limits;
  phase_ = phase;
  late_ = false;
  const auto now = coarse_now();
  switch (phase) {
    case Phase::idle:
      deadline_ = now + limits.idle_timeout;
      break;
    case Phase::handshake:
    case Phase::header:
      deadline_ = now + limits.header_timeout;
      break;
    case Phase::body:
      deadline_ = now + limits.body_timeout;
      break;
    case Phase::handler:
    case Phase::streaming:
      deadline_ = Clock::time_point::max();  // Handlers see to request_.deadline themselves.
      break;
    case Phase::write:
      deadline_ = now + limits.write_timeout;
      break;
    case Phase::lingering:
      deadline_ = now + kLingerTime;
      break;
  }
}

void Connection::end_if_idle() {
  const bool waits = phase_ == Phase::idle || phase_ == Phase::handshake;
  const bool ends = phase_ == Phase::streaming || (waits && !has_unread());
  error_code ignored;
  if (ends) socket_.cancel(ignored);
}

bool Connection::has_unread() const {
  error_code ec;
  return socket_.available(ec) > 0 && !ec;
}

void Connection::end_if_late(Clock::time_point now) {
  if (now < deadline_) return;
  // A wait that is ending by itself doesn't notice: the next one is ended by the next look.
  late_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

asio::awaitable<void> Connection::run() {
  try {
    if (tls_ && !co_await shake_hands()) co_return;
    co_await serve_requests();
  } catch (const std::exception&) {
    // Only memory can be short here: handlers' exceptions are answered.
    error_code ignored;
    socket_.close(ignored);
  }
}

asio::awaitable<bool> Connection::shake_hands() {
  enter(Phase::handshake);
  const auto [ec] =
      co_await tls_->stream.async_handshake(asio::ssl::stream_base::server, kUseTuple);
  co_return !ec;
}

asio::awaitable<void> Connection::serve_requests() {
  const ServerContext& context = worker_.context();
  for (;;) {
    forget_request();
    RequestParser parser(memory_, context.limits.header_bytes);
    bool complete = co_await read_header(parser);
    const auto began = Clock::now();
    Router::Match match;
    if (complete) {
      request_.deadline = began + context.limits.request_timeout;
      match = context.router.find(request_.method, request_.path, request_.listener);
      const std::size_t max_body_bytes =
          match.route != nullptr ? match.route->max_body_bytes : kMaxUnroutedBodyBytes;
      for_browsers_ = match.route == nullptr || match.route->for_browsers;
      complete = parser.is_done() || co_await read_body(parser, max_body_bytes);
    }
    if (!complete && !refusal_) co_return;
    position_ = context.position();

    Response response;
    if (complete) {
      request_.body = memory_.body;
      enter(Phase::handler);
      auto at_once = answer_at_once(match);
      response = at_once ? std::move(*at_once) : co_await answer_later(*match.route);
    } else {
      response = std::move(*refusal_);
    }
    if (response.body.size() > kUncountedBytes && !answer_memory_.grow_to(response.body.size())) {
      response = refuse_for_memory("too many large answers are being read; ask for fewer at once");
    }
    const bool keep_alive = complete && parser.keep_alive() && !worker_.draining();
    context.observer(
        {request_, match.route, response.status, Clock::now() - began, response.log_text});
    if (response.stream && request_.method != Method::head) {
      co_await write_stream(std::move(response), parser.is_http_1_1());
      co_await linger(!cut_off_);
      co_return;
    }
    if (!co_await write(std::move(response), keep_alive, parser.is_http_1_1())) co_return;
    if (!keep_alive) {
      co_await linger(complete);
      co_return;
    }
  }
}

void Connection::forget_request() {
  enter(Phase::idle);
  refusal_.reset();
  request_.method = Method::get;
  request_.method_text = request_.path = request_.query = request_.body = {};
  request_.request_id = request_.traceparent = {};
  request_.headers.clear();
  request_.path_parameters.clear();
  request_id_.clear();
  for_browsers_ = true;
  for (std::string* memory : {&memory_.body, &input_, &output_}) {
    // Only a swap gives the memory back: an assignment keeps it.
    const std::size_t kept = memory == &input_ ? input_bytes_ : 0;
    if (memory->capacity() > kKeptBytes) std::string(*memory, 0, kept).swap(*memory);
  }
  body_memory_.release();
  answer_memory_.release();
}

asio::awaitable<bool> Connection::read_some(std::size_t room) {
  if (input_.size() < input_bytes_ + room) input_.resize(input_bytes_ + room);
  const auto free = asio::buffer(input_.data() + input_bytes_, room);
  if (tls_) {
    const auto [ec, bytes] = co_await tls_->stream.async_read_some(free, kUseTuple);
    input_bytes_ += bytes;
    co_return !ec;
  }
  const auto [ec, bytes] = co_await socket_.async_read_some(free, kUseTuple);
  input_bytes_ += bytes;
  co_return !ec;
}

bool Connection::parse(RequestParser& parser) {
  while (input_bytes_ > 0) {
    error_code ec;
    const bool in_header = !parser.is_header_done();
    const std::size_t taken = parser.put(asio::const_buffer(input_.data(), input_bytes_), ec);
    const bool folded = in_header && has_folded_field({input_.data(), taken});
    input_bytes_ -= taken;
    // What is left is the body's beginning or the next request: short as a rule.
    if (taken > 0 && input_bytes_ > 0)
      std::copy_n(input_.begin() + static_cast<std::ptrdiff_t>(taken), input_bytes_,
                  input_.begin());
    if (folded) {
      refuse(400, "a header field goes on in the next line");
      return true;
    }
    if (ec == beast::http::error::need_more) break;
    if (ec == beast::http::error::header_limit || ec == beast::http::error::buffer_overflow) {
      refuse(431, "the header is larger than this server takes");
      return true;
    }
    if (ec == beast::http::error::body_limit) {
      refuse(413, "the body is larger than this request may have");
      return true;
    }
    if (ec) {
      refuse(400, "this is not HTTP: " + ec.message());
      return true;
    }
    if (in_header ? parser.is_header_done() : parser.is_done()) return true;
  }
  // What can't be parsed for want of more is a header line or a chunk's: never this long.
  if (input_bytes_ > worker_.context().limits.header_bytes) {
    refuse(431, "the header is larger than this server takes");
    return true;
  }
  return false;
}

asio::awaitable<bool> Connection::read_header(RequestParser& parser) {
  // The others first: under load the next request has come by then, and no read finds nothing.
  if (input_bytes_ == 0) co_await asio::post(asio::use_awaitable);
  while (!parse(parser)) {
    if (phase_ == Phase::idle && parser.got_some()) enter(Phase::header);
    if (phase_ == Phase::idle && worker_.draining() && !has_unread()) co_return false;
    if (co_await read_some(std::max(kReadBytes, input_bytes_))) continue;
    if (late_ && phase_ == Phase::header) {
      describe_request();
      refuse(408, "the header took too long to arrive");
    }
    co_return false;
  }
  if (refusal_ || !parser.is_header_done()) co_return false;
  const bool is_ours = parser.describe(request_);
  describe_request();
  const std::string_view ambiguity = find_ambiguity(request_, parser.is_http_1_1());
  if (!ambiguity.empty()) {
    refuse(400, "the request has " + std::string(ambiguity));
  } else if (!is_ours) {
    refuse(400, "the request target is not a path");
  }
  co_return !refusal_;
}

/// Gives the request its id and trace, which are the client's where those are well-formed.
void Connection::describe_request() {
  const std::string_view id = request_.header("x-request-id");
  if (is_request_id(id)) {
    request_id_ = id;
  } else {
    request_id_.clear();
    worker_.append_request_id(request_id_);
  }
  request_.request_id = request_id_;
  if (is_trusted_proxy_) {
    request_.client_address = worker_.context().proxies.client_of(request_).value_or("");
    request_.is_secure = tls_ != nullptr || is_forwarded_secure(request_);
  }
  const std::string_view trace = request_.header("traceparent");
  request_.traceparent = is_traceparent(trace) ? trace : std::string_view{};
}

asio::awaitable<bool> Connection::read_body(RequestParser& parser, std::size_t max_body_bytes) {
  enter(Phase::body);
  parser.set_max_body_bytes(max_body_bytes);
  const auto length = parser.content_length();
  if (length && *length > max_body_bytes) {
    refuse(413, "the body is larger than the " + std::to_string(max_body_bytes) +
                    " bytes that this request may have");
    co_return false;
  }
  const std::string_view expected = request_.header("expect");
  if (!expected.empty() && parser.is_http_1_1()) {
    if (!same_token(expected, "100-continue")) {
      refuse(417, "there is no such expectation here");
      co_return false;
    }
    if (input_bytes_ == 0 && !co_await write_all("HTTP/1.1 100 Continue\r\n\r\n")) {
      co_return false;
    }
  }
  while (!parse(parser)) {
    const std::size_t room = room_for_body(parser);
    if (!hold_body(room)) co_return false;
    if (co_await read_some(room)) continue;
    if (late_) refuse(408, "the body took too long to arrive");
    co_return false;
  }
  co_return !refusal_ && hold_body(0);
}

std::size_t Connection::room_for_body(const RequestParser& parser) const {
  const std::size_t most =
      memory_.body.size() < kReadBodyBytes ? kReadBodyBytes : kReadLargeBodyBytes;
  const auto left = parser.content_length_remaining();
  return left ? std::clamp<std::size_t>(*left, 1, most) : most;
}

bool Connection::hold_body(std::size_t room) {
  // A string that must grow grows to twice what it was.
  const auto grown = [](const std::string& text, std::size_t bytes) {
    return bytes <= text.capacity() ? text.capacity() : std::max(bytes, 2 * text.capacity());
  };
  const std::size_t body = grown(memory_.body, memory_.body.size() + room);
  const std::size_t input = grown(input_, input_bytes_ + room);
  if (body + input <= kUncountedBytes || body_memory_.grow_to(body + input)) return true;
  refusal_ = refuse_for_memory("too many large bodies are arriving; nothing was done");
  return false;
}

std::optional<Response> Connection::answer_at_once(const Router::Match& match) {
  if (match.route == nullptr) {
    if (match.allow.empty()) {
      return problem(404, "there is nothing at this path", request_.request_id);
    }
    Response response = problem(405, "this path takes " + match.allow, request_.request_id);
    return std::move(response.set("Allow", match.allow));
  }
  request_.path_parameters = match.parameters;
  try {
    const Handler& handler = match.route->handler;
    if (const auto* inlined = std::get_if<InlineHandler>(&handler)) return (*inlined)(request_);
    if (const auto* eager = std::get_if<EagerHandler>(&handler)) return eager->at_once(request_);
    return std::nullopt;
  } catch (...) {
    return describe_exception();
  }
}

asio::awaitable<Response> Connection::answer_later(const Route& route) {
  const auto* eager = std::get_if<EagerHandler>(&route.handler);
  const auto& handler = eager != nullptr ? eager->later : std::get<AsyncHandler>(route.handler);
  try {
    co_return co_await handler(request_);
  } catch (...) {
    co_return describe_exception();
  }
}

/// What the client is told of the exception that is being handled.
Response Connection::describe_exception() const {
  try {
    throw;
  } catch (const std::exception& exception) {
    return problem(Error{Errc::internal, exception.what(), {}}, request_.request_id);
  } catch (...) {
    return problem(Error{Errc::internal, "the handler threw what is no exception", {}},
                   request_.request_id);
  }
}

asio::awaitable<bool> Connection::write(Response response, bool keep_alive, bool is_http_1_1) {
  enter(Phase::write);
  compose(response, keep_alive, is_http_1_1);
  std::string().swap(response.body);  // Who reads slowly holds an answer once, not twice.
  co_return co_await write_all(output_);
}

asio::awaitable<void> Connection::write_stream(Response response, bool is_http_1_1) {
  enter(Phase::write);
  compose(response, /*keep_alive=*/false, is_http_1_1);
  if (!co_await write_all(output_)) co_return;
  std::string().swap(output_);  // It may last for days.
  BodyStream body(*this, is_http_1_1);
  co_await response.stream(body);
  if (is_http_1_1) co_await send_piece("0\r\n\r\n", 0);
}

asio::awaitable<BodyStream::Written> Connection::send_piece(std::string_view bytes,
                                                            std::size_t held) {
  using enum BodyStream::Written;
  if (cut_off_) co_return gone;
  enter(Phase::write);
  const auto sent = write_at_once(bytes);
  const bool must_wait = sent && *sent < bytes.size();
  auto written = sent ? all : gone;
  if (must_wait && held > kUncountedBytes && !stream_memory_.grow_to(held)) {
    worker_.context().stats.refused_for_memory.fetch_add(1, std::memory_order_relaxed);
    cut_off_ = *sent > 0;
    written = no_memory;
  } else if (must_wait && !co_await write_waiting(bytes.substr(*sent))) {
    written = gone;
  }
  cut_off_ = cut_off_ || written == gone;
  enter(Phase::streaming);
  co_return written;
}

asio::awaitable<void> Connection::wait_for_end() {
  const std::size_t most = worker_.context().limits.header_bytes;
  enter(Phase::streaming);
  // What the client sends meanwhile is never read as a request: the connection ends with the body.
  while (!worker_.draining() && input_bytes_ < most) {
    if (!co_await read_some(kReadBytes)) co_return;
  }
}

void Connection::compose(const Response& response, bool keep_alive, bool is_http_1_1) {
  const bool bodiless = is_bodiless(response.status);
  output_.clear();
  output_.append("HTTP/1.1 ");
  append_number(output_, response.status);
  output_.append(" ").append(reason_phrase(response.status)).append("\r\nDate: ");
  output_.append(worker_.date()).append("\r\n");
  if (response.stream) {
    if (is_http_1_1) output_.append("Transfer-Encoding: chunked\r\n");
  } else if (!bodiless) {
    output_.append("Content-Length: ");
    append_number(output_, response.body.size());
    output_.append("\r\n");
  }
  output_.append("Keyledger-Position: ");
  append_number(output_, response.position.value_or(position_));
  output_.append("\r\nX-Request-Id: ").append(request_id_).append("\r\n");
  if (for_browsers_) {
    output_.append(kBrowserHeaders);
    if (response.headers.find("Content-Security-Policy:") == std::string::npos) {
      output_.append(kNoPage);
    }
  }
  if (!keep_alive) output_.append("Connection: close\r\n");
  if (keep_alive && !is_http_1_1) output_.append("Connection: keep-alive\r\n");
  output_.append(response.headers).append("\r\n");
  if (!bodiless && request_.method != Method::head) output_.append(response.body);
}

asio::awaitable<bool> Connection::write_all(std::string_view bytes) {
  const auto sent = write_at_once(bytes);
  if (!sent) co_return false;
  co_return *sent == bytes.size() || co_await write_waiting(bytes.substr(*sent));
}

std::optional<std::size_t> Connection::write_at_once(std::string_view bytes) {
  if (tls_) return 0;
  error_code ec;
  const std::size_t written = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec);
  if (ec && ec != asio::error::would_block && ec != asio::error::try_again) return std::nullopt;
  return written;
}

asio::awaitable<bool> Connection::write_waiting(std::string_view bytes) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    const auto [failed, ignored] = co_await asio::async_write(tls_->stream, buffer, kUseTuple);
    co_return !failed;
  }
  const auto [failed, ignored] = co_await asio::async_write(socket_, buffer, kUseTuple);
  co_return !failed;
}

asio::awaitable<void> Connection::linger(bool whole) {
  std::string().swap(memory_.body);
  std::string().swap(output_);
  body_memory_.release();
  answer_memory_.release();
  enter(Phase::lingering);
  if (tls_ && whole) {
    co_await tls_->stream.async_shutdown(kUseTuple);
    co_return;
  }
  error_code ec;
  // Over TLS the client sees by Content-Length that the answer has ended.
  if (!tls_) socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ec) co_return;
  for (std::size_t read = 0; read < kMaxLingerBytes;) {
    input_bytes_ = 0;
    if (!co_await read_some(kReadBytes)) co_return;
    read += input_bytes_;
  }
}

void Connection::refuse(unsigned status, std::string_view detail) {
  if (request_id_.empty()) worker_.append_request_id(request_id_);
  request_.request_id = request_id_;
  refusal_ = problem(status, detail, request_id_);
}

Response Connection::refuse_for_memory(std::string_view detail) {
  worker_.context().stats.refused_for_memory.fetch_add(1, std::memory_order_relaxed);
  return problem(Error{Errc::overloaded, std::string(detail), {}}, request_.request_id);
}

}  // namespace keyledger::http
