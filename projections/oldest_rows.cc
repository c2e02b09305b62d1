#include "projections/oldest_rows.h"

namespace keyledger::projections {
namespace {

constexpr std::size_t kReadAhead = 1024;

}  // namespace

Result<const std::string*> OldestRows::front(const Changes& changes, std::string_view to) {
  if (keys_.empty() && next_ < to) {
    const auto read = changes.scan(family_, next_, to, [&](std::string_view key, std::string_view) {
      keys_.emplace_back(key);
      return keys_.size() < kReadAhead;
    });
    if (!read) {
      keys_.clear();
      return fail(read.error());
    }
    next_ = keys_.size() < kReadAhead ? std::string(to) : keys_.back() + '\0';
  }
  return keys_.empty() || keys_.front() >= to ? nullptr : &keys_.front();
}

void OldestRows::changed(std::string_view key) {
  if (key >= next_) return;
  next_ = keys_.empty() ? key : std::min<std::string_view>(key, keys_.front());
  keys_.clear();
}

void OldestRows::reset() {
  keys_.clear();
  next_.clear();
}

}  // namespace keyledger::projections
