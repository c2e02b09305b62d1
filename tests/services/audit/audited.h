#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "projections/projector.h"
#include "projections/read_model.h"
#include "projections/tree.h"
#include "tests/support/events.h"
#include "tests/support/memory_log.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::audit {

/// Throws, and so fails its test, on an error.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A log with some renames of a key, and a read model that follows it.
class Audited : public testing::Test {
 protected:
  Audited() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(key)});
  }

  void append(int count) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      events.push_back(story.about(key, KeyRenamed{{std::to_string(i)}}));
    }
    append_events(log, events);
  }

  /// A log of the same events, the one at `position` exchanged for `bytes`, or left out where that
  /// is empty; ends at `last`.
  std::unique_ptr<log::MemoryLog> changed(Position position, const std::string& bytes,
                                          Position last = {UINT64_MAX}) const {
    auto other = std::make_unique<log::MemoryLog>();
    log::Append append;
    for (const auto& event : must(log.read_after({}, 100'000))) {
      if (event.position > last) break;
      const bool is_it = event.position == position;
      if (!is_it || !bytes.empty()) append.events.push_back(is_it ? bytes : event.bytes);
    }
    must(other->append(append));
    return other;
  }

  const KeyId key = nth_key_id(1);
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
  std::unique_ptr<projections::ReadModel> model =
      must(projections::open_read_model(directory / "model", {.cache_bytes = 1U << 20U}));
  projections::Projector projector{log, *model, [](const Error&) {}};
  const projections::Tree tree{*model};

  void catch_up() {
    must(projector.catch_up([](const projections::Progress&) {}));
  }
};

}  // namespace keyledger::audit
