#include "events/log/embedded/embedded_log.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <stop_token>
#include <string>
#include <sys/resource.h>
#include <thread>
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

TEST(EmbeddedLog, BackedUpWhileItIsAppendedTo_GivesWholeAppendsAndAllThatWereThereBefore) {
  const TemporaryDirectory directory;
  const auto writer = must(open_embedded_log(directory / "log"));
  std::jthread appending([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) append_texts(*writer, {"a", "b", "c"});
  });
  for (int i = 0; i < 10; ++i) {
    const Position before = end_of(*writer);
    const auto copy = directory / ("copy-" + std::to_string(i));
    ASSERT_TRUE(writer->back_up(copy));
    const auto reader = must(open_embedded_log(copy));
    EXPECT_GE(end_of(*reader), before);
    EXPECT_EQ(end_of(*reader).value % 3, 0U);
    EXPECT_EQ(read(*reader, 0), read(*writer, 0, end_of(*reader).value));
  }
}

TEST(EmbeddedLog, BackedUpToADirectoryThatIsThere_SaysSoAndLeavesIt) {
  const TemporaryDirectory directory;
  const auto writer = must(open_embedded_log(directory / "log"));
  append_texts(*writer, {"a"});
  const auto before = contents_of(directory / "log");
  const auto made = writer->back_up(directory / "log");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::io);
  EXPECT_EQ(contents_of(directory / "log"), before);
}

TEST(EmbeddedLog, AppendedToBySeveralThreads_HasEachAppendAsAWhole) {
  const TemporaryDirectory directory;
  const auto log = must(open_embedded_log(directory.path()));
  {
    std::vector<std::jthread> threads;
    for (const std::string text : {"a", "b", "c", "d"}) {
      threads.emplace_back([&log, text] {
        for (int i = 0; i < 50; ++i) append_texts(*log, {text, text});
      });
    }
  }
  const auto events = read(*log, 0);
  ASSERT_EQ(events.size(), 400U);
  for (std::size_t i = 0; i < events.size(); i += 2) {
    EXPECT_EQ(events[i].bytes, events[i + 1].bytes);
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
