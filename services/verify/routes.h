#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "projections/read_model.h"
#include "services/api/admission.h"
#include "services/api/as_of.h"
#include "services/http/router.h"
#include "services/logging/logger.h"
#include "services/verify/verifier.h"

namespace keyledger::verify {

/// Answers whether a key value is good: for services that ask (/v1/verify) and for proxies that let
/// it be asked (/v1/forward-auth). Immutable; any thread.
class Routes {
 public:
  /// `position` is that of `model`. Answers as of earlier are read on `threads`. All references are
  /// used until the Routes are gone.
  Routes(const Verifier& verifier, const projections::ReadModel& model,
         const api::Admission& admission, std::function<std::uint64_t()> position,
         boost::asio::thread_pool& threads, logging::Logger& logger);

  /// The rows of the routing table. They refer to this object.
  std::vector<http::Route> table() const;

 private:
  using Answer = boost::asio::awaitable<http::Response>;

  /// One way of asking.
  struct Way {
    Result<void> (Routes::*may_ask)(const http::Request& request) const;
    http::Response (Routes::*answer)(const http::Request& request) const;
    bool query_is_ours;  ///< Else it is that of a proxy's client, and isn't looked at.
    bool has_as_of;
  };

  /// Nothing for a request that asks for a position: answer_later() then waits for that.
  std::optional<http::Response> answer_at_once(const http::Request& request, const Way& way) const;
  Answer answer_later(const http::Request& request, Way way) const;

  /// On loopback and on the listener for validation nobody needs a token (design §7).
  Result<void> may_verify(const http::Request& request) const;
  Result<void> may_forward(const http::Request& request) const;

  http::Response verify(const http::Request& request) const;
  /// What verify() would have answered then.
  Answer verify_as_of(const http::Request& request, api::AsOf as_of, Position position) const;
  http::Response verify_batch(const http::Request& request) const;
  http::Response forward_auth(const http::Request& request) const;
  http::Response refuse(const http::Request& request, std::string_view reason) const;

  const Verifier& verifier_;
  const projections::ReadModel& model_;
  const api::Admission& admission_;
  const std::function<std::uint64_t()> position_;
  boost::asio::thread_pool& threads_;
  logging::Logger& logger_;
};

}  // namespace keyledger::verify
