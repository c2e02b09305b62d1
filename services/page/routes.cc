#include "services/page/routes.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "services/http/problem.h"
#include "services/page/assets.h"

namespace keyledger::page {
namespace {

using http::Request;
using http::Response;

/// Nothing but our own files and our own API; no inline code, no frames (CSP Level 3).
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'";

std::string_view media_type(std::string_view name) {
  const std::string_view kind = name.substr(name.rfind('.') + 1);
  if (kind == "html") return "text/html; charset=utf-8";
  if (kind == "css") return "text/css; charset=utf-8";
  if (kind == "js") return "text/javascript; charset=utf-8";
  if (kind == "yaml") return "application/yaml";  // RFC 9512
  return "image/svg+xml";
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

/// The next item of a comma-separated list, which it is taken from.
std::string_view next_item(std::string_view& list) {
  const auto comma = list.find(',');
  std::string_view item = list.substr(0, comma);
  list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
  while (!item.empty() && is_space(item.front())) item.remove_prefix(1);
  while (!item.empty() && is_space(item.back())) item.remove_suffix(1);
  return item;
}

/// Whether Accept-Encoding (RFC 9110 §12.5.3) has gzip, and not with a weight of 0.
bool takes_gzip(const Request& request) {
  std::string_view list = request.header("accept-encoding");
  while (!list.empty()) {
    std::string_view item = next_item(list);
    const auto parameters = item.find(';');
    if (item.substr(0, item.find_first_of("; \t")) != "gzip") continue;
    if (parameters == std::string_view::npos) return true;
    return item.substr(parameters).find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

/// Whether If-None-Match (RFC 9110 §13.1.2) has `tag`.
bool has_already(const Request& request, std::string_view tag) {
  std::string_view list = request.header("if-none-match");
  while (!list.empty()) {
    std::string_view item = next_item(list);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag || item == "*") return true;
  }
  return false;
}

Response answer(const Asset& asset, const Request& request) {
  const bool gzip = takes_gzip(request);
  const std::string tag = '"' + std::string(asset.tag) + (gzip ? "-gz\"" : "\"");
  Response response;
  response.set("ETag", tag)
      .set("Cache-Control", "no-cache")
      .set("Vary", "Accept-Encoding")
      .set("Content-Security-Policy", kPolicy)
      .set("Cross-Origin-Opener-Policy", "same-origin");
  if (has_already(request, tag)) {
    response.status = 304;
    return response;
  }
  response.set("Content-Type", media_type(asset.name));
  if (gzip) response.set("Content-Encoding", "gzip");
  response.body = gzip ? asset.gzip : asset.plain;
  return response;
}

bool has_path_of_its_own(const Asset& asset) {
  return asset.name.ends_with(".html") || asset.name.ends_with(".yaml");
}

/// What a page loads: by the name in the path.
Response answer_file(const Request& request) {
  const auto asset = std::ranges::find(assets(), request.path_parameters.at(0), &Asset::name);
  if (asset != assets().end() && !has_path_of_its_own(*asset)) return answer(*asset, request);
  return http::problem(404, "there is nothing at this path", request.request_id);
}

http::Route route_to(const char* pattern, http::InlineHandler handler) {
  http::Route route;
  route.pattern = pattern;
  route.handler = std::move(handler);
  return route;
}

http::Route route_to_asset(const char* pattern, std::string_view name) {
  const Asset& asset = *std::ranges::find(assets(), name, &Asset::name);
  return route_to(pattern, [&asset](const Request& request) { return answer(asset, request); });
}

}  // namespace

std::vector<http::Route> routes() {
  return {route_to_asset("/", "index.html"), route_to_asset("/reference", "reference.html"),
          route_to("/page/{file}", answer_file)};
}

http::Route openapi_route() { return route_to_asset("/openapi.yaml", "openapi.yaml"); }

}  // namespace keyledger::page
