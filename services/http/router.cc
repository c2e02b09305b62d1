#include "services/http/router.h"

#include <algorithm>
#include <utility>

#include "services/http/query.h"

namespace keyledger::http {
namespace {

constexpr std::string_view kRest = "*";

std::string_view method_name(Method method) {
  switch (method) {
    case Method::get:
      return "GET, HEAD";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::delete_:
      return "DELETE";
    case Method::other:
      return "*";
  }
  std::unreachable();
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == path.npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool takes(const Route& route, Method method) {
  if (route.method == Method::other || route.method == method) return true;
  return route.method == Method::get && method == Method::head;
}

bool is_on(const Route& route, ListenerKind listener) {
  return listener == ListenerKind::main ? route.main_listener : route.verify_listener;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

/// Whether the path's segments fit the pattern's; puts what its parameters matched, decoded, into
/// `parameters`.
bool fits(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& path,
          std::vector<std::string>& parameters) {
  parameters.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == kRest && i + 1 == pattern.size()) return path.size() > i;
    if (i >= path.size()) return false;
    if (!is_parameter(pattern[i])) {
      if (pattern[i] != path[i]) return false;
      continue;
    }
    auto value = percent_decode(path[i]);
    if (!value || value->empty()) return false;
    parameters.push_back(std::move(*value));
  }
  return path.size() == pattern.size();
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    const bool is_fixed = route.pattern.find_first_of("{*") == std::string::npos;
    if (is_fixed) {
      fixed_[route.pattern].push_back(&route);
    } else {
      patterns_.push_back({split(route.pattern), &route});
    }
  }
}

Router::Match Router::find(Method method, std::string_view path, ListenerKind listener) const {
  Match match;
  const auto consider = [&](const Route& route) {
    if (!is_on(route, listener)) return false;
    if (takes(route, method)) {
      match.route = &route;
      return true;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += method_name(route.method);
    return false;
  };
  if (const auto fixed = fixed_.find(path); fixed != fixed_.end()) {
    if (std::ranges::any_of(fixed->second, [&](const Route* route) { return consider(*route); })) {
      return match;
    }
  }
  const auto segments = split(path);
  std::vector<std::string> parameters;
  for (const Pattern& pattern : patterns_) {
    if (fits(pattern.segments, segments, parameters) && consider(*pattern.route)) {
      match.parameters = std::move(parameters);
      return match;
    }
  }
  return match;
}

}  // namespace keyledger::http
