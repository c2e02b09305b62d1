#include "services/queries/routes.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/api/key_json.h"
#include "services/api/on_threads.h"
#include "services/http/json_body.h"
#include "services/http/problem.h"
#include "services/http/query.h"
#include "services/queries/trail.h"
#include "services/security/cursor.h"

namespace keyledger::queries {
namespace {

namespace asio = boost::asio;
using api::on_threads;
using http::Method;
using http::Request;
using http::Response;
using projections::HistoryQuery;
using projections::KeyQuery;
using projections::KeySort;
using projections::Order;
using security::Scope;

constexpr std::uint64_t kDefaultLimit = 50;
constexpr std::uint64_t kMaxLimit = 1000;
constexpr std::size_t kMaxSearchBytes = 800;

/// `response`, read from a model that was at `position` or beyond.
Response at_position(std::uint64_t position, Response response) {
  response.position = position;
  return response;
}

Response not_found(const Request& request) {
  return http::problem(Error{Errc::not_found, "there is no such account or key", {}},
                       request.request_id);
}

Response not_acceptable(const Request& request, std::string_view what) {
  return http::problem(406, what, request.request_id);
}

/// One of two words, or the first where the parameter is absent. Errors: malformed.
Result<bool> is_second(const http::Query& query, std::string_view name, std::string_view first,
                       std::string_view second) {
  const auto value = query.get(name);
  if (!value || *value == first) return false;
  if (*value == second) return true;
  return fail(Errc::malformed,
              std::string(name) + " must be " + std::string(first) + " or " + std::string(second));
}

/// What a cursor is bound to: the account and every part of the question but the page.
std::string cursor_scope(const AccountId& account, const http::Query& query) {
  std::string scope = "keys";
  scope.append(1, '\0').append(account.value);
  using Part = std::pair<const char*, const char*>;  // A parameter, and what it is by default.
  for (const auto& [name, otherwise] : {Part("enabled", ""), Part("sort", "created_at"),
                                        Part("order", "asc"), Part("as_of", ""), Part("q", "")}) {
    scope.append(1, '\0').append(query.get(name).value_or(otherwise));
  }
  return scope;
}

Result<KeyQuery> read_key_query(const AccountId& account, const http::Query& query,
                                const std::string& scope, const security::KeyRing& ring) {
  KeyQuery keys;
  keys.account = account;
  const auto limit = query.number("limit", 1, kMaxLimit);
  if (!limit) return fail(limit.error());
  keys.limit = limit->value_or(kDefaultLimit);
  const auto enabled = query.boolean("enabled");
  if (!enabled) return fail(enabled.error());
  keys.enabled = *enabled;
  const auto by_name = is_second(query, "sort", "created_at", "name");
  if (!by_name) return fail(by_name.error());
  keys.sort = *by_name ? KeySort::name : KeySort::created_at;
  const auto descending = is_second(query, "order", "asc", "desc");
  if (!descending) return fail(descending.error());
  keys.order = *descending ? Order::descending : Order::ascending;
  keys.text = query.get("q").value_or("");
  if (keys.text.size() > kMaxSearchBytes) return fail(Errc::malformed, "q is too long");

  const auto cursor = query.get("cursor");
  if (!cursor) return keys;
  const auto payload = security::read_cursor(ring, scope, *cursor);
  if (!payload) {
    return fail(Errc::malformed,
                "cursor is not one that this list gave for the same account, filters and sort");
  }
  const auto separator = payload->find('\0');
  if (separator == std::string::npos) return fail(Errc::malformed, "cursor is not valid");
  keys.after =
      KeyQuery::After{payload->substr(separator + 1), KeyId{payload->substr(0, separator)}};
  return keys;
}

/// If-None-Match (RFC 9110 §13.1.2): weak comparison with any of the tags, or `*`.
bool none_match_fails(const Request& request, std::string_view tag) {
  std::string_view rest = request.header("if-none-match");
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag || item == "*") return true;
  }
  return false;
}

}  // namespace

Routes::Routes(const projections::ReadModel& model, const api::Admission& admission,
               const security::KeyRing& ring, asio::thread_pool& threads)
    : model_(model), admission_(admission), ring_(ring), threads_(threads) {}

