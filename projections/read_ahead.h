#pragma once

#include <cstddef>
#include <future>
#include <utility>
#include <vector>

#include "events/log/codec.h"
#include "events/log/event_log.h"
#include "events/result.h"
#include "events/vocabulary.h"
#include "projections/merkle/hash.h"

namespace keyledger::projections {

/// Events as they are stored, what each decodes to, and its hash as a leaf of the tree.
struct Page {
  std::vector<log::StoredEvent> stored;
  std::vector<Result<log::DecodedEvent>> decoded;
  std::vector<merkle::Hash> leaves;
};

/// Reads, decodes and hashes a log page by page, the next page on a thread of its own while the
/// caller works on this one. For who catches up: at the log's end nothing is read ahead. Not
/// thread-safe.
class ReadAhead {
 public:
  /// `log` is used until the ReadAhead is gone.
  ReadAhead(const log::LogReader& log, std::size_t page_events)
      : log_(log), page_events_(page_events) {}
  ~ReadAhead() { drop(); }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// LogReader::read_after() for a page. `used` is the one before, which needs its time to go as
  /// well.
  Result<Page> read_after(Position position, Page used = {}) {
    const bool is_next = next_.valid() && position == next_after_;
    if (!is_next) drop();
    auto page = is_next ? next_.get() : read(position);
    // What was empty then needn't be so now.
    if (page && page->stored.empty()) page = read(position);
    if (page && !page->stored.empty()) {
      next_after_ = page->stored.back().position;
      next_ = std::async(std::launch::async,
                         [this, after = next_after_, used = std::move(used)]() mutable {
                           used = {};
                           return read(after);
                         });
    }
    return page;
  }

 private:
  Result<Page> read(Position position) {
    auto stored = log_.read_after(position, page_events_);
    if (!stored) return fail(std::move(stored.error()));
    Page page{std::move(*stored), {}, {}};
    page.decoded.reserve(page.stored.size());
    page.leaves.reserve(page.stored.size());
    for (const auto& event : page.stored) {
      page.decoded.push_back(decoder_.decode(event.bytes));
      page.leaves.push_back(merkle::leaf_hash(event.bytes));
    }
    return page;
  }
  void drop() {
    if (next_.valid()) next_.wait();
    next_ = {};
  }

  const log::LogReader& log_;
  const std::size_t page_events_;
  log::Decoder decoder_;  ///< Of one thread at a time: nothing is read beside what is read ahead.
  Position next_after_;
  std::future<Result<Page>> next_;
};

}  // namespace keyledger::projections
