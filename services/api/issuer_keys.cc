#include "services/api/issuer_keys.h"

#include <algorithm>
#include <fstream>
#include <future>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "services/security/token_parts.h"

namespace keyledger::api {
namespace {

/// How often who waits for a reading looks whether it has ended.
constexpr std::chrono::milliseconds kLook{10};

bool is_url(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

/// A URL's origin, and its path and query.
std::pair<std::string, std::string> split(const std::string& url) {
  const auto path = url.find('/', url.find("://") + 3);
  if (path == std::string::npos) return {url, "/"};
  return {url.substr(0, path), url.substr(path)};
}

}  // namespace

IssuerKeys::IssuerKeys(Options options, logging::Logger& logger)
    : options_(std::move(options)),
      logger_(logger),
      allowance_(options_.at_once),
      allowance_at_(Clock::now()) {}

IssuerKeys::~IssuerKeys() { stop(); }

Result<void> IssuerKeys::start() {
  auto first = read();
  if (!first && !is_url(options_.source)) return first;
  thread_ = std::thread([this] { run(); });
  return {};
}

void IssuerKeys::stop() {
  {
    const std::scoped_lock lock(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

void IssuerKeys::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    changed_.wait_for(lock, options_.read_again_after,
                      [this] { return is_stopped_ || is_wanted_; });
    if (is_stopped_) return;
    is_wanted_ = false;
    is_reading_ = true;
    lock.unlock();
    [[maybe_unused]] const auto is_logged = read();
    lock.lock();
    is_reading_ = false;
    ++readings_;
  }
}

Result<void> IssuerKeys::read() {
  auto text = read_source();
  auto keys = text ? security::KeySet::parse(*text) : fail(std::move(text.error()));
  if (!keys) {
    logger_.warn("the issuer's keys can't be read; those of before are used",
                 {{"source", options_.source}, {"error", keys.error().message}});
    return fail(Errc::unavailable, "--auth.jwks " + options_.source + ": " + keys.error().message);
  }
  auto known = std::make_shared<Known>(*std::move(keys));
  const std::scoped_lock lock(mutex_);
  known_ = std::move(known);
  return {};
}

Result<std::string> IssuerKeys::read_source() {
  return is_url(options_.source) ? read_url() : read_file();
}

Result<std::string> IssuerKeys::read_file() const {
  std::ifstream file(options_.source, std::ios::binary);
  // One more than a JWK Set may have, so that it sees that there are more.
  std::string text(security::KeySet::kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return fail(Errc::io, "the file can't be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<std::string> IssuerKeys::read_url() {
  auto [origin, target] = split(options_.source);
  http::ClientRequest request;
  request.method = "GET";
  request.target = std::move(target);
  request.headers.emplace_back("Accept", "application/jwk-set+json, application/json");
  auto answer = boost::asio::co_spawn(
      io_, client_.send(std::move(origin), std::move(request), Clock::now() + options_.read_within),
      boost::asio::use_future);
  io_.restart();
  {
    const std::scoped_lock lock(mutex_);
    if (is_stopped_) io_.stop();
  }
  io_.run();
  client_.close_idle();
  if (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    return fail(Errc::unavailable, "this node is stopping");
  }
  auto got = answer.get();
  if (!got) return fail(std::move(got.error()));
  if (got->status != 200) {
    return fail(Errc::unavailable, "it answers with status " + std::to_string(got->status));
  }
  return std::move(got->body);
}

std::shared_ptr<const IssuerKeys::Known> IssuerKeys::known() const {
  const std::scoped_lock lock(mutex_);
  if (known_ && Clock::now() - known_->read_at > options_.good_for) return nullptr;
  return known_;
}

bool IssuerKeys::claims_to_issue(std::string_view token) const {
  const auto origin = security::claimed_origin(token);
  return origin && origin->issuer == options_.issuer.name;
}

Result<security::Principal> IssuerKeys::check(std::string_view token, Instant now) const {
  const auto keys = known();
  if (!keys) return fail(Errc::unavailable, "the keys of the token's issuer can't be read now");
  return security::check_issued_token(options_.issuer, keys->keys, keys->proven, token, now);
}

bool IssuerKeys::needs_reading(const http::Request& request) const {
  const auto token = security::bearer_token(request.header("authorization"));
  if (!token) return false;
  const auto origin = security::claimed_origin(*token);
  if (!origin || origin->issuer != options_.issuer.name) return false;
  const auto keys = known();
  return !keys || !keys->keys.contains(origin->key_id);
}

std::optional<std::uint64_t> IssuerKeys::ask_for_reading() {
  const std::scoped_lock lock(mutex_);
  if (is_wanted_) return readings_ + (is_reading_ ? 2 : 1);
  const auto now = Clock::now();
  allowance_ = std::min<double>(
      options_.at_once,
      allowance_ + std::chrono::duration<double>(now - allowance_at_) / options_.one_more_after);
  allowance_at_ = now;
  if (allowance_ < 1) return std::nullopt;
  allowance_ -= 1;
  is_wanted_ = true;
  changed_.notify_all();
  // One that is under way may have begun before the key was there.
  return readings_ + (is_reading_ ? 2 : 1);
}

std::uint64_t IssuerKeys::readings() const {
  const std::scoped_lock lock(mutex_);
  return readings_;
}

boost::asio::awaitable<void> IssuerKeys::wait_for_reading(Clock::time_point deadline) {
  const auto reading = ask_for_reading();
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  while (reading && readings() < *reading && Clock::now() + kLook < deadline) {
    timer.expires_after(kLook);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

http::Handler IssuerKeys::guard(http::Handler handler) {
  const auto shared = std::make_shared<const http::Handler>(std::move(handler));
  return http::EagerHandler{
      [this, shared](const http::Request& request) -> std::optional<http::Response> {
        if (needs_reading(request)) return std::nullopt;
        if (const auto* inlined = std::get_if<http::InlineHandler>(shared.get())) {
          return (*inlined)(request);
        }
        const auto* eager = std::get_if<http::EagerHandler>(shared.get());
        return eager != nullptr ? eager->at_once(request) : std::nullopt;
      },
      [this, shared](const http::Request& request) { return serve(request, *shared); }};
}

boost::asio::awaitable<http::Response> IssuerKeys::serve(const http::Request& request,
                                                         const http::Handler& handler) {
  if (needs_reading(request)) {
    co_await wait_for_reading(std::min(request.deadline, Clock::now() + options_.read_within));
  }
  if (const auto* later = std::get_if<http::AsyncHandler>(&handler)) {
    co_return co_await (*later)(request);
  }
  if (const auto* inlined = std::get_if<http::InlineHandler>(&handler)) {
    co_return (*inlined)(request);
  }
  const auto& eager = std::get<http::EagerHandler>(handler);
  // Perhaps once more: a handler that has to wait for something of its own says so again.
  if (auto response = eager.at_once(request)) co_return std::move(*response);
  co_return co_await eager.later(request);
}

}  // namespace keyledger::api
