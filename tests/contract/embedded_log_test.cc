#include "events/log/embedded/embedded_log.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/log_files.h"
#include "tests/contract/log_words.h"
#include "tests/support/events.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

using testing::ElementsAre;

// What the embedded log promises beyond the contract of every log.

TEST(EmbeddedLog, OpenedForWritingTwice_IsLocked) {
  const TemporaryDirectory directory;
  const auto first = must(open_embedded_log(directory.path()));
  append_texts(*first, {"a"});
  const auto second = open_embedded_log(directory.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::locked) << second.error().message;
  EXPECT_EQ(append_texts(*first, {"b"}), Position{2});
}

TEST(EmbeddedLog, WhoseLockCanNotBeMade_IsAnInputErrorAndNotLocked) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "LOCK");
  const auto log = open_embedded_log(directory.path());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Errc::io) << log.error().message;
}

TEST(EmbeddedLog, OpenedForReadingBesideTheWriter_HoldsWhatWasThereThen) {
  const TemporaryDirectory directory;
  const auto writer = must(open_embedded_log(directory.path()));
  append_texts(*writer, {"a", "b"});
  keep(*writer, {{nth_key_id(1), "sealed", kStoryBegins}});

  const auto reader = must(open_embedded_log_for_reading(directory.path()));
  append_texts(*writer, {"c"});

  EXPECT_EQ(end_of(*reader), Position{2});
  EXPECT_THAT(read(*reader, 0), ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, "b"}));
  EXPECT_EQ(envelope_of(*reader, nth_key_id(1))->sealed, "sealed");
  EXPECT_THAT(due(*reader, kStoryBegins), ElementsAre(nth_key_id(1)));
  EXPECT_TRUE(reader->wait_beyond(Position{1}, {}, std::chrono::hours{1}));
  EXPECT_FALSE(reader->wait_beyond(Position{2}, {}, std::chrono::milliseconds{1}));
  const auto later = must(open_embedded_log_for_reading(directory.path()));
  EXPECT_EQ(end_of(*later), Position{3});
}

TEST(EmbeddedLog, OpenedForReadingAgainAndAgainBesideTheWriter_AlwaysGivesAPrefix) {
  const TemporaryDirectory directory;
  const auto writer = must(open_embedded_log(directory.path()));
  for (int i = 0; i < 30; ++i) {
    append_texts(*writer, {"a", "b", "c"});
    const auto reader = must(open_embedded_log_for_reading(directory.path()));
    EXPECT_EQ(read(*reader, 0), read(*writer, 0));
  }
}

TEST(EmbeddedLog, OpenedForReading_ChangesNoFile) {
  const TemporaryDirectory directory;
  append_texts(*must(open_embedded_log(directory.path())), {"a"});
  const auto before = contents_of(directory.path());
  EXPECT_EQ(end_of(*must(open_embedded_log_for_reading(directory.path()))), Position{1});
  EXPECT_EQ(contents_of(directory.path()), before);
}

/// While it lives, no file of this process grows beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*old_handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

TEST(EmbeddedLog, WhenAWriteFails_DoesNotKnowTheOutcomeAndTakesNoMoreUntilReopened) {
  const TemporaryDirectory directory;
  const std::string large(10'000, 'x');
  {
    const auto log = must(open_embedded_log(directory.path()));
    append_texts(*log, {"a", large});
    {
      const FileSizeLimit limit(std::filesystem::file_size(the_wal(directory.path())) + 100);
      const auto refused = log->append({.events = {large}, .envelopes = {}, .erased = {}});
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Errc::outcome_unknown) << refused.error().message;
    }
    const auto after = log->append({.events = {"b"}, .envelopes = {}, .erased = {}});
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error().code, Errc::unavailable) << after.error().message;
    EXPECT_EQ(end_of(*log), Position{2});
  }
  const auto log = must(open_embedded_log(directory.path()));
  EXPECT_EQ(append_texts(*log, {"b"}), Position{3});
  EXPECT_THAT(read(*log, 0),
              ElementsAre(StoredEvent{{1}, "a"}, StoredEvent{{2}, large}, StoredEvent{{3}, "b"}));
}

TEST(EmbeddedLog, OfAnEmptyDirectory_IsNotFoundByAReader) {
  const TemporaryDirectory directory;
  for (const auto& nothing : {directory.path(), directory / "nowhere"}) {
    const auto reader = open_embedded_log_for_reading(nothing);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Errc::not_found) << reader.error().message;
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(EmbeddedLog, WithAFileInItsPlace_IsAnInputError) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "a file";
  for (const auto& place : {directory / "file", directory / "file" / "log"}) {
    const auto log = open_embedded_log(place);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::io) << log.error().message;
  }
}

}  // namespace
}  // namespace keyledger::log
