#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projections/patience.h"
#include "projections/read_model.h"
#include "projections/rows.h"
#include "projections/store.h"

namespace keyledger::projections {
namespace {

constexpr std::size_t kLastFourBytes = 4;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](char c) { return lower(c); });
  return lowered;
}

/// Whether `wanted`, which is in lower case, is in `text`, ASCII letters in any case.
bool contains(std::string_view text, std::string_view wanted) {
  const auto same = [](char left, char right) { return lower(left) == right; };
  return !std::ranges::search(text, wanted, same).empty() || wanted.empty();
}

bool matches(const KeyState& key, const KeyQuery& query, std::string_view wanted) {
  if (key.status != KeyState::Status::live) return false;
  if (query.enabled && *query.enabled != key.enabled) return false;
  const std::string_view hint = key.value_hint;
  const auto last_four = hint.substr(hint.size() - std::min(hint.size(), kLastFourBytes));
  return contains(key.name.value, wanted) || contains(key.id.value, wanted) ||
         contains(last_four, wanted) ||
         (key.description && contains(key.description->value, wanted));
}

/// Calls `visit` with keys in the order of their ids, or the reverse, until it returns false.
using Visit = std::function<bool(KeyState)>;

/// The keys whose ids are in [from, to) that a list is made of; an empty `to` is no bound.
using Keys = std::function<Result<void>(const std::string& from, const std::string& to,
                                        bool reverse, const Visit& visit)>;

/// The keys of an account as they are.
Keys keys_now(const Store& store, const AccountId& account, Deadline deadline) {
  return [&store, prefix = keys_prefix(account), deadline](const std::string& from,
                                                           const std::string& to, bool reverse,
                                                           const Visit& visit) -> Result<void> {
    Patience patience(deadline);
    Result<void> failure;
    const auto read =
        store.scan(Family::keys, prefix + from, to.empty() ? after_prefix(prefix) : prefix + to,
                   reverse, [&](std::string_view row_key, std::string_view row) {
                     if (failure = patience.check(); !failure) return false;
                     auto key = read_key_row(row_key, row);
                     if (!key) failure = fail(std::move(key.error()));
                     return key && visit(std::move(*key));
                   });
    return read ? failure : read;
  };
}

/// The keys of an account as they were, all of them.
Keys keys_then(std::map<std::string, KeyState> keys) {
  return [keys = std::move(keys)](const std::string& from, const std::string& to, bool reverse,
                                  const Visit& visit) -> Result<void> {
    const auto begin = keys.lower_bound(from);
    const auto end = to.empty() ? keys.end() : keys.lower_bound(to);
    if (reverse) {
      for (auto it = end; it != begin && visit(std::prev(it)->second);) --it;
    } else {
      for (auto it = begin; it != end && visit(it->second);) ++it;
    }
    return {};
  };
}

/// By creation, as ids sort. Reads no further than the page.
Result<KeyPage> list_by_creation(const Keys& keys, const KeyQuery& query) {
  std::string from;
  std::string to;
  const bool descending = query.order == Order::descending;
  if (query.after) {
    // A zero byte more makes the next id of those that may be there.
    (descending ? to : from) = descending ? query.after->id.value : query.after->id.value + '\0';
  }
  KeyPage page;
  const std::string wanted = lower(query.text);
  const auto read = keys(from, to, descending, [&](KeyState key) {
    if (!matches(key, query, wanted)) return true;
    page.more = page.keys.size() == query.limit;
    if (!page.more) page.keys.push_back(std::move(key));
    return !page.more;
  });
  if (!read) return fail(read.error());
  return page;
}

struct NamedKey {
  std::string sort_name;  ///< In lower case.
  KeyState key;

  auto sort_key() const {
    return std::pair(std::string_view(sort_name), std::string_view(key.id.value));
  }
};

/// By name: reads all of the account's keys, and keeps a page of them (and one more) in a heap.
Result<KeyPage> list_by_name(const Keys& keys, const KeyQuery& query) {
  const bool descending = query.order == Order::descending;
  const auto before = [descending](const NamedKey& left, const NamedKey& right) {
    return descending ? right.sort_key() < left.sort_key() : left.sort_key() < right.sort_key();
  };
  std::optional<NamedKey> after;
  if (query.after) {
    after.emplace();
    after->sort_name = lower(query.after->name);
    after->key.id = query.after->id;
  }
  std::vector<NamedKey> heap;  // Its top is the last of what is kept.
  const std::string wanted = lower(query.text);
  const auto read = keys({}, {}, false, [&](KeyState key) {
    if (!matches(key, query, wanted)) return true;
    NamedKey named{lower(key.name.value), std::move(key)};
    if (after && !before(*after, named)) return true;
    heap.push_back(std::move(named));
    std::ranges::push_heap(heap, before);
    if (heap.size() > query.limit + 1) {
      std::ranges::pop_heap(heap, before);
      heap.pop_back();
    }
    return true;
  });
  if (!read) return fail(read.error());
  std::ranges::sort_heap(heap, before);
  KeyPage page;
  page.more = heap.size() > query.limit;
  if (page.more) heap.pop_back();
  for (NamedKey& named : heap) page.keys.push_back(std::move(named.key));
  return page;
}

}  // namespace

Result<KeyPage> ReadModel::list_keys(const KeyQuery& query) const {
  Keys keys = keys_now(*store_, query.account, query.deadline);
  if (query.as_of) {
    auto then = keys_at(query.account, *query.as_of, query.deadline);
    if (!then) return fail(std::move(then.error()));
    keys = keys_then(std::move(*then));
  }
  return query.sort == KeySort::name ? list_by_name(keys, query) : list_by_creation(keys, query);
}

}  // namespace keyledger::projections
