#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "events/result.h"
#include "projections/key_hash.h"
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
  /// Puts `bytes` behind what the row has; where there is none, they are the row. Nothing is read
  /// for it. Not for families that are only_written().
  void append(Family family, std::string key, std::string_view bytes);

  Result<std::optional<std::string>> get(Family family, const std::string& key) const;

  /// Calls `visit` for the rows whose key is in [from, to), in order, until it returns false.
  /// `visit` must not change anything here.
  Result<void> scan(Family family, std::string_view from, std::string_view to,
                    const Store::Visit& visit) const;

  /// All changes, for Store::write().
  std::vector<Change> take();

 private:
  /// What becomes of one family's rows.
  struct Rows {
    std::deque<Change> changes;  ///< One a row; the first change of it says which comes first.
    /// Of each row, by its key, which lies in `changes`.
    boost::unordered_flat_map<std::string_view, Change*, KeyHash> by_key;
  };

  /// The change of this row, which is `kind` and has no value where there was none before.
  Change& change_of(Family family, std::string key, Change::Kind kind);
  const Change* find(Family family, std::string_view key) const;
  /// The row as it will be; nothing where it will be gone.
  static std::optional<std::string> applied(const Change& change,
                                            std::optional<std::string> before);

  const Store& store_;
  std::array<Rows, kFamilies> rows_;
  std::vector<Change> only_written_;
};

}  // namespace keyledger::projections
