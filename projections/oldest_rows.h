#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "events/result.h"
#include "projections/changes.h"
#include "projections/store.h"

namespace keyledger::projections {

/// The rows of one family from the first on, in the order of their keys, for who removes them in
/// that order. Reads many at once, and never again from the family's beginning: there lie the
/// traces of all that was removed, and RocksDB steps over each of them.
///
/// Not thread-safe. Errors of reading: io, damaged.
class OldestRows {
 public:
  struct Row {
    std::string key;
    std::string value;
  };

  explicit OldestRows(Family family) : family_(family) {}

  /// The first row that pop() has not passed, as `changes` see it; nullptr where there is none. It
  /// is valid until the next call of any member.
  Result<const Row*> front(const Changes& changes);

  /// Passes over the row that front() gave, which the caller removes.
  void pop() { rows_.pop_front(); }

  /// Must be told of each other row of the family that is put or erased.
  void changed(std::string_view key);

  /// Begins at the family's first row again: for when changes were given up.
  void reset();

 private:
  const Family family_;
  std::deque<Row> rows_;  ///< What was read ahead.
  std::string next_;      ///< No row lies before it but rows_.
};

}  // namespace keyledger::projections
