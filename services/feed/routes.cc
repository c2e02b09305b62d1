#include "services/feed/routes.h"

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "services/http/json_body.h"
#include "services/http/problem.h"
#include "services/http/query.h"
#include "services/security/access.h"

namespace keyledger::feed {
namespace {

namespace asio = boost::asio;
using http::Request;
using http::Response;
using projections::FollowQuery;
using security::Scope;

/// Where to go on: what the client says that it has seen last, else what the URL says. A browser
/// that asks again has the same URL as before, so the header is the newer.
Result<Position> read_after(const Request& request, const http::Query& query) {
  const auto after = query.number("after", 0, UINT64_MAX - 1);
  if (!after) return fail(after.error());
  const std::string_view seen = request.header("last-event-id");
  if (seen.empty()) return Position{after->value_or(0)};
  std::uint64_t position = 0;
  const auto [end, error] = std::from_chars(seen.data(), seen.data() + seen.size(), position);
  if (error == std::errc{} && end == seen.data() + seen.size() && position < UINT64_MAX) {
    return Position{position};
  }
  return fail(Errc::malformed, "Last-Event-ID must be a position, a decimal number");
}

/// "KeyCreated,keyledger.KeyDeleted" as bare names.
std::vector<std::string> read_types(std::string_view list) {
  constexpr std::string_view kPrefix = "keyledger.";
  std::vector<std::string> types;
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view type = list.substr(0, comma);
    list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
    if (type.starts_with(kPrefix)) type.remove_prefix(kPrefix.size());
    if (!type.empty()) types.emplace_back(type);
  }
  return types;
}

}  // namespace

Routes::Routes(Source& source, const api::Admission& admission)
    : source_(source), admission_(admission) {}

std::vector<http::Route> Routes::table() const {
  return {http::route_to(this, http::Method::get, "/v1/events", &Routes::follow)};
}

Result<FollowQuery> Routes::read(const Request& request, const http::Query& query,
                                 const security::Principal& caller) {
  FollowQuery follow;
  const bool of_all = caller.has(Scope::accounts_any);
  if (const auto named = query.get("account")) {
    auto account = AccountId::parse(*named);
    if (!account) return fail(Errc::not_found, "there is no such account or key");
    follow.account = std::move(*account);
  } else if (!of_all) {
    follow.account = caller.account;
  }
  if (!follow.account && !of_all) {
    return fail(Errc::forbidden, "the token is of no account, and has no accounts:any");
  }
  const AccountId any = caller.account.value_or(AccountId{});
  const auto allowed =
      security::authorize(caller, Scope::events_read, follow.account.value_or(any));
  if (!allowed) return fail(allowed.error());
  const auto after = read_after(request, query);
  if (!after) return fail(after.error());
  follow.after = *after;
  follow.types = read_types(query.get("type").value_or(""));
  return follow;
}

asio::awaitable<Response> Routes::follow(const Request& request) const {
  const auto query = http::Query::parse(request.query, {"after", "account", "type"});
  if (!query) co_return http::problem(query.error(), request.request_id);
  const auto caller = admission_.principal(request);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  auto follow = read(request, *query, *caller);
  if (!follow) co_return http::problem(follow.error(), request.request_id);
  if (!http::accepts(request, "text/event-stream")) {
    co_return http::problem(406, "this answers with text/event-stream", request.request_id);
  }
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);

  Response response;
  response.position = *position;
  response.set("Content-Type", "text/event-stream");
  response.set("Cache-Control", "no-cache, no-store");
  response.set("X-Accel-Buffering", "no");  // nginx passes each event on as it comes.
  const auto may_go_on = [this, &request] { return admission_.still(request).has_value(); };
  // Shared, as a std::function must be copied; the connection has the only copy.
  auto subscription = std::make_shared<Subscription>(source_, std::move(*follow), may_go_on,
                                                     std::string(request.request_id));
  response.stream = [subscription = std::move(subscription)](http::BodyStream& body) {
    return subscription->run(body);
  };
  co_return response;
}

}  // namespace keyledger::feed
