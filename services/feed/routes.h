#pragma once

#include <vector>

#include "events/result.h"
#include "projections/read_model.h"
#include "services/api/admission.h"
#include "services/feed/subscription.h"
#include "services/http/router.h"

namespace keyledger::feed {

/// `GET /v1/events`: the log as server-sent events, to whoever may see it. Immutable; any thread.
class Routes {
 public:
  /// Both are used until the Routes are gone.
  Routes(Source& source, const api::Admission& admission);

  /// The rows of the routing table. They refer to this object.
  std::vector<http::Route> table() const;

 private:
  boost::asio::awaitable<http::Response> follow(const http::Request& request) const;
  /// What the request asks for, and whether `caller` may. Errors: malformed, forbidden, not_found.
  static Result<projections::FollowQuery> read(const http::Request& request,
                                               const http::Query& query,
                                               const security::Principal& caller);

  Source& source_;
  const api::Admission& admission_;
};

}  // namespace keyledger::feed
