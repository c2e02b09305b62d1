#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "events/result.h"
#include "projections/changes.h"
#include "projections/store.h"

namespace keyledger::projections {

/// The keys of one family's rows from the first on, in their order, for who removes the rows in
/// that order. Reads many at once, and never again from the family's beginning: there lie the
/// traces of all that was removed, and RocksDB steps over each of them.
///
/// Not thread-safe. Errors of reading: io, damaged.
class OldestRows {
 public:
  explicit OldestRows(Family family) : family_(family) {}

  /// The first key before `to` that pop() has not passed, as `changes` see it; nullptr where there
  /// is none. It is valid until the next call of any member. Rows from `to` on aren't looked at.
  Result<const std::string*> front(const Changes& changes, std::string_view to);

  /// Passes over the key that front() gave, whose row the caller removes.
  void pop() { keys_.pop_front(); }

  /// Must be told of each other row of the family that is put or erased.
  void changed(std::string_view key);

  /// Begins at the family's first row again: for when changes were given up.
  void reset();

 private:
  const Family family_;
  std::deque<std::string> keys_;  ///< What was read ahead.
  std::string next_;              ///< No row lies before it but those of keys_.
};

}  // namespace keyledger::projections