std::vector<http::Route> Routes::table() const {
  const auto row = [this](const char* pattern, Answer (Routes::*handler)(const Request&) const) {
    return http::route_to(this, Method::get, pattern, handler);
  };
  return {
      row("/v1/accounts/{account}", &Routes::get_account),
      row("/v1/accounts/{account}/keys", &Routes::list_keys),
      row("/v1/accounts/{account}/keys/{key}", &Routes::get_key),
      row("/v1/accounts/{account}/events", &Routes::account_trail),
      row("/v1/accounts/{account}/keys/{key}/events", &Routes::key_trail),
  };
}

Routes::Answer Routes::get_account(const Request& request) const {
  const auto caller = admission_.admit(request, Scope::accounts_write);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {"as_of"});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (!http::accepts(request, "application/json")) {
    co_return not_acceptable(request, "this answers with application/json");
  }
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);
  const auto as_of = api::read_as_of(*query, Position{*position}, api::now());
  if (!as_of) co_return http::problem(as_of.error(), request.request_id);

  const auto state = co_await state_as_of(caller->account, std::nullopt, *as_of);
  if (!state) co_return http::problem(state.error(), request.request_id);
  if (!state->account.registered) co_return at_position(*position, not_found(request));
  const auto body = api::account_json(caller->account, state->account);
  co_return at_position(*position, http::json_response(200, body.dump()));
}

/// The account, or the key where one is named, as it is or was.
boost::asio::awaitable<Result<State>> Routes::state_as_of(AccountId account,
                                                          std::optional<KeyId> key,
                                                          api::AsOf as_of) const {
  State state;
  if (as_of.is_named()) {
    co_return co_await on_threads(threads_, [&]() -> Result<State> {
      const auto at = api::find_position(as_of, model_);
      if (!at) return fail(at.error());
      return model_.state_at(account, key, at->value_or(Position{}));
    });
  }
  if (key) {
    auto now = model_.key(account, *key);
    if (!now) co_return fail(std::move(now.error()));
    state.key = std::move(*now);
  } else {
    auto now = model_.account(account);
    if (!now) co_return fail(std::move(now.error()));
    state.account = std::move(*now);
  }
  co_return state;
}

Routes::Answer Routes::list_keys(const Request& request) const {
  const auto caller = admission_.admit(request, Scope::keys_read);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto query = http::Query::parse(
      request.query, {"limit", "cursor", "enabled", "q", "sort", "order", "as_of"});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (!http::accepts(request, "application/json")) {
    co_return not_acceptable(request, "this answers with application/json");
  }
  const std::string scope = cursor_scope(caller->account, *query);
  auto keys = read_key_query(caller->account, *query, scope, ring_);
  if (!keys) co_return http::problem(keys.error(), request.request_id);
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);
  const auto as_of = api::read_as_of(*query, Position{*position}, api::now());
  if (!as_of) co_return http::problem(as_of.error(), request.request_id);

  const auto page = co_await on_threads(threads_, [&]() -> Result<projections::KeyPage> {
    const auto at = api::find_position(*as_of, model_);
    if (!at) return fail(at.error());
    keys->as_of = *at;
    keys->deadline = request.deadline;
    return model_.list_keys(*keys);
  });
  if (!page) co_return http::problem(page.error(), request.request_id);
  nlohmann::ordered_json body{{"keys", nlohmann::ordered_json::array()}, {"next_cursor", nullptr}};
  for (const KeyState& key : page->keys) body["keys"].push_back(api::key_json(key));
  if (page->more && !page->keys.empty()) {
    const KeyState& last = page->keys.back();
    std::string payload = last.id.value;
    payload.append(1, '\0');
    if (keys->sort == KeySort::name) payload += last.name.value;
    body["next_cursor"] = security::make_cursor(ring_, scope, payload);
  }
  co_return at_position(*position, http::json_response(200, body.dump()));
}

