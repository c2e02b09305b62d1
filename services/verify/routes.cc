#include "services/verify/routes.h"

#include <optional>
#include <string>
#include <utility>

#include "services/api/on_threads.h"
#include "services/http/json_body.h"
#include "services/http/problem.h"
#include "services/http/query.h"
#include "services/verify/answer.h"
#include "services/verify/credential.h"
#include "services/verify/question.h"

namespace keyledger::verify {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t kMaxBatchBodyBytes = 1024 * 1024;

/// `text` as a header value: visible ASCII stays as it is, all else and `%` is percent-encoded.
std::string header_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '%') {
      out += c;
    } else {
      out += http::percent_encode(std::string_view(&c, 1));
    }
  }
  return out;
}

/// What both forms of verification refuse before they look at the question.
std::optional<Response> media_problem(const Request& request) {
  if (!http::has_json_content_type(request)) {
    return http::problem(415, "send the body as application/json", request.request_id);
  }
  if (!http::accepts(request, "application/json")) {
    return http::problem(406, "this answers with application/json", request.request_id);
  }
  return std::nullopt;
}

}  // namespace

Routes::Routes(const Verifier& verifier, const projections::ReadModel& model,
               const api::Admission& admission, std::function<std::uint64_t()> position,
               boost::asio::thread_pool& threads, logging::Logger& logger)
    : verifier_(verifier),
      model_(model),
      admission_(admission),
      position_(std::move(position)),
      threads_(threads),
      logger_(logger) {}

std::vector<http::Route> Routes::table() const {
  const auto row = [this](Method method, const char* pattern, Way way) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.verify_listener = true;
    route.for_browsers = false;
    route.handler = http::EagerHandler{
        [this, way](const Request& request) { return answer_at_once(request, way); },
        [this, way](const Request& request) { return answer_later(request, way); }};
    return route;
  };
  constexpr Way kVerify{&Routes::may_verify, &Routes::verify, true, true};
  constexpr Way kBatch{&Routes::may_verify, &Routes::verify_batch, true, false};
  constexpr Way kForwardAuth{&Routes::may_forward, &Routes::forward_auth, false, false};
  std::vector<http::Route> rows{row(Method::post, "/v1/verify", kVerify),
                                row(Method::post, "/v1/verify/batch", kBatch),
                                row(Method::other, "/v1/forward-auth", kForwardAuth),
                                row(Method::other, "/v1/forward-auth/*", kForwardAuth)};
  rows[1].max_body_bytes = kMaxBatchBodyBytes;
  return rows;
}

std::optional<Response> Routes::answer_at_once(const Request& request, const Way& way) const {
  if (const auto allowed = (this->*way.may_ask)(request); !allowed) {
    return http::problem(allowed.error(), request.request_id);
  }
  const bool has_query = way.query_is_ours && !request.query.empty();
  if (has_query || request.count("keyledger-min-position") > 0) return std::nullopt;
  return (this->*way.answer)(request);
}

