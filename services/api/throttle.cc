#include "services/api/throttle.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include <boost/asio/ip/address.hpp>

#include "services/api/session_cookie.h"
#include "services/http/problem.h"
#include "services/security/crypto.h"

namespace keyledger::api {
namespace {

constexpr std::chrono::minutes kBurst{1};

std::array<char, 32> new_secret() {
  std::array<char, 32> secret{};
  security::random_bytes(std::as_writable_bytes(std::span(secret)));
  return secret;
}

/// Whether somebody tried to be somebody: what has no credential is asked for one.
bool has_credential(const http::Request& request) {
  return request.count("authorization") > 0 || request.count("x-api-key") > 0 ||
         session_cookie(request).has_value() || request.path == "/sign-in";
}

/// An address as text, of IPv6 the half that a client can't choose.
std::string network_of(std::string_view text) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(std::string(text), ec);
  if (ec || address.is_v4()) return std::string(text);
  if (address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())
        .to_string();
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + bytes.size() / 2};
}

}  // namespace

Throttle::Throttle(unsigned per_minute)
    : interval_(std::chrono::duration_cast<Clock::duration>(kBurst) / per_minute),
      secret_(new_secret()),
      sets_(kSets) {}

std::uint64_t Throttle::hash_of(std::string_view address) const {
  std::string keyed(secret_.begin(), secret_.end());
  keyed += network_of(address);
  const Digest digest = security::sha256(keyed);
  std::uint64_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof(hash));
  return hash;
}

std::optional<std::chrono::seconds> Throttle::fail_of(std::string_view address,
                                                      Clock::time_point now) {
  const std::uint64_t hash = hash_of(address);
  const std::size_t number = hash % kSets;
  const std::scoped_lock lock(mutexes_.at(number % kMutexes));
  auto& set = sets_[number];
  auto place = std::ranges::find(set, hash, &Place::address);
  if (place == set.end()) {
    place = std::ranges::min_element(set, {}, &Place::due);
    *place = {hash, now};
  }
  const auto due = std::max(place->due, now) + interval_;
  if (due - now > kBurst) return std::chrono::ceil<std::chrono::seconds>(due - now - kBurst);
  place->due = due;
  return std::nullopt;
}

http::Response Throttle::judge(const http::Request& request, http::Response response) {
  if (response.status != 401 || request.client_address.empty() || !has_credential(request)) {
    return response;
  }
  const auto wait = fail_of(request.client_address, Clock::now());
  if (!wait) return response;
  refused_.fetch_add(1, std::memory_order_relaxed);
  auto refusal = http::problem(429, "too many credentials that don't hold came from this address",
                               request.request_id);
  refusal.set("Retry-After", std::to_string(wait->count()));
  return refusal;
}

boost::asio::awaitable<http::Response> Throttle::serve(const http::Request& request,
                                                       const http::AsyncHandler& handler) {
  co_return judge(request, co_await handler(request));
}

http::Handler Throttle::guard(http::Handler handler) {
  if (auto* inlined = std::get_if<http::InlineHandler>(&handler)) {
    return http::InlineHandler([this, inner = std::move(*inlined)](const http::Request& request) {
      return judge(request, inner(request));
    });
  }
  if (auto* later = std::get_if<http::AsyncHandler>(&handler)) {
    return http::AsyncHandler([this, inner = std::move(*later)](const http::Request& request) {
      return serve(request, inner);
    });
  }
  auto& eager = std::get<http::EagerHandler>(handler);
  return http::EagerHandler{[this, inner = std::move(eager.at_once)](
                                const http::Request& request) -> std::optional<http::Response> {
                              auto response = inner(request);
                              if (response) *response = judge(request, std::move(*response));
                              return response;
                            },
                            [this, inner = std::move(eager.later)](const http::Request& request) {
                              return serve(request, inner);
                            }};
}

}  // namespace keyledger::api
