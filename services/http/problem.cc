#include "services/http/problem.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace keyledger::http {
namespace {

using nlohmann::ordered_json;

/// A kind of problem: stable for clients.
struct Kind {
  unsigned status;
  const char* slug;
  const char* title;
};

Kind kind_of(Errc code) {
  switch (code) {
    case Errc::malformed:
      return {400, "malformed", "The request can't be read"};
    case Errc::invalid:
      return {422, "invalid", "The request breaks a rule"};
    case Errc::unauthenticated:
      return {401, "unauthenticated", "No credential that holds"};
    case Errc::forbidden:
      return {403, "forbidden", "The token does not allow this"};
    case Errc::not_found:
      return {404, "not-found", "Not found"};
    case Errc::account_unknown:
      return {409, "account-unknown", "The account is not registered"};
    case Errc::gone:
      return {410, "gone", "No longer given out"};
    case Errc::version_mismatch:
      return {412, "version-mismatch", "The key has another version"};
    case Errc::idempotency_mismatch:
      return {422, "idempotency-mismatch", "The idempotency key was used for another request"};
    case Errc::not_caught_up:
      return {503, "not-caught-up", "The read model is not there yet"};
    case Errc::overloaded:
      return {503, "overloaded", "Too much to do"};
    case Errc::unavailable:
      return {503, "unavailable", "Not possible now"};
    case Errc::not_leader:
      return {503, "not-leader", "Another node takes commands"};
    case Errc::outcome_unknown:
      return {503, "outcome-unknown", "It may or may not have been written"};
    case Errc::damaged:
    case Errc::locked:
    case Errc::incompatible:
    case Errc::io:
    case Errc::internal:
      return {500, "internal", "Internal error"};
  }
  std::unreachable();
}

Kind kind_of(unsigned status) {
  switch (status) {
    case 401:
      return {401, "unauthenticated", "No credential that holds"};
    case 404:
      return {404, "not-found", "Not found"};
    case 405:
      return {405, "method-not-allowed", "Method not allowed"};
    case 406:
      return {406, "not-acceptable", "No form that the client accepts"};
    case 408:
      return {408, "request-timeout", "The request took too long to arrive"};
    case 413:
      return {413, "content-too-large", "The body is too large"};
    case 415:
      return {415, "unsupported-media-type", "The body's type is not one that is read here"};
    case 417:
      return {417, "expectation-failed", "The expectation can't be met"};
    case 421:
      return {421, "misdirected", "This node does not carry it out"};
    case 429:
      return {429, "too-many-failures", "Too many failures"};
    case 431:
      return {431, "header-too-large", "The header is too large"};
    case 500:
      return {500, "internal", "Internal error"};
    case 501:
      return {501, "not-implemented", "Not implemented"};
    case 505:
      return {505, "version-not-supported", "HTTP version not supported"};
    default:
      return {status, "malformed", "The request can't be read"};
  }
}

/// What went wrong inside is the log's to tell.
std::string_view detail_of(const Error& error, const Kind& kind) {
  if (kind.status == 500) return "the log of this server has more, under this request's id";
  if (error.code == Errc::outcome_unknown) {
    return "it may or may not have been written; repeat it with the same Idempotency-Key";
  }
  return error.message;
}

Response render(const Kind& kind, const ordered_json& body) {
  Response response;
  response.status = kind.status;
  response.set("Content-Type", "application/problem+json").set("Cache-Control", "no-store");
  if (kind.status == 503) response.set("Retry-After", "1");
  // A text may quote what the client sent: never fail for that.
  response.body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return response;
}

ordered_json body_of(const Kind& kind, std::string_view detail, std::string_view request_id) {
  return {{"type", std::string("urn:keyledger:problem:") + kind.slug},
          {"title", kind.title},
          {"status", kind.status},
          {"detail", detail},
          {"instance", request_id}};
}

}  // namespace

Response problem(const Error& error, std::string_view request_id) {
  const Kind kind = kind_of(error.code);
  const std::string_view detail = detail_of(error, kind);
  auto body = body_of(kind, detail, request_id);
  for (const FieldError& field : error.fields) {
    if (kind.status == 500) break;
    body["errors"].push_back({{"pointer", field.pointer}, {"detail", field.detail}});
  }
  Response response = render(kind, body);
  response.error = error.code;
  if (kind.status == 401) response.set("WWW-Authenticate", "Bearer realm=\"keyledger\"");
  if (kind.status >= 500) response.log_text = error.message;
  return response;
}

Response problem(unsigned status, std::string_view detail, std::string_view request_id) {
  const Kind kind = kind_of(status);
  return render(kind, body_of(kind, detail, request_id));
}

}  // namespace keyledger::http
