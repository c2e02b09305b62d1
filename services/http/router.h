#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "services/http/message.h"

namespace keyledger::http {

/// Answers at once, on the I/O thread: for what never blocks.
using InlineHandler = std::function<Response(const Request&)>;

/// Answers in its own time; `request` lives until the answer has been taken.
using AsyncHandler = std::function<boost::asio::awaitable<Response>(const Request&)>;

/// The hot path: answers at once where it can, and leaves what has to wait first to `later`.
struct EagerHandler {
  std::function<std::optional<Response>(const Request&)> at_once;
  AsyncHandler later;
};

using Handler = std::variant<InlineHandler, AsyncHandler, EagerHandler>;

/// One row of the routing table.
struct Route {
  Method method = Method::get;  ///< Method::other: any method.
  std::string pattern;  ///< "/v1/accounts/{account}/keys"; a last segment "*" takes the rest.
  std::size_t max_body_bytes = 64 * 1024;
  bool main_listener = true;     ///< Whether it is there on the main listener,
  bool verify_listener = false;  ///< and whether on the one for validation.
  /// Whether browsers may come here: answers then say what a browser must not do with them. Not for
  /// the hot path.
  bool for_browsers = true;
  Handler handler;
  std::size_t index = 0;  ///< The owner's own number for it, for metrics.
};

/// A row that a member function of `self` answers, at once or in its own time, as it returns a
/// Response or waits for one. `self` outlives the router.
template <typename Self, typename Answer>
Route route_to(const Self* self, Method method, std::string pattern,
               Answer (Self::*handler)(const Request&) const) {
  using BoundHandler =
      std::conditional_t<std::is_same_v<Answer, Response>, InlineHandler, AsyncHandler>;
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.handler =
      BoundHandler([self, handler](const Request& request) { return (self->*handler)(request); });
  return route;
}

/// Finds the route of a request. Immutable after construction; any thread.
class Router {
 public:
  explicit Router(std::vector<Route> routes);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  struct Match {
    const Route* route = nullptr;  ///< Null: no route for this path, or not by this method.
    std::string allow;  ///< For a path that exists, the methods that it takes ("GET, HEAD, POST").
    std::vector<std::string> parameters;
  };

  /// HEAD matches a GET route. A path parameter that does not percent-decode to UTF-8 matches
  /// nothing.
  Match find(Method method, std::string_view path, ListenerKind listener) const;

 private:
  struct Pattern {
    std::vector<std::string_view> segments;  ///< Views into the route's pattern.
    const Route* route;
  };

  std::vector<Route> routes_;
  /// The routes without parameters, by path: one look-up on the hot path.
  std::map<std::string, std::vector<const Route*>, std::less<>> fixed_;
  std::vector<Pattern> patterns_;
};

}  // namespace keyledger::http
