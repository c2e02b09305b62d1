#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "events/log/codec.h"
#include "events/log/outline.h"
#include "projections/patience.h"
#include "projections/read_model.h"
#include "projections/rows.h"
#include "projections/store.h"

namespace keyledger::projections {
namespace {

bool matches(const IndexEntry& entry, const HistoryQuery& query) {
  if (query.account && entry.account != query.account->value) return false;
  if (!query.type.empty() && entry.type != query.type) return false;
  if (query.from && entry.time < *query.from) return false;
  return !query.to || entry.time < *query.to;
}

/// Whether the actor named `subject` did what `bytes` say.
bool is_by(const std::string& subject, log::Decoder& decoder, std::string_view bytes) {
  const auto decoded = decoder.decode(bytes);
  const auto* event = decoded ? std::get_if<Event>(&*decoded) : nullptr;
  return event != nullptr && event->actor.subject == subject;
}

/// Whether `event` is about `account`, or stands where events about it were passed over.
bool is_of(const AccountId& account, const Event& event) {
  const auto* quarantine = std::get_if<EventQuarantined>(&event.fact);
  return (quarantine != nullptr ? quarantine->account : event.account) == account;
}

/// The key that `event` is about, or that events about it were passed over at its place.
const std::optional<KeyId>& key_of(const Event& event) {
  const auto* quarantine = std::get_if<EventQuarantined>(&event.fact);
  return quarantine != nullptr ? quarantine->key : event.key;
}

/// The event's time; nothing for a quarantine, which stands where others happened before it.
std::optional<Instant> time_of(const log::DecodedEvent& decoded) {
  const auto* event = std::get_if<Event>(&decoded);
  if (event != nullptr && std::holds_alternative<EventQuarantined>(event->fact)) return {};
  return std::visit([](const auto& any) { return any.time; }, decoded);
}

Result<std::string> read_event(const Store& store, Position position) {
  auto bytes = store.get(Family::history, position_key(position));
  if (!bytes) return fail(std::move(bytes.error()));
  if (*bytes) return std::move(**bytes);
  return fail(Errc::damaged, "the read model's history lacks position " +
                                 std::to_string(position.value) +
                                 ": stop the node and run keyledger projection rebuild");
}

/// Calls `fold` for the events that `index` lists of `owner` up to `position`, in order.
Result<void> fold_history(const Store& store, Family index, const std::string& owner,
                          Position position, Deadline deadline,
                          const std::function<void(const Event&)>& fold) {
  Patience patience(deadline);
  Result<void> failure;
  log::Decoder decoder;
  const std::string end = position.value == UINT64_MAX
                              ? after_prefix(index_prefix(owner))
                              : index_key(owner, Position{position.value + 1});
  const auto read = store.scan(
      index, index_prefix(owner), end, false, [&](std::string_view row_key, std::string_view row) {
        if (failure = patience.check(); !failure) return false;
        // There may be many of these, and they change nothing.
        const auto entry = read_index_row(row);
        if (entry && entry->type == type_name(KeyValueRevealed{})) return true;
        const auto bytes = read_event(store, read_index_key(row_key).value_or(Position{}));
        if (!bytes) return failure = fail(bytes.error()), false;
        const auto decoded = decoder.decode(*bytes);
        if (!decoded) return failure = fail(decoded.error()), false;
        if (const auto* event = std::get_if<Event>(&*decoded)) fold(*event);
        return true;
      });
  return read ? failure : read;
}

}  // namespace

Result<std::optional<std::string>> ReadModel::event(Position position) const {
  return store_->get(Family::history, position_key(position));
}

Result<HistoryPage> ReadModel::history(const HistoryQuery& query) const {
  const Family index = query.key ? Family::history_by_subject : Family::history_by_account;
  const std::string& owner =
      query.key ? query.key->value : query.account.value_or(AccountId{}).value;
  const std::string prefix = index_prefix(owner);
  std::string from = prefix;
  std::string to = after_prefix(prefix);
  const bool descending = query.order == Order::descending;
  if (!descending) {
    if (query.after.value == UINT64_MAX) return HistoryPage{};
    from = index_key(owner, Position{query.after.value + 1});
  } else if (query.after > Position{}) {
    to = index_key(owner, query.after);
  }
  HistoryPage page;
  Patience patience(query.deadline);
  Result<void> failure;
  log::Decoder decoder;
  const auto read =
      store_->scan(index, from, to, descending, [&](std::string_view key, std::string_view value) {
        if (failure = patience.check(); !failure) return false;
        const auto entry = read_index_row(value);
        const auto position = read_index_key(key);
        if (!entry || !position) {
          failure = fail(entry ? Error{Errc::damaged, "an index of the history is damaged", {}}
                               : entry.error());
          return false;
        }
        if (!matches(*entry, query)) return true;
        page.more = page.entries.size() == query.limit;
        if (page.more && query.actor.empty()) return false;
        auto bytes = read_event(*store_, *position);
        if (!bytes) {
          failure = fail(std::move(bytes.error()));
          return false;
        }
        if (!query.actor.empty() && !is_by(query.actor, decoder, *bytes)) {
          page.more = false;
          return true;
        }
        if (page.more) return false;
        page.entries.push_back({*position, std::move(*bytes)});
        return true;
      });
  if (!read) return fail(read.error());
  if (!failure) return fail(std::move(failure.error()));
  return page;
}

Result<FollowPage> ReadModel::follow(const FollowQuery& query, const FollowTake& take) const {
  FollowPage page{query.up_to};
  if (query.after >= query.up_to) return FollowPage{query.after};
  constexpr std::string_view kPrefix = "keyledger.";
  const auto wants = [&](std::string_view type) {
    if (type.starts_with(kPrefix)) type.remove_prefix(kPrefix.size());
    return query.types.empty() || std::ranges::find(query.types, type) != query.types.end();
  };
  std::size_t rows = 0;
  std::size_t bytes = 0;
  Result<void> failure;
  /// Whether there is room for more.
  const auto took = [&](Position position, std::optional<std::string_view> event) {
    if (event) {
      bytes += event->size();
      ++page.events;
      take(position, *event);
    }
    const bool full = bytes >= query.max_bytes || ++rows >= query.max_rows;
    if (full) page.last = position;
    return !full;
  };
  const auto damaged = [&] {
    failure = fail(Errc::damaged, "an index of the history is damaged");
    return false;
  };
  const auto visit_event = [&](std::string_view key, std::string_view event) {
    const auto position = read_position_key(key);
    if (!position) return damaged();
    const bool wanted = wants(query.types.empty() ? "" : log::outline(event).type);
    return took(*position, wanted ? std::optional(event) : std::nullopt);
  };
  const auto visit_index = [&](std::string_view key, std::string_view row) {
    const auto position = read_index_key(key);
    const auto entry = read_index_row(row);
    if (!position || !entry) return damaged();
    if (!wants(entry->type)) return took(*position, std::nullopt);
    auto event = read_event(*store_, *position);
    if (!event) return failure = fail(std::move(event.error())), false;
    return took(*position, *event);
  };
  const Position from{query.after.value + 1};
  const Position end{query.up_to.value + 1};
  const auto read =
      query.account
          ? store_->scan(Family::history_by_account, index_key(query.account->value, from),
                         index_key(query.account->value, end), false, visit_index)
          : store_->scan(Family::history, position_key(from), position_key(end), false,
                         visit_event);
  if (!read) return fail(read.error());
  if (!failure) return fail(std::move(failure.error()));
  return page;
}

Result<State> ReadModel::state_at(const AccountId& account, const std::optional<KeyId>& key,
                                  Position position) const {
  State state;
  const auto read =
      fold_history(*store_, Family::history_by_subject, key ? key->value : subject_of(account),
                   position, Deadline::max(), [&](const Event& event) {
                     if (!is_of(account, event)) return;
                     state = evolve(std::move(state), event.fact, event.time);
                   });
  if (!read) return fail(read.error());
  return state;
}

/// The grant is looked for first: it goes in the same moment in which the other row comes.
Result<std::optional<ReadModel::KeyPath>> ReadModel::owner_of(const Digest& digest) const {
  auto live = grant(digest);
  if (!live) return fail(std::move(live.error()));
  if (*live) return KeyPath{std::move((*live)->account), std::move((*live)->key)};
  const auto row = store_->get(Family::history_by_digest, digest_key(digest));
  if (!row) return fail(row.error());
  if (!*row) return std::optional<KeyPath>{};
  auto deleted = read_keys_key(**row);
  if (!deleted) return fail(Errc::damaged, "an index of the history is damaged");
  return deleted;
}

Result<std::optional<Grant>> ReadModel::grant_at(const Digest& digest, Position position) const {
  std::optional<Grant> none;
  const auto owner = owner_of(digest);
  if (!owner) return fail(owner.error());
  if (!*owner) return none;
  const auto& [account, id] = **owner;
  auto state = state_at(account, id, position);
  if (!state) return fail(std::move(state.error()));
  if (state->key.status != KeyState::Status::live) return none;
  auto tenant = state_at(account, std::nullopt, position);
  if (!tenant) return fail(std::move(tenant.error()));
  KeyState& key = state->key;
  return std::optional(Grant{account, std::move(tenant->account.username), id, std::move(key.name),
                             key.enabled, key.expires_at, key.version});
}

Result<std::map<std::string, KeyState>> ReadModel::keys_at(const AccountId& account,
                                                           Position position,
                                                           Deadline deadline) const {
  std::map<std::string, KeyState> keys;
  const auto read = fold_history(*store_, Family::history_by_account, account.value, position,
                                 deadline, [&](const Event& event) {
                                   const std::optional<KeyId>& id = key_of(event);
                                   if (!id) return;
                                   KeyState& key = keys[id->value];
                                   State state;
                                   state.key = std::move(key);
                                   key = evolve(std::move(state), event.fact, event.time).key;
                                 });
  if (!read) return fail(read.error());
  std::erase_if(keys,
                [](const auto& each) { return each.second.status != KeyState::Status::live; });
  return keys;
}

Result<Position> ReadModel::position_at(Instant at) const {
  const auto known = meta();
  if (!known) return fail(known.error());
  // Event times never go back, so halving finds it: all up to `before` are not later than `at`,
  // and all from `after` on are, or there are none.
  Position before;
  Position after{known->position.value + 1};
  while (before.value + 1 < after.value) {
    const Position middle{before.value + (after.value - before.value) / 2};
    std::optional<std::pair<Position, Instant>> event;
    const auto read = store_->scan(Family::history, position_key(middle), position_key(after),
                                   false, [&](std::string_view key, std::string_view bytes) {
                                     const auto decoded = log::decode(bytes);
                                     const auto time = decoded ? time_of(*decoded) : std::nullopt;
                                     if (!time) return true;  // The next tells as much.
                                     event.emplace(read_position_key(key).value_or(middle), *time);
                                     return false;
                                   });
    if (!read) return fail(read.error());
    if (event && event->second <= at) {
      before = event->first;
    } else {
      after = middle;
    }
  }
  return before;
}

Result<Instant> ReadModel::time_at(Position position) const {
  Instant at = Instant::min();
  const std::string end =
      position.value == UINT64_MAX ? std::string{} : position_key({position.value + 1});
  const auto read =
      store_->scan(Family::history, {}, end, true, [&](std::string_view, std::string_view bytes) {
        const auto decoded = log::decode(bytes);
        const auto time = decoded ? time_of(*decoded) : std::nullopt;
        at = time.value_or(at);
        return !time;  // The one before tells as much.
      });
  if (!read) return fail(read.error());
  return at;
}

}  // namespace keyledger::projections