Routes::Answer Routes::get_key(const Request& request) const {
  const auto caller = admission_.admit(request, Scope::keys_read);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto id = api::key_in_path(request);
  if (!id) co_return http::problem(id.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {"as_of"});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (!http::accepts(request, "application/json")) {
    co_return not_acceptable(request, "this answers with application/json");
  }
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);
  const auto as_of = api::read_as_of(*query, Position{*position}, api::now());
  if (!as_of) co_return http::problem(as_of.error(), request.request_id);

  const auto state = co_await state_as_of(caller->account, *id, *as_of);
  if (!state) co_return http::problem(state.error(), request.request_id);
  const KeyState& key = state->key;
  if (key.status != KeyState::Status::live) co_return at_position(*position, not_found(request));
  const std::string tag = api::entity_tag(key.version);
  Response response;
  if (none_match_fails(request, tag)) {
    response.status = 304;
  } else {
    response = http::json_response(200, api::key_json(key).dump());
  }
  response.set("ETag", tag);
  co_return at_position(*position, std::move(response));
}

Routes::Answer Routes::account_trail(const Request& request) const {
  const auto caller = admission_.admit(request, Scope::audit_read);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  HistoryQuery query;
  query.account = caller->account;
  co_return co_await trail(request, std::move(query));
}

Routes::Answer Routes::key_trail(const Request& request) const {
  const auto caller = admission_.admit(request, Scope::audit_read);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  const auto id = api::key_in_path(request);
  if (!id) co_return http::problem(id.error(), request.request_id);
  HistoryQuery query;
  query.account = caller->account;
  query.key = *id;
  co_return co_await trail(request, std::move(query));
}

Routes::Answer Routes::trail(const Request& request, HistoryQuery history) const {
  const auto query =
      http::Query::parse(request.query, {"after", "limit", "type", "actor", "from", "to", "order"});
  if (!query) co_return http::problem(query.error(), request.request_id);
  const auto after = query->number("after", 0, UINT64_MAX);
  if (!after) co_return http::problem(after.error(), request.request_id);
  const auto limit = query->number("limit", 1, kMaxLimit);
  if (!limit) co_return http::problem(limit.error(), request.request_id);
  const auto from = query->instant("from");
  if (!from) co_return http::problem(from.error(), request.request_id);
  const auto to = query->instant("to");
  if (!to) co_return http::problem(to.error(), request.request_id);
  const auto descending = is_second(*query, "order", "asc", "desc");
  if (!descending) co_return http::problem(descending.error(), request.request_id);
  const bool json = http::accepts(request, "application/json");
  const bool ndjson = !json && http::accepts(request, "application/x-ndjson");
  const bool csv = !json && !ndjson && http::accepts(request, "text/csv");
  if (!json && !ndjson && !csv) {
    co_return not_acceptable(
        request, "this answers with application/json, application/x-ndjson or text/csv");
  }
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);

  history.deadline = request.deadline;
  history.after = Position{after->value_or(0)};
  history.limit = limit->value_or(kDefaultLimit);
  history.type = bare_type(query->get("type").value_or(""));
  history.actor = query->get("actor").value_or("");
  history.from = *from;
  history.to = *to;
  history.order = *descending ? Order::descending : Order::ascending;
  if (history.key) {
    const auto key = model_.key(*history.account, *history.key);
    if (!key) co_return http::problem(key.error(), request.request_id);
    if (key->status == KeyState::Status::absent) {
      co_return at_position(*position, not_found(request));
    }
  }
  const auto page =
      co_await on_threads(threads_, [this, &history] { return model_.history(history); });
  if (!page) co_return http::problem(page.error(), request.request_id);

  if (json) co_return at_position(*position, http::json_response(200, trail_as_json(*page)));
  Response response;
  response.set("Cache-Control", "no-store");
  if (ndjson) {
    response.set("Content-Type", "application/x-ndjson");
    response.body = trail_as_ndjson(*page);
  } else {
    auto table = trail_as_csv(*page);
    if (!table) co_return http::problem(table.error(), request.request_id);
    response.set("Content-Type", "text/csv; charset=utf-8; header=present");
    response.set("Content-Disposition", "attachment; filename=\"keyledger-events.csv\"");
    response.body = std::move(*table);
  }
  if (page->more && !page->entries.empty()) {
    response.set("Keyledger-Next-After", std::to_string(page->entries.back().position.value));
  }
  co_return at_position(*position, std::move(response));
}

}  // namespace keyledger::queries
