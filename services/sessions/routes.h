#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "services/api/admission.h"
#include "services/http/router.h"
#include "services/logging/logger.h"
#include "services/security/sessions.h"

namespace keyledger::sessions {

/// What a page must know of the deployment to offer what there is.
struct Deployment {
  bool values_once = false;  ///< A key's value is shown at its creation alone.
  /// How many nodes validate beside each other and can be waited for; 0 where there is only this
  /// one.
  std::function<std::size_t()> replicas;
};

/// Signs browsers in and out, and tells a page who is signed in. Immutable; any thread.
class Routes {
 public:
  /// All references are used until the Routes are gone.
  Routes(security::Sessions& sessions, const api::Admission& admission, Deployment deployment,
         logging::Logger& logger);

  /// The rows of the routing table. They refer to this object.
  std::vector<http::Route> table() const;

 private:
  http::Response sign_in(const http::Request& request) const;
  http::Response show(const http::Request& request) const;
  http::Response sign_out(const http::Request& request) const;

  security::Sessions& sessions_;
  const api::Admission& admission_;
  const Deployment deployment_;
  logging::Logger& logger_;
};

}  // namespace keyledger::sessions
