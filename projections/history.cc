#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "events/log/codec.h"
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

/// Whether `event` is about `account`, or stands where events about it were passed over.
bool is_of(const AccountId& account, const Event& event) {
  const auto* quarantine = std::get_if<EventQuarantined>(&event.fact);
  return (quarantine != nullptr ? quarantine->account : event.account) == account;
}

Result<std::string> read_event(const Store& store, Position position) {
  auto bytes = store.get(Family::history, position_key(position));
  if (!bytes) return fail(std::move(bytes.error()));
  if (*bytes) return std::move(**bytes);
  return fail(Errc::damaged, "the read model's history lacks position " +
                                 std::to_string(position.value) +
                                 ": stop the node and run keyledger projection rebuild");
}

}  // namespace

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
  Result<void> failure;
  const auto read =
      store_->scan(index, from, to, descending, [&](std::string_view key, std::string_view value) {
        const auto entry = read_index_row(value);
        const auto position = read_index_key(key);
        if (!entry || !position) {
          failure = fail(entry ? Error{Errc::damaged, "an index of the history is damaged", {}}
                               : entry.error());
          return false;
        }
        if (!matches(*entry, query)) return true;
        page.more = page.entries.size() == query.limit;
        if (page.more) return false;
        auto bytes = read_event(*store_, *position);
        if (!bytes) {
          failure = fail(std::move(bytes.error()));
          return false;
        }
        page.entries.push_back({*position, std::move(*bytes)});
        return true;
      });
  if (!read) return fail(read.error());
  if (!failure) return fail(std::move(failure.error()));
  return page;
}

Result<State> ReadModel::state_at(const AccountId& account, const std::optional<KeyId>& key,
                                  Position position) const {
  const std::string subject = key ? key->value : subject_of(account);
  // A zero byte more makes the next key, also after the last position that there can be.
  const std::string to = index_key(subject, position) + '\0';
  State state;
  Result<void> failure;
  log::Decoder decoder;
  const auto read = store_->scan(Family::history_by_subject, index_prefix(subject), to, false,
                                 [&](std::string_view row_key, std::string_view) {
                                   const auto bytes = read_event(
                                       *store_, read_index_key(row_key).value_or(Position{}));
                                   if (!bytes) {
                                     failure = fail(bytes.error());
                                     return false;
                                   }
                                   const auto decoded = decoder.decode(*bytes);
                                   if (!decoded) {
                                     failure = fail(decoded.error());
                                     return false;
                                   }
                                   const auto* event = std::get_if<Event>(&*decoded);
                                   if (event != nullptr && is_of(account, *event)) {
                                     state = evolve(std::move(state), event->fact, event->time);
                                   }
                                   return true;
                                 });
  if (!read) return fail(read.error());
  if (!failure) return fail(std::move(failure.error()));
  return state;
}

}  // namespace keyledger::projections
