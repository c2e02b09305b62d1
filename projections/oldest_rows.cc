#include "projections/oldest_rows.h"

namespace keyledger::projections {
namespace {

constexpr std::size_t kReadAhead = 1024;

}  // namespace

Result<const OldestRows::Row*> OldestRows::front(const Changes& changes) {
  if (rows_.empty()) {
    const auto read =
        changes.scan(family_, next_, {}, [&](std::string_view key, std::string_view value) {
          rows_.push_back({std::string(key), std::string(value)});
          return rows_.size() < kReadAhead;
        });
    if (!read) {
      rows_.clear();
      return fail(read.error());
    }
    if (!rows_.empty()) next_ = rows_.back().key + '\0';
  }
  return rows_.empty() ? nullptr : &rows_.front();
}

void OldestRows::changed(std::string_view key) {
  if (key >= next_) return;
  next_ = rows_.empty() ? key : std::min<std::string_view>(key, rows_.front().key);
  rows_.clear();
}

void OldestRows::reset() {
  rows_.clear();
  next_.clear();
}

}  // namespace keyledger::projections
