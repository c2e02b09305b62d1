#include "services/commands/forwarder.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "services/api/admission.h"
#include "services/http/problem.h"
#include "services/http/text.h"
#include "services/security/token.h"

namespace keyledger::commands {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kTokenGoodFor{30};

/// What the request says beside its line and its body, and nothing of who sends it: that is the
/// token's to say.
constexpr std::array<std::string_view, 7> kRequestHeaders = {
    "Accept", "Content-Type",           "Idempotency-Key", "If-Match",
    "Prefer", "Keyledger-Min-Position", "traceparent"};
/// What the server doesn't add by itself.
constexpr std::array<std::string_view, 9> kAnswerHeaders = {
    "Content-Type",        "Cache-Control", "Location",         "ETag",
    "Retry-After",         "Allow",         "WWW-Authenticate", "Preference-Applied",
    "Idempotency-Replayed"};

std::optional<std::uint64_t> position_of(const http::ClientResponse& answer) {
  const std::string_view text = answer.header("Keyledger-Position");
  std::uint64_t position = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return position;
}

Error nobody_leads(const std::string& why) {
  return Error{
      Errc::not_leader, "no node takes commands now (" + why + "); nothing was written", {}};
}

}  // namespace

Forwarder::Forwarder(const projections::ReadModel& model, projections::PositionGate& gate,
                     const security::KeyRing& ring, http::Client& client,
                     std::function<std::string()> own_url)
    : model_(model), gate_(gate), ring_(ring), client_(client), own_url_(std::move(own_url)) {}

boost::asio::awaitable<http::Response> Forwarder::forward(const http::Request& request,
                                                          const security::Principal& caller) const {
  const auto meta = model_.meta();
  if (!meta) co_return http::problem(meta.error(), request.request_id);
  const std::string url = meta->writer.url;
  if (url.empty() || url == own_url_()) {
    co_return http::problem(nobody_leads("none is elected"), request.request_id);
  }
  auto passed_on = relayed(request, caller);
  if (!passed_on) co_return http::problem(passed_on.error(), request.request_id);

  const auto answer = co_await client_.send(url, std::move(*passed_on), request.deadline);
  if (!answer && answer.error().code == Errc::unavailable) {
    co_return http::problem(nobody_leads(answer.error().message), request.request_id);
  }
  if (!answer) co_return http::problem(answer.error(), request.request_id);
  if (answer->status == 421) {
    co_return http::problem(nobody_leads(url + " leads no more"), request.request_id);
  }
  http::Response response;
  response.status = answer->status;
  for (const std::string_view name : kAnswerHeaders) {
    if (const auto value = answer->header(name); !value.empty()) response.set(name, value);
  }
  response.body = answer->body;
  response.position = position_of(*answer);
  if (response.position) {
    const auto reached = co_await gate_.reached(Position{*response.position}, request.deadline);
    // It was carried out, but who asks here next would not see it.
    if (!reached) {
      co_return http::problem(Error{Errc::outcome_unknown, reached.error().message, {}},
                              request.request_id);
    }
  }
  co_return response;
}

/// The request as this node sends it, with a token of its own that says whose it is.
Result<http::ClientRequest> Forwarder::relayed(const http::Request& request,
                                               const security::Principal& caller) const {
  security::Principal principal = caller;
  Actor actor = api::actor_of(request, caller);
  const auto within =
      std::chrono::duration_cast<std::chrono::milliseconds>(request.deadline - steady_clock::now());
  principal.relay = {std::move(actor.address), std::move(actor.user_agent),
                     std::move(actor.request_id), within};
  auto token = security::sign_token(ring_, principal, api::now(), kTokenGoodFor);
  if (!token) return fail(std::move(token.error()));

  http::ClientRequest relayed;
  relayed.method = request.method_text;
  relayed.target = request.path;
  if (!request.query.empty()) relayed.target.append("?").append(request.query);
  relayed.headers.emplace_back("Authorization", "Bearer " + *token);
  relayed.headers.emplace_back("X-Request-Id", request.request_id);
  for (const std::string_view name : kRequestHeaders) {
    for (const auto& [header, value] : request.headers) {
      if (http::same_token(header, name)) relayed.headers.emplace_back(name, value);
    }
  }
  relayed.body = request.body;
  return relayed;
}

}  // namespace keyledger::commands
