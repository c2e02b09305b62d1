#include "projections/changes.h"

#include <utility>

namespace keyledger::projections {

void Changes::put(Family family, std::string key, std::string value) {
  change(family, std::move(key), std::move(value));
}

void Changes::erase(Family family, std::string key) {
  change(family, std::move(key), std::nullopt);
}

void Changes::change(Family family, std::string key, std::optional<std::string> value) {
  if (only_written(family)) {
    only_written_.push_back({family, std::move(key), std::move(value)});
  } else {
    rows_[static_cast<std::size_t>(family)].insert_or_assign(std::move(key), std::move(value));
  }
}

Result<std::optional<std::string>> Changes::get(Family family, const std::string& key) const {
  const auto changed = rows(family).find(key);
  if (changed != rows(family).end()) return changed->second;
  return store_.get(family, key);
}

Result<void> Changes::scan(Family family, std::string_view from, std::string_view to,
                           const Store::Visit& visit) const {
  auto changed = rows(family).lower_bound(from);
  const auto end = to.empty() ? rows(family).end() : rows(family).lower_bound(to);
  bool wants_more = true;
  /// Visits the changed rows before `bound`; all that are left where it is empty.
  const auto visit_changed_before = [&](std::optional<std::string_view> bound) {
    for (; wants_more && changed != end && (!bound || changed->first < *bound); ++changed) {
      if (changed->second) wants_more = visit(changed->first, *changed->second);
    }
  };
  const auto read =
      store_.scan(family, from, to, false, [&](std::string_view key, std::string_view value) {
        visit_changed_before(key);
        const bool is_changed = changed != end && changed->first == key;
        if (wants_more && !is_changed) wants_more = visit(key, value);
        return wants_more;
      });
  if (!read) return read;
  visit_changed_before(std::nullopt);
  return {};
}

std::vector<Change> Changes::take() {
  std::vector<Change> changes = std::exchange(only_written_, {});
  for (std::size_t i = 0; i < kFamilies; ++i) {
    // Not through map nodes' keys, which are const: extract() gives them away.
    while (!rows_[i].empty()) {
      auto row = rows_[i].extract(rows_[i].begin());
      changes.push_back({static_cast<Family>(i), std::move(row.key()), std::move(row.mapped())});
    }
  }
  return changes;
}

}  // namespace keyledger::projections
