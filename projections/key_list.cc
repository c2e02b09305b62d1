#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// By creation: ids sort so, and so do the rows. Reads no further than the page.
Result<KeyPage> list_by_creation(const Store& store, const KeyQuery& query) {
  const std::string prefix = keys_prefix(query.account);
  std::string from = prefix;
  std::string to = after_prefix(prefix);
  const bool descending = query.order == Order::descending;
  if (query.after) {
    std::string last = keys_key(query.account, query.after->id);
    // A zero byte more makes the next key, of what may stand there.
    (descending ? to : from) = descending ? std::move(last) : last + '\0';
  }
  KeyPage page;
  const std::string wanted = lower(query.text);
  Result<KeyState> key;
  const auto read = store.scan(Family::keys, from, to, descending,
                               [&](std::string_view row_key, std::string_view row) {
                                 key = read_key_row(row_key, row);
                                 if (!key) return false;
                                 if (!matches(*key, query, wanted)) return true;
                                 page.more = page.keys.size() == query.limit;
                                 if (!page.more) page.keys.push_back(std::move(*key));
                                 return !page.more;
                               });
  if (!read) return fail(read.error());
  if (!key) return fail(std::move(key.error()));
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
Result<KeyPage> list_by_name(const Store& store, const KeyQuery& query) {
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
  const std::string prefix = keys_prefix(query.account);
  Result<KeyState> key;
  const auto read = store.scan(Family::keys, prefix, after_prefix(prefix), false,
                               [&](std::string_view row_key, std::string_view row) {
                                 key = read_key_row(row_key, row);
                                 if (!key) return false;
                                 if (!matches(*key, query, wanted)) return true;
                                 NamedKey named{lower(key->name.value), std::move(*key)};
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
  if (!key) return fail(std::move(key.error()));
  std::ranges::sort_heap(heap, before);
  KeyPage page;
  page.more = heap.size() > query.limit;
  if (page.more) heap.pop_back();
  for (NamedKey& named : heap) page.keys.push_back(std::move(named.key));
  return page;
}

}  // namespace

Result<KeyPage> ReadModel::list_keys(const KeyQuery& query) const {
  return query.sort == KeySort::name ? list_by_name(*store_, query)
                                     : list_by_creation(*store_, query);
}

}  // namespace keyledger::projections
