#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/event_log.h"
#include "projections/fold.h"
#include "projections/read_model.h"
#include "tests/support/events.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::projections {

// The words in which the tests of the read model are told.

/// Throws, and so fails its test, on an error.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline std::unique_ptr<ReadModel> opened(const std::filesystem::path& directory) {
  return must(open_read_model(directory, {.cache_bytes = std::size_t{1} << 20U}));
}

/// Events as a log has them that holds `events` after `position`.
inline std::vector<log::StoredEvent> stored_after(Position position,
                                                  std::vector<std::string> events) {
  std::vector<log::StoredEvent> stored;
  for (std::string& bytes : events) stored.push_back({{++position.value}, std::move(bytes)});
  return stored;
}

/// A read model on disk, of a log of which a test tells what it holds: at first LedgerCreated and
/// WriterElected, at the positions 1 and 2.
class Folded {
 public:
  Folded() { tell({story.ledger_created(), story.writer_elected()}); }

  Story story;

  /// Hands the events that come next to the fold, as one page.
  Result<void> apply(std::vector<std::string> events) {
    return fold_->apply(stored_after(fold_->position(), std::move(events)));
  }
  Result<void> apply(const std::vector<Event>& events) { return apply(encoded(events)); }

  /// Throws unless all of it was applied or skipped.
  void tell(std::vector<std::string> events) {
    const Position end{fold_->position().value + events.size()};
    must(apply(std::move(events)));
    if (fold_->position() != end) throw std::runtime_error("the fold left events for later");
  }
  void tell(const std::vector<Event>& events) { tell(encoded(events)); }

  /// As when the process ends and another one starts.
  void reopen() {
    fold_.reset();
    model_.reset();
    open();
  }

  const ReadModel& model() const { return *model_; }
  ReadModel& writable_model() { return *model_; }
  Fold& fold() { return *fold_; }
  Position position() const { return must(model_->meta()).position; }
  std::string checksum() const { return must(model_->checksum()).hex; }
  std::optional<Grant> grant(const KeyCreated& created) const {
    return must(model_->grant(created.digest));
  }
  KeyState key(const KeyId& id, std::string_view account = "acme") const {
    return must(model_->key(AccountId{std::string(account)}, id));
  }

 private:
  void open() {
    model_ = opened(directory_ / "read-model");
    fold_.emplace(model_->store(), must(model_->meta()));
  }

  TemporaryDirectory directory_;
  std::unique_ptr<ReadModel> model_ = opened(directory_ / "read-model");
  std::optional<Fold> fold_{std::in_place, model_->store(), MetaRow{}};
};

/// `events`, which follow one another, as what one command emitted.
inline std::vector<Event> as_one_command(std::vector<Event> events) {
  std::uint16_t index = 0;
  for (Event& event : events) {
    event.command = events.front().command;
    event.time = events.front().time;
    event.place = {++index, static_cast<std::uint16_t>(events.size())};
  }
  return events;
}

/// What `event` would be, were its type one that this program doesn't know.
inline std::string of_unknown_type(const Event& event, std::string_view more_members = {}) {
  std::string bytes = encoded({event}).front();
  const std::string known = "\"type\":\"keyledger." + std::string(type_name(event.fact)) + "\"";
  const auto at = bytes.find(known);
  if (at == std::string::npos) throw std::runtime_error("there is no type in " + bytes);
  bytes.replace(at, known.size(), R"("type":"keyledger.KeyShared")");
  return bytes.insert(1, more_members);
}

inline const KeyCreated& creation(const Event& event) { return std::get<KeyCreated>(event.fact); }

inline bool operator==(const Grant& left, const Grant& right) {
  const auto all = [](const Grant& grant) {
    return std::tie(grant.account, grant.username, grant.key, grant.name, grant.enabled,
                    grant.expires_at, grant.version);
  };
  return all(left) == all(right);
}

/// The positions in a page of the history.
inline std::vector<std::uint64_t> positions_of(const HistoryPage& page) {
  std::vector<std::uint64_t> positions;
  for (const HistoryEntry& entry : page.entries) positions.push_back(entry.position.value);
  return positions;
}

inline std::vector<std::uint64_t> positions_about(const ReadModel& model, const KeyId& key) {
  HistoryQuery query;
  query.key = key;
  query.limit = 1'000;
  return positions_of(must(model.history(query)));
}

inline std::vector<std::uint64_t> positions_about(const ReadModel& model,
                                                  std::string_view account) {
  HistoryQuery query;
  query.account = AccountId{std::string(account)};
  query.limit = 1'000;
  return positions_of(must(model.history(query)));
}

template <typename T>
void expect_error(const Result<T>& result, Errc code, const std::string& text = {}) {
  ASSERT_FALSE(result) << "went well";
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_THAT(result.error().message, testing::HasSubstr(text));
}

}  // namespace keyledger::projections
