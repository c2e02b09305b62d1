#include "projections/changes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace keyledger::projections {

using Kind = Change::Kind;

void Changes::put(Family family, std::string key, std::string value) {
  if (only_written(family)) {
    only_written_.push_back({family, Kind::put, std::move(key), std::move(value)});
    return;
  }
  Change& change = change_of(family, std::move(key), Kind::put);
  change.kind = Kind::put;
  change.value = std::move(value);
}

void Changes::erase(Family family, std::string key) {
  if (only_written(family)) {
    only_written_.push_back({family, Kind::erase, std::move(key), {}});
    return;
  }
  Change& change = change_of(family, std::move(key), Kind::erase);
  change.kind = Kind::erase;
  change.value.clear();
}

void Changes::append(Family family, std::string key, std::string_view bytes) {
  Change& change = change_of(family, std::move(key), Kind::append);
  if (change.kind == Kind::erase) change.kind = Kind::put;
  change.value.append(bytes);
}

Change& Changes::change_of(Family family, std::string key, Kind kind) {
  Rows& rows = rows_[static_cast<std::size_t>(family)];
  if (const auto known = rows.by_key.find(key); known != rows.by_key.end()) return *known->second;
  Change& change = rows.changes.emplace_back(family, kind, std::move(key), std::string{});
  rows.by_key.emplace(change.key, &change);
  return change;
}

const Change* Changes::find(Family family, std::string_view key) const {
  const auto& by_key = rows_[static_cast<std::size_t>(family)].by_key;
  const auto known = by_key.find(key);
  return known == by_key.end() ? nullptr : known->second;
}

std::optional<std::string> Changes::applied(const Change& change,
                                            std::optional<std::string> before) {
  if (change.kind == Kind::erase) return std::nullopt;
  if (change.kind == Kind::put || !before) return change.value;
  return std::move(*before) + change.value;
}

Result<std::optional<std::string>> Changes::get(Family family, const std::string& key) const {
  const Change* const change = find(family, key);
  if (change == nullptr) return store_.get(family, key);
  if (change->kind != Kind::append) return applied(*change, {});
  auto before = store_.get(family, key);
  if (!before) return before;
  return applied(*change, std::move(*before));
}

Result<void> Changes::scan(Family family, std::string_view from, std::string_view to,
                           const Store::Visit& visit) const {
  std::vector<const Change*> changed;  // Those of a batch, few of which scan.
  for (const Change& change : rows_[static_cast<std::size_t>(family)].changes) {
    if (change.key >= from && (to.empty() || change.key < to)) changed.push_back(&change);
  }
  std::ranges::sort(changed, {}, &Change::key);
  auto next = changed.begin();
  bool wants_more = true;
  /// Visits the changed rows before `bound`; all that are left where there is none.
  const auto visit_changed_before = [&](std::optional<std::string_view> bound) {
    for (; wants_more && next != changed.end() && (!bound || (*next)->key < *bound); ++next) {
      if (const auto row = applied(**next, {})) wants_more = visit((*next)->key, *row);
    }
  };
  const auto read =
      store_.scan(family, from, to, false, [&](std::string_view key, std::string_view value) {
        visit_changed_before(key);
        if (!wants_more) return false;
        if (next == changed.end() || (*next)->key != key) return wants_more = visit(key, value);
        if (const auto row = applied(**next++, std::string(value))) wants_more = visit(key, *row);
        return wants_more;
      });
  if (!read) return read;
  visit_changed_before(std::nullopt);
  return {};
}

std::vector<Change> Changes::take() {
  std::vector<Change> all = std::exchange(only_written_, {});
  for (Rows& rows : rows_) {
    all.insert(all.end(), std::move_iterator(rows.changes.begin()),
               std::move_iterator(rows.changes.end()));
    rows.by_key.clear();
    rows.changes.clear();
  }
  return all;
}

}  // namespace keyledger::projections