Routes::Answer Routes::answer_later(const Request& request, Way way) const {
  const std::string_view text = way.query_is_ours ? request.query : "";
  const auto query =
      way.has_as_of ? http::Query::parse(text, {"as_of"}) : http::Query::parse(text, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  const auto ready = co_await admission_.min_position(request, *query);
  if (!ready) co_return http::problem(ready.error(), request.request_id);
  const auto as_of = api::read_as_of(*query, Position{*ready}, api::now());
  if (!as_of) co_return http::problem(as_of.error(), request.request_id);
  if (as_of->is_named()) co_return co_await verify_as_of(request, *as_of, Position{*ready});
  Response response = (this->*way.answer)(request);
  response.position = *ready;  // Not the one that this node was at when the request came.
  co_return response;
}

Result<void> Routes::may_verify(const Request& request) const {
  if (auto own = api::refuse_foreign(request); !own) return own;
  if (request.from_loopback || request.listener == http::ListenerKind::verify) return {};
  const auto principal = admission_.principal(request);
  if (!principal) return fail(principal.error());
  if (!principal->has(security::Scope::keys_verify)) {
    return fail(Errc::forbidden, "the token lacks the scope keys:verify");
  }
  return {};
}

Result<void> Routes::may_forward(const Request& request) const {
  if (request.from_loopback || request.listener == http::ListenerKind::verify) return {};
  return fail(Errc::not_found, "there is nothing at this path");
}

Response Routes::verify(const Request& request) const {
  if (auto refused = media_problem(request)) return std::move(*refused);
  QuestionReader reader;
  const auto question = reader.read_one(request.body);
  if (!question) return http::problem(question.error(), request.request_id);

  const std::uint64_t position = position_();
  const auto verdict = verifier_.judge(question->key, question->username, api::now());
  if (!verdict) return http::problem(verdict.error(), request.request_id);
  std::string answer;
  append_answer(answer, *verdict, position);
  return http::json_response(200, std::move(answer));
}

Routes::Answer Routes::verify_as_of(const Request& request, api::AsOf as_of,
                                    Position applied) const {
  const auto caller = admission_.principal(request);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  if (!caller->has(security::Scope::audit_read)) {
    co_return http::problem(Error{Errc::forbidden, "the token lacks the scope audit:read", {}},
                            request.request_id);
  }
  if (auto refused = media_problem(request)) co_return std::move(*refused);
  QuestionReader reader;
  const auto question = reader.read_one(request.body);
  if (!question) co_return http::problem(question.error(), request.request_id);

  // Others' keys are theirs to know of.
  const bool is_of_any = caller->has(security::Scope::accounts_any);
  if (!is_of_any && !caller->account) {
    co_return http::problem(
        Error{Errc::forbidden, "the token is of no account, and lacks the scope accounts:any", {}},
        request.request_id);
  }
  const auto account = is_of_any ? std::nullopt : caller->account;
  auto judge = [&]() -> Result<std::string> {
    const auto position = api::find_position(as_of, model_);
    if (!position) return fail(position.error());
    const Position at = position->value_or(applied);
    const auto then = as_of.time ? Result<Instant>(*as_of.time) : model_.time_at(at);
    if (!then) return fail(then.error());
    const auto verdict = verifier_.judge_at(question->key, question->username, at, *then, account);
    if (!verdict) return fail(verdict.error());
    std::string answer;
    append_answer(answer, *verdict, at.value);
    return answer;
  };
  auto answer = co_await api::on_threads(threads_, std::move(judge));
  if (!answer) co_return http::problem(answer.error(), request.request_id);
  Response response = http::json_response(200, std::move(*answer));
  response.position = applied.value;
  co_return response;
}

Response Routes::verify_batch(const Request& request) const {
  if (auto refused = media_problem(request)) return std::move(*refused);
  QuestionReader reader;
  const auto questions = reader.read_batch(request.body);
  if (!questions) return http::problem(questions.error(), request.request_id);

  const Instant now = api::now();
  const std::uint64_t position = position_();
  std::string answer = "{\"results\":[";
  for (const Question& question : *questions) {
    const auto verdict = verifier_.judge(question.key, question.username, now);
    if (!verdict) return http::problem(verdict.error(), request.request_id);
    if (answer.back() != '[') answer += ',';
    append_answer(answer, *verdict, position);
  }
  answer += "]}";
  return http::json_response(200, std::move(answer));
}

Response Routes::forward_auth(const Request& request) const {
  const auto credential = read_credential(request);
  if (!credential) return refuse(request, credential.error().message);
  const std::optional<std::string_view> username = credential->username;
  const auto verdict = verifier_.judge(credential->value, username, api::now());
  if (!verdict) return http::problem(verdict.error(), request.request_id);
  if (verdict->code != Code::valid) return refuse(request, code_name(verdict->code));

  const projections::Grant& grant = verdict->grant;
  Response response;
  response.set("X-Keyledger-Account", grant.account.value);
  response.set("X-Keyledger-Username", header_text(grant.username.value));
  response.set("X-Keyledger-Key-Id", grant.key.value);
  response.set("X-Keyledger-Key-Name", http::percent_encode(grant.name.value));
  response.set("Cache-Control", "no-store");
  return response;
}

Response Routes::refuse(const Request& request, std::string_view reason) const {
  logger_.info("credential refused", {{"reason", reason},
                                      {"address", request.origin_address()},
                                      {"request_id", request.request_id},
                                      {"traceparent", request.traceparent}});
  Response response = http::problem(401, "the credential is not accepted", request.request_id);
  response.set("WWW-Authenticate", "Basic realm=\"keyledger\", charset=\"UTF-8\"");
  return response;
}

}  // namespace keyledger::verify
