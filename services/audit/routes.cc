#include "services/audit/routes.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "events/log/outline.h"
#include "services/api/on_threads.h"
#include "services/audit/entries.h"
#include "services/audit/tile_path.h"
#include "services/http/problem.h"
#include "services/http/query.h"
#include "services/security/access.h"
#include "services/security/crypto.h"

namespace keyledger::audit {
namespace {

using api::on_threads;
using http::Method;
using http::Request;
using http::Response;
using security::Scope;

constexpr const char* kText = "text/plain; charset=utf-8";

Error no_key() {
  return {
      Errc::unavailable,
      "this node's key ring has no key for checkpoints: run keyledger keyring rotate on it, and "
      "start the nodes anew",
      {}};
}

std::optional<Position> parse_position(std::string_view text) {
  Position position;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), position.value);
  const bool is_number = error == std::errc{} && end == text.end() && position > Position{};
  return is_number ? std::optional(position) : std::nullopt;
}

/// What never changes. For the caller's own cache alone: others may not read it.
Response immutable(std::string body) {
  Response response;
  response.set("Content-Type", "application/octet-stream");
  response.set("Cache-Control", "private, max-age=31536000, immutable");
  response.body = std::move(body);
  return response;
}

/// The first hashes of a tile, or the entries that they are of; nothing where there are too few.
Result<std::optional<std::string>> read(const projections::Tree& tree, const log::LogReader& log,
                                        const TilePath& what) {
  if (!what.entries) return tree.tile(what.tile, what.width);
  auto positions = tree.positions(what.tile.index);
  if (!positions) return fail(std::move(positions.error()));
  if (positions->size() < what.width) return std::optional<std::string>{};
  positions->resize(what.width);
  auto bundle = entry_bundle(log, *positions);
  if (!bundle) return fail(std::move(bundle.error()));
  return std::optional(std::move(*bundle));
}

/// An event, and which leaf of the tree it is.
struct Leaf {
  std::uint64_t index = 0;
  std::string bytes;
};

/// The event at `position`, if `caller` may see it. Errors: not_found also for others' events.
Result<Leaf> find_leaf(const projections::Tree& tree, const log::LogReader& log, Position position,
                       const security::Principal& caller) {
  const auto missing = [] {
    return fail(Errc::not_found, "there is no event of yours at this position");
  };
  const auto index = tree.leaf_at(position);
  if (!index) return fail(index.error());
  if (!*index) return missing();
  auto bytes = event_at(log, position);
  if (!bytes) return fail(std::move(bytes.error()));
  const auto account = log::outline(*bytes).account;
  const bool is_own = account && caller.account == account;
  if (!is_own && !caller.has(Scope::accounts_any)) return missing();

  const auto hashes =
      tree.tile({0, **index / merkle::kTileWidth}, **index % merkle::kTileWidth + 1);
  if (!hashes) return fail(hashes.error());
  const bool is_leaf = *hashes && merkle::hash_at(**hashes, **index % merkle::kTileWidth) ==
                                      merkle::leaf_hash(*bytes);
  if (is_leaf) return Leaf{**index, std::move(*bytes)};
  return fail(Errc::damaged, "the event at position " + std::to_string(position.value) +
                                 " is not the one that was there: run keyledger audit verify");
}

/// https://c2sp.org/tlog-proof. The event itself is its extra data.
std::string proof_text(const Leaf& leaf, const std::vector<merkle::Hash>& path,
                       const std::string& note) {
  std::string text = "c2sp.org/tlog-proof@v1\nextra " + security::base64_encode(leaf.bytes) +
                     "\nindex " + std::to_string(leaf.index) + '\n';
  for (const merkle::Hash& hash : path) {
    text.append(security::base64_encode(merkle::bytes_of(hash))).append(1, '\n');
  }
  return text.append(1, '\n').append(note);
}

}  // namespace

Routes::Routes(const projections::ReadModel& model, const log::LogReader& log,
               const api::Admission& admission, boost::asio::thread_pool& threads,
               Publisher* publisher)
    : tree_(model), log_(log), admission_(admission), threads_(threads), publisher_(publisher) {}

