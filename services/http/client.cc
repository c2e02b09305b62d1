#include "services/http/client.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "services/http/text.h"

namespace keyledger::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using std::chrono::steady_clock;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kMaxAnswerBytes = 4U << 20U;
constexpr std::size_t kIdlePerOrigin = 64;
/// Well below the idle time-out of a server of ours, so that none ends as it is used again.
constexpr std::chrono::seconds kIdleFor{5};

struct Origin {
  std::string host;
  std::string port;
  bool is_secure;
};

std::optional<Origin> parse_origin(std::string_view text) {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kSecure = "https://";
  const bool is_secure = text.starts_with(kSecure);
  if (!is_secure && !text.starts_with(kPlain)) return std::nullopt;
  text.remove_prefix(is_secure ? kSecure.size() : kPlain.size());
  while (text.ends_with('/')) text.remove_suffix(1);
  if (text.empty() || text.find_first_of("/?#@") != text.npos) return std::nullopt;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  const bool has_port = colon != text.npos && (bracket == text.npos || colon > bracket);
  std::string_view host = text.substr(0, has_port ? colon : text.size());
  const std::string_view port = has_port    ? text.substr(colon + 1)
                                : is_secure ? std::string_view("443")
                                            : std::string_view("80");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || port.empty()) return std::nullopt;
  return Origin{std::string(host), std::string(port), is_secure};
}

Error nothing_sent(const std::string& origin, const std::string& why) {
  return Error{Errc::unavailable, "can't reach " + origin + ": " + why, {}};
}

Error no_answer(const std::string& origin, const std::string& why) {
  return Error{Errc::outcome_unknown, origin + " gave no whole answer: " + why, {}};
}

using Message = beast::http::request<beast::http::string_body>;
using Parser = beast::http::response_parser<beast::http::string_body>;

/// Sends `message` on `stream` and reads the whole answer. All references are used until then.
template <typename Stream>
asio::awaitable<std::pair<beast::error_code, std::unique_ptr<Parser>>> exchange(
    Stream& stream, beast::flat_buffer& buffer, Message& message) {
  auto parser = std::make_unique<Parser>();
  parser->body_limit(kMaxAnswerBytes);
  const auto [unsent, sent] = co_await beast::http::async_write(stream, message, kTuple);
  if (unsent) co_return std::pair{unsent, nullptr};
  const auto [unread, read] = co_await beast::http::async_read(stream, buffer, *parser, kTuple);
  co_return std::pair{unread, std::move(parser)};
}

}  // namespace

std::string_view ClientResponse::header(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [name](const auto& header) { return same_token(header.first, name); });
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

struct Client::Connection {
  explicit Connection(const asio::any_io_executor& executor) : stream(executor) {}

  /// Whether the other side has left it open, and said nothing.
  bool is_usable() {
    if (steady_clock::now() - idle_since > kIdleFor) return false;
    pollfd look{stream.socket().native_handle(), POLLIN | POLLRDHUP, 0};
    return ::poll(&look, 1, /*timeout=*/0) == 0;
  }

  beast::tcp_stream stream;
  std::optional<asio::ssl::stream<beast::tcp_stream&>> tls;  ///< Over `stream`, with https.
  beast::flat_buffer buffer;
  steady_clock::time_point idle_since;
};

struct Client::Trust {
  Trust() : context(asio::ssl::context::tls_client) {
    context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1);
    context.set_verify_mode(asio::ssl::verify_peer);
    beast::error_code ignored;  // Without any authority nobody is trusted.
    context.set_default_verify_paths(ignored);
  }

  asio::ssl::context context;
};

Client::Trust& Client::trust() {
  std::call_once(trust_read_, [this] { trust_ = std::make_unique<Trust>(); });
  return *trust_;
}

Client::Client() = default;
Client::~Client() = default;

std::unique_ptr<Client::Connection> Client::take(const Key& key) {
  for (;;) {
    std::unique_lock lock(mutex_);
    auto& idle = idle_[key];
    if (idle.empty()) return nullptr;
    auto connection = std::move(idle.back());
    idle.pop_back();
    lock.unlock();
    if (connection->is_usable()) return connection;
  }
}

void Client::keep(const Key& key, std::unique_ptr<Connection> connection) {
  connection->idle_since = steady_clock::now();
  const std::scoped_lock lock(mutex_);
  auto& idle = idle_[key];
  if (idle.size() < kIdlePerOrigin) idle.push_back(std::move(connection));
}

void Client::close_idle() {
  const std::scoped_lock lock(mutex_);
  idle_.clear();
}

asio::awaitable<Result<ClientResponse>> Client::send(std::string origin, ClientRequest request,
                                                     Deadline deadline) {
  using asio::experimental::awaitable_operators::operator||;
  const auto parsed = parse_origin(origin);
  if (!parsed) co_return fail(Errc::invalid, origin + " is no URL of the form http://host:port");
  const auto executor = co_await asio::this_coro::executor;
  const Key key{&asio::query(executor, asio::execution::context), origin};

  auto connection = take(key);
  if (!connection) {
    connection = std::make_unique<Connection>(executor);
    tcp::resolver resolver(executor);
    asio::steady_timer timer(executor, deadline);
    auto resolved = co_await (resolver.async_resolve(parsed->host, parsed->port, kTuple) ||
                              timer.async_wait(kTuple));
    if (resolved.index() == 1) co_return fail(nothing_sent(origin, "its name isn't known in time"));
    const auto& [ec, endpoints] = std::get<0>(resolved);
    if (ec) co_return fail(nothing_sent(origin, ec.message()));
    connection->stream.expires_at(deadline);
    const auto [failed, endpoint] = co_await connection->stream.async_connect(endpoints, kTuple);
    if (failed) co_return fail(nothing_sent(origin, failed.message()));
    beast::error_code ignored;
    connection->stream.socket().set_option(tcp::no_delay(true), ignored);
    if (parsed->is_secure) {
      auto& tls = connection->tls.emplace(connection->stream, trust().context);
      beast::error_code is_name;
      asio::ip::make_address(parsed->host, is_name);
      // An address is no server name (RFC 6066 §3).
      if (is_name) SSL_set_tlsext_host_name(tls.native_handle(), parsed->host.c_str());
      tls.set_verify_callback(asio::ssl::host_name_verification(parsed->host));
      const auto [distrusted] =
          co_await tls.async_handshake(asio::ssl::stream_base::client, kTuple);
      if (distrusted) co_return fail(nothing_sent(origin, distrusted.message()));
    }
  }

  Message message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  message.set(beast::http::field::host, parsed->host + ":" + parsed->port);
  for (const auto& [name, value] : request.headers) message.insert(name, value);
  message.body() = std::move(request.body);
  message.prepare_payload();

  connection->stream.expires_at(deadline);
  const auto [failed, parser] =
      connection->tls ? co_await exchange(*connection->tls, connection->buffer, message)
                      : co_await exchange(connection->stream, connection->buffer, message);
  if (failed) co_return fail(no_answer(origin, failed.message()));

  ClientResponse response;
  response.status = parser->get().result_int();
  for (const auto& field : parser->get()) {
    response.headers.emplace_back(field.name_string(), field.value());
  }
  response.body = std::move(parser->get().body());
  connection->stream.expires_never();
  if (parser->keep_alive()) keep(key, std::move(connection));
  co_return response;
}

}  // namespace keyledger::http
