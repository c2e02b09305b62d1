#include "services/commands/routes.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "events/key_value.h"
#include "services/api/key_json.h"
#include "services/commands/body.h"
#include "services/http/json_body.h"
#include "services/http/problem.h"

namespace keyledger::commands {
namespace {

using http::Method;
using http::Request;
using http::Response;
using security::Scope;

constexpr std::size_t kMaxIdempotencyKeyBytes = 255;
/// How long a request waits for a node that takes commands, and how often it looks for one.
constexpr std::chrono::seconds kFindLeader{5};
constexpr std::chrono::milliseconds kLookAgain{25};
/// What is left of a request's time for its answer to arrive, when waiting for others has ended.
constexpr std::chrono::seconds kToAnswer{1};
constexpr std::string_view kMergePatch = "application/merge-patch+json";

bool is_visible_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// A refusal by media type, if the request's can't be read or its Accept excludes JSON.
std::optional<Response> media_problem(const Request& request, bool has_body,
                                      std::string_view also = {}) {
  if (has_body && !http::has_json_content_type(request, also)) {
    return http::problem(415, "send the body as application/json", request.request_id);
  }
  if (!http::accepts(request, "application/json")) {
    return http::problem(406, "this answers with application/json", request.request_id);
  }
  return std::nullopt;
}

Response answer(unsigned status, const nlohmann::ordered_json& body, const Outcome& outcome) {
  Response response;
  if (status == 204) {
    response.status = status;
  } else {
    response = http::json_response(status, body.dump());
  }
  response.position = outcome.position.value;
  if (outcome.replayed) response.set("Idempotency-Replayed", "true");
  return response;
}

/// When whoever waits for the answer gives up: the client, or the node that passed it on.
std::chrono::steady_clock::time_point deadline_of(const Request& request,
                                                  const api::Caller& caller) {
  const auto& relay = caller.principal.relay;
  if (!relay) return request.deadline;
  return std::min(request.deadline, std::chrono::steady_clock::now() + relay->answer_within);
}

}  // namespace

Routes::Routes(Writer& writer, const api::Admission& admission, const security::KeyRing& ring,
               std::string key_prefix, const Forwarder* forwarder,
               replicas::Propagation* propagation)
    : writer_(writer),
      forwarder_(forwarder),
      propagation_(propagation),
      admission_(admission),
      pepper_(ring.pepper()),
      idempotency_(ring.idempotency_secret()),
      key_prefix_(std::move(key_prefix)) {}

std::vector<http::Route> Routes::table() const {
  const auto row = [this](Method method, const char* pattern, Handler handler) {
    http::Route route;
    route.method = method;
    route.pattern = pattern;
    route.handler = http::AsyncHandler(
        [this, handler](const Request& request) { return serve(request, handler); });
    return route;
  };
  return {
      row(Method::put, "/v1/accounts/{account}", &Routes::put_account),
      row(Method::post, "/v1/accounts/{account}/keys", &Routes::create_key),
      row(Method::patch, "/v1/accounts/{account}/keys/{key}", &Routes::change_key),
      row(Method::delete_, "/v1/accounts/{account}/keys/{key}", &Routes::delete_key),
      row(Method::post, "/v1/accounts/{account}/keys/{key}/reveal", &Routes::reveal),
  };
}

Routes::Answer Routes::serve(const Request& request, Handler handler) const {
  if (forwarder_ == nullptr) co_return co_await (this->*handler)(request);
  const auto give_up = std::min(request.deadline, std::chrono::steady_clock::now() + kFindLeader);
  std::optional<security::Principal> caller;
  for (;;) {
    Response response;
    if (writer_.takes_commands()) {
      response = co_await (this->*handler)(request);
      if (response.error != Errc::not_leader) co_return response;
    }
    if (!caller) {
      if (auto own = api::refuse_foreign(request); !own) {
        co_return http::problem(own.error(), request.request_id);
      }
      auto commander = admission_.commander(request);
      if (!commander) co_return http::problem(commander.error(), request.request_id);
      caller = std::move(*commander);
    }
    if (caller->relay) {
      co_return http::problem(421, "another node takes commands", request.request_id);
    }
    response = co_await forwarder_->forward(request, *caller);
    const bool is_late = std::chrono::steady_clock::now() + kLookAgain >= give_up;
    if (response.error != Errc::not_leader || is_late) co_return response;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, kLookAgain);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

Result<Submission> Routes::submission(const Request& request, const api::Caller& caller, Wish wish,
                                      std::string_view canonical_body) const {
  Submission submission{};
  submission.account = caller.account;
  submission.wish = std::move(wish);
  submission.actor = api::actor_of(request, caller.principal);
  submission.traceparent = request.traceparent;
  submission.deadline = deadline_of(request, caller);
  if (request.count("idempotency-key") == 0) return submission;

  const std::string_view key = request.header("idempotency-key");
  if (request.count("idempotency-key") > 1 || key.empty() || key.size() > kMaxIdempotencyKeyBytes ||
      !is_visible_ascii(key)) {
    return fail(Errc::malformed,
                "Idempotency-Key must be one header of 1 to 255 visible ASCII characters");
  }
  // Both are joined with NUL, which none of the parts can hold.
  std::string scoped = caller.account.value;
  scoped.append(1, '\0').append(caller.principal.subject).append(1, '\0').append(key);
  std::string asked(request.method_text);
  asked.append(1, '\0').append(request.path).append(1, '\0').append(canonical_body);
  submission.idempotency =
      Idempotency{security::to_hex(idempotency_(scoped)), security::to_hex(idempotency_(asked))};
  return submission;
}

boost::asio::awaitable<Result<Outcome>> Routes::carry_out(const Request& request,
                                                          const http::Query& query,
                                                          Submission submission) const {
  const auto position = co_await admission_.min_position(request, query);
  if (!position) co_return fail(position.error());
  co_return co_await writer_.submit(std::move(submission));
}

boost::asio::awaitable<void> Routes::add_applied_everywhere(const Request& request,
                                                            const api::Caller& caller,
                                                            nlohmann::ordered_json& body,
                                                            Response& response) const {
  const auto seconds = read_prefer_wait(request);
  if (!seconds) co_return;
  replicas::Spread spread{.applied_everywhere = propagation_ == nullptr, .missing = {}};
  if (propagation_ != nullptr) {
    const auto left = deadline_of(request, caller) - std::chrono::steady_clock::now() - kToAnswer;
    const std::chrono::nanoseconds patience =
        std::min<std::chrono::nanoseconds>(std::chrono::seconds(*seconds), left);
    spread = co_await propagation_->applied_everywhere(Position{*response.position}, patience);
  }
  body["applied_everywhere"] = spread.applied_everywhere;
  if (!spread.applied_everywhere) body["not_applied_by"] = spread.missing;
  response.body = body.dump();
  response.set("Preference-Applied", "wait=" + std::to_string(*seconds));
}

Routes::Answer Routes::put_account(const Request& request) const {
  const auto caller = admission_.admit_command(request, Scope::accounts_write);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (auto refused = media_problem(request, true)) co_return std::move(*refused);
  auto body = read_account(request.body);
  if (!body) co_return http::problem(body.error(), request.request_id);
  auto wish = submission(request, *caller, std::move(body->wish), body->json.dump());
  if (!wish) co_return http::problem(wish.error(), request.request_id);

  const auto outcome = co_await carry_out(request, *query, std::move(*wish));
  if (!outcome) co_return http::problem(outcome.error(), request.request_id);
  co_return answer(outcome->registered ? 201 : 200,
                   api::account_json(caller->account, outcome->state.account), *outcome);
}

Routes::Answer Routes::create_key(const Request& request) const {
  const auto caller = admission_.admit_command(request, Scope::keys_write);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (auto refused = media_problem(request, true)) co_return std::move(*refused);
  auto body = read_new_key(request.body);
  if (!body) co_return http::problem(body.error(), request.request_id);

  KeyEntropy entropy;
  security::random_bytes(entropy);
  NewKey& key = body->wish;
  key.value = make_key_value(key_prefix_, entropy);
  key.digest = pepper_(key.value);
  key.value_hint = value_hint(key_prefix_, key.value);
  if (caller->principal.account == caller->account) key.register_as = caller->principal.username;
  auto wish = submission(request, *caller, std::move(key), body->json.dump());
  if (!wish) co_return http::problem(wish.error(), request.request_id);

  const auto outcome = co_await carry_out(request, *query, std::move(*wish));
  if (!outcome) co_return http::problem(outcome.error(), request.request_id);
  const KeyState& state = outcome->state.key;
  nlohmann::ordered_json json = api::key_json(state);
  if (outcome->value) json["value"] = *outcome->value;
  Response response = answer(201, json, *outcome);
  response.set("Location", "/v1/accounts/" + caller->account.value + "/keys/" + state.id.value);
  response.set("ETag", api::entity_tag(state.version));
  co_return response;
}

Routes::Answer Routes::change_key(const Request& request) const {
  const auto caller = admission_.admit_command(request, Scope::keys_write);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (auto refused = media_problem(request, true, kMergePatch)) co_return std::move(*refused);
  const auto key = api::key_in_path(request);
  if (!key) co_return http::problem(key.error(), request.request_id);
  auto body = read_change(request.body);
  if (!body) co_return http::problem(body.error(), request.request_id);
  const auto if_match = read_if_match(request);
  if (!if_match) co_return http::problem(if_match.error(), request.request_id);
  body->wish.if_match = *if_match;
  auto wish = submission(request, *caller, std::move(body->wish), body->json.dump());
  if (!wish) co_return http::problem(wish.error(), request.request_id);
  wish->key = *key;
  wish->reason = std::move(body->reason);

  const auto outcome = co_await carry_out(request, *query, std::move(*wish));
  if (!outcome) co_return http::problem(outcome.error(), request.request_id);
  nlohmann::ordered_json json = api::key_json(outcome->state.key);
  Response response = answer(200, json, *outcome);
  response.set("ETag", api::entity_tag(outcome->state.key.version));
  co_await add_applied_everywhere(request, *caller, json, response);
  co_return response;
}

Routes::Answer Routes::delete_key(const Request& request) const {
  const auto caller = admission_.admit_command(request, Scope::keys_write);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto key = api::key_in_path(request);
  if (!key) co_return http::problem(key.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {"reason"});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (!request.body.empty() && !http::has_json_content_type(request, kMergePatch)) {
    co_return http::problem(415, "no body is needed; one that is sent must be application/json",
                            request.request_id);
  }
  std::optional<Reason> reason;
  if (const auto text = query->get("reason")) {
    auto parsed = Reason::parse(*text);
    if (!parsed) {
      co_return http::problem(Error{Errc::malformed, "reason " + parsed.error().message, {}},
                              request.request_id);
    }
    reason = std::move(*parsed);
  }
  const auto if_match = read_if_match(request);
  if (!if_match) co_return http::problem(if_match.error(), request.request_id);
  auto wish = submission(request, *caller, DeleteKey{*if_match}, reason ? reason->value : "");
  if (!wish) co_return http::problem(wish.error(), request.request_id);
  wish->key = *key;
  wish->reason = std::move(reason);

  const auto outcome = co_await carry_out(request, *query, std::move(*wish));
  if (!outcome) co_return http::problem(outcome.error(), request.request_id);
  nlohmann::ordered_json json{{"id", key->value}, {"deleted", true}};
  Response response = answer(read_prefer_wait(request) ? 200 : 204, json, *outcome);
  co_await add_applied_everywhere(request, *caller, json, response);
  co_return response;
}

Routes::Answer Routes::reveal(const Request& request) const {
  const auto caller = admission_.admit_command(request, Scope::keys_reveal);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (auto refused = media_problem(request, !request.body.empty())) co_return std::move(*refused);
  if (!request.body.empty()) {
    const auto body = http::parse_json(request.body);
    if (!body) co_return http::problem(body.error(), request.request_id);
  }
  const auto key = api::key_in_path(request);
  if (!key) co_return http::problem(key.error(), request.request_id);
  auto wish = submission(request, *caller, RevealValue{}, "");
  if (!wish) co_return http::problem(wish.error(), request.request_id);
  wish->key = *key;

  const auto outcome = co_await carry_out(request, *query, std::move(*wish));
  if (!outcome) co_return http::problem(outcome.error(), request.request_id);
  if (!outcome->value) {
    // A repeated request, and the key was deleted since.
    co_return http::problem(Error{Errc::gone, "the key was deleted, and its value with it", {}},
                            request.request_id);
  }
  co_return answer(200, {{"value", *outcome->value}}, *outcome);
}

}  // namespace keyledger::commands