std::vector<http::Route> Routes::table() const {
  const auto row = [this](const char* pattern, Answer (Routes::*handler)(const Request&) const) {
    return http::route_to(this, Method::get, pattern, handler);
  };
  return {row("/tlog/checkpoint", &Routes::checkpoint), row("/tlog/tile/*", &Routes::tile),
          row("/v1/events/{position}/proof", &Routes::proof)};
}

/// Tiles are of everybody's events.
Result<void> Routes::may_audit(const Request& request) const {
  const auto caller = admission_.principal(request);
  if (!caller) return fail(caller.error());
  if (caller->has(Scope::audit_read) && caller->has(Scope::accounts_any)) return {};
  return fail(Errc::forbidden, "the token lacks the scope audit:read or accounts:any");
}

Routes::Answer Routes::checkpoint(const Request& request) const {
  if (auto may = may_audit(request); !may) co_return http::problem(may.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  if (publisher_ == nullptr) co_return http::problem(no_key(), request.request_id);
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);
  const auto size = tree_.size();
  if (!size) co_return http::problem(size.error(), request.request_id);
  // Who names a position wants to see it in the checkpoint, and waits for that; others needn't.
  const bool waits = query->get("min_position") || request.count("keyledger-min-position") > 0;
  const std::uint64_t index = waits && *size > 0 ? *size - 1 : 0;
  const auto latest = co_await publisher_->covering(index, request.deadline);
  if (!latest) co_return http::problem(latest.error(), request.request_id);
  Response response;
  response.set("Content-Type", kText);
  response.set("Cache-Control", "no-cache");
  response.body = (*latest)->note;
  co_return response;
}

Routes::Answer Routes::tile(const Request& request) const {
  if (auto may = may_audit(request); !may) co_return http::problem(may.error(), request.request_id);
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  const auto what = parse_tile_path(request.path.substr(std::string_view("/tlog/tile/").size()));
  if (!what) {
    co_return http::problem(404, "there is no such tile: see https://c2sp.org/tlog-tiles",
                            request.request_id);
  }
  const auto position = co_await admission_.min_position(request, *query);
  if (!position) co_return http::problem(position.error(), request.request_id);
  auto read_now = [this, &what] { return read(tree_, log_, *what); };
  auto body = co_await on_threads(threads_, std::move(read_now));
  if (!body) co_return http::problem(body.error(), request.request_id);
  if (!*body) co_return http::problem(404, "the tree has no such tile yet", request.request_id);
  co_return immutable(std::move(**body));
}

Routes::Answer Routes::proof(const Request& request) const {
  const auto caller = admission_.principal(request);
  if (!caller) co_return http::problem(caller.error(), request.request_id);
  if (!caller->has(Scope::audit_read)) {
    co_return http::problem(Error{Errc::forbidden, "the token lacks the scope audit:read", {}},
                            request.request_id);
  }
  const auto query = http::Query::parse(request.query, {});
  if (!query) co_return http::problem(query.error(), request.request_id);
  const auto position = parse_position(request.path_parameters.at(0));
  if (!position) co_return http::problem(404, "there is no such position", request.request_id);
  if (publisher_ == nullptr) co_return http::problem(no_key(), request.request_id);
  const auto applied = co_await admission_.min_position(request, *query);
  if (!applied) co_return http::problem(applied.error(), request.request_id);

  auto find_now = [this, &position, &caller] { return find_leaf(tree_, log_, *position, *caller); };
  const auto leaf = co_await on_threads(threads_, std::move(find_now));
  if (!leaf) co_return http::problem(leaf.error(), request.request_id);
  const auto latest = co_await publisher_->covering(leaf->index, request.deadline);
  if (!latest) co_return http::problem(latest.error(), request.request_id);
  auto prove_now = [this, &leaf, &latest] {
    return tree_.inclusion_proof(leaf->index, (*latest)->checkpoint.size);
  };
  const auto path = co_await on_threads(threads_, std::move(prove_now));
  if (!path) co_return http::problem(path.error(), request.request_id);
  Response response;
  response.set("Content-Type", kText);
  response.set("Cache-Control", "no-store");
  response.body = proof_text(*leaf, *path, (*latest)->note);
  response.position = *applied;
  co_return response;
}

}  // namespace keyledger::audit
