#include "services/sessions/routes.h"

#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/api/session_cookie.h"
#include "services/http/json_body.h"
#include "services/http/problem.h"
#include "services/http/query.h"

namespace keyledger::sessions {
namespace {

using http::Method;
using http::Request;
using http::Response;

/// For a person who followed a link: no script, nothing from elsewhere.
constexpr std::string_view kLinkIsOver = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in · keyledger</title>
<h1>This sign-in link is no longer good</h1>
<p>A link signs in once, within 15 minutes. On the machine that keyledger runs on,
<code>keyledger sign-in --data-dir DIR</code> prints a new one.</p>
<p><a href="/">Go to the page</a></p>
</html>
)";

bool wants_html(const Request& request) {
  return request.header("accept").find("text/html") != std::string_view::npos;
}

Response refuse_link(const Request& request) {
  Response response = http::problem(
      Error{Errc::unauthenticated,
            "the link is none, was used, or is older than 15 minutes; keyledger sign-in prints a "
            "new one",
            {}},
      request.request_id);
  if (!wants_html(request)) return response;
  response.headers.clear();
  response.set("Content-Type", "text/html; charset=utf-8");
  response.set("Cache-Control", "no-store");
  response.set("WWW-Authenticate", "Bearer realm=\"keyledger\"");
  response.body = kLinkIsOver;
  return response;
}

nlohmann::ordered_json scope_names(const security::Principal& principal) {
  auto names = nlohmann::ordered_json::array();
  for (const security::Scope scope : security::kAllScopes) {
    if (principal.has(scope)) names.push_back(security::scope_name(scope));
  }
  return names;
}

}  // namespace

Routes::Routes(security::Sessions& sessions, const api::Admission& admission, Deployment deployment,
               logging::Logger& logger)
    : sessions_(sessions),
      admission_(admission),
      deployment_(std::move(deployment)),
      logger_(logger) {}

std::vector<http::Route> Routes::table() const {
  return {http::route_to(this, Method::get, "/sign-in", &Routes::sign_in),
          http::route_to(this, Method::get, "/v1/session", &Routes::show),
          http::route_to(this, Method::delete_, "/v1/session", &Routes::sign_out)};
}

Response Routes::sign_in(const Request& request) const {
  const auto query = http::Query::parse(request.query, {"token"});
  if (!query) return http::problem(query.error(), request.request_id);
  const auto token = query->get("token");
  if (!token) {
    return http::problem(Error{Errc::malformed, "the link has no token", {}}, request.request_id);
  }
  Response response;
  response.status = 303;
  response.set("Location", "/").set("Cache-Control", "no-store");
  // Who only looks where a link leads (a mail scanner, a chat's preview) doesn't use it up.
  if (request.method == Method::head) return response;
  const auto replaced = api::session_cookie(request).value_or("");
  const auto secret = sessions_.sign_in(*token, replaced, api::now());
  logger_.info(secret ? "signed in" : "sign-in refused",
               {{"address", request.origin_address()}, {"request_id", request.request_id}});
  if (!secret) return refuse_link(request);
  response.set("Set-Cookie", api::set_session_cookie(*secret, request.is_secure));
  return response;
}

Response Routes::show(const Request& request) const {
  const auto principal = admission_.principal(request);
  if (!principal) return http::problem(principal.error(), request.request_id);
  if (!http::accepts(request, "application/json")) {
    return http::problem(406, "this answers with application/json", request.request_id);
  }
  const auto text_or_null = [](const auto& value) {
    return value ? nlohmann::ordered_json(value->value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json;
  json["account"] = text_or_null(principal->account);
  json["username"] = text_or_null(principal->username);
  json["scopes"] = scope_names(*principal);
  json["csrf_token"] = nullptr;
  if (request.count("authorization") == 0) {
    const auto secret = api::session_cookie(request).value_or("");
    if (const auto session = sessions_.find(secret, api::now())) {
      json["csrf_token"] = session->csrf_token;
    }
  }
  json["values"] = deployment_.values_once ? "once" : "recoverable";
  json["replicas"] = deployment_.replicas();
  return http::json_response(200, json.dump());
}

Response Routes::sign_out(const Request& request) const {
  if (auto own = api::refuse_foreign(request); !own) {
    return http::problem(own.error(), request.request_id);
  }
  const auto principal = admission_.principal(request);
  if (!principal) return http::problem(principal.error(), request.request_id);
  if (!request.body.empty() && !http::has_json_content_type(request)) {
    return http::problem(415, "no body is needed; one that is sent must be application/json",
                         request.request_id);
  }
  if (request.count("authorization") > 0) {
    return http::problem(Error{Errc::not_found,
                               "there is no session: a bearer token is signed out of where it "
                               "comes from",
                               {}},
                         request.request_id);
  }
  sessions_.end(api::session_cookie(request).value_or(""));
  logger_.info("signed out", {{"subject", principal->subject},
                              {"address", request.origin_address()},
                              {"request_id", request.request_id}});
  Response response;
  response.status = 204;
  response.set("Set-Cookie", api::clear_session_cookie(request.is_secure));
  response.set("Cache-Control", "no-store");
  return response;
}

}  // namespace keyledger::sessions
