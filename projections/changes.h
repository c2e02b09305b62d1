#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.h"
#include "projections/store.h"

namespace keyledger::projections {

/// What is to be written in one batch, over what the store holds: reading sees both, in all
/// families but those that are only_written(). Not thread-safe. Errors of reading: io, damaged.
class Changes {
 public:
  /// `store` is used until the Changes are gone.
  explicit Changes(const Store& store) : store_(store) {}

  void put(Family family, std::string key, std::string value);
  void erase(Family family, std::string key);

  Result<std::optional<std::string>> get(Family family, const std::string& key) const;

  /// Calls `visit` for the rows whose key is in [from, to), in order, until it returns false.
  /// `visit` must not change anything here.
  Result<void> scan(Family family, std::string_view from, std::string_view to,
                    const Store::Visit& visit) const;

  /// All changes, for Store::write().
  std::vector<Change> take();

 private:
  void change(Family family, std::string key, std::optional<std::string> value);

  using Rows = std::map<std::string, std::optional<std::string>, std::less<>>;

  const Rows& rows(Family family) const { return rows_[static_cast<std::size_t>(family)]; }

  const Store& store_;
  std::array<Rows, kFamilies> rows_;
  std::vector<Change> only_written_;
};

}  // namespace keyledger::projections
