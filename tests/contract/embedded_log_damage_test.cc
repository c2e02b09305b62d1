#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/log/embedded/embedded_log.h"
#include "tests/contract/log_files.h"
#include "tests/contract/log_words.h"
#include "tests/support/events.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What the embedded log does with files that are not as they were left. The log is written at
// `original`; each test spoils copies of it.

/// Texts of which compression makes nothing shorter, so that they are found in the files.
std::string text_at(std::uint64_t position) { return "event " + std::to_string(position); }

std::vector<StoredEvent> texts_up_to(std::uint64_t end) {
  std::vector<StoredEvent> events;
  for (std::uint64_t i = 1; i <= end; ++i) events.push_back({{i}, text_at(i)});
  return events;
}

void append_next(EventLog& log, std::uint64_t count) {
  const std::uint64_t end = end_of(log).value;
  std::vector<std::string> texts;
  while (texts.size() < count) texts.push_back(text_at(end + texts.size() + 1));
  ASSERT_EQ(append_texts(log, texts), Position{end + count});
}

class EmbeddedLogDamage : public testing::Test {
 protected:
  /// Reopening moves what is in the write-ahead log into tables.
  void reopen_original() {
    log_.reset();
    log_ = must(open_embedded_log(original_));
  }
  void close_original() { log_.reset(); }

  EventLog& log() { return *log_; }
  std::filesystem::path wal() { return the_wal(original_); }
  std::uintmax_t wal_bytes() { return std::filesystem::file_size(wal()); }

  /// Makes a copy to be spoilt.
  std::filesystem::path copy() {
    copy_directory(original_, copy_);
    return copy_;
  }

  void expect_damaged_naming(const std::string& position) {
    const auto writer = open_embedded_log(copy_);
    ASSERT_FALSE(writer) << "opened for writing, with " << end_of(**writer).value << " events";
    EXPECT_EQ(writer.error().code, Errc::damaged) << writer.error().message;
    EXPECT_THAT(writer.error().message, HasSubstr(position));

    const auto reader = open_embedded_log_for_reading(copy_);
    ASSERT_FALSE(reader) << "opened for reading, with " << end_of(**reader).value << " events";
    EXPECT_EQ(reader.error().code, Errc::damaged) << reader.error().message;
    EXPECT_THAT(reader.error().message, HasSubstr(position));
  }

 private:
  TemporaryDirectory directory_;
  std::filesystem::path original_ = directory_ / "original";
  std::filesystem::path copy_ = directory_ / "copy";
  std::unique_ptr<EventLog> log_ = must(open_embedded_log(original_));
};

TEST_F(EmbeddedLogDamage, AWriteAheadLogThatIsWhole_IsReadToItsEnd) {
  append_next(log(), 2);
  append_next(log(), 3);
  EXPECT_EQ(read(*must(open_embedded_log(copy())), 0), texts_up_to(5));
}

TEST_F(EmbeddedLogDamage, ALastRecordThatIsTornAnywhere_IsDroppedAndAppendsGoOn) {
  append_next(log(), 2);
  append_next(log(), 1);
  const std::uintmax_t whole_bytes = wal_bytes();
  append_next(log(), 2);
  const std::string wal_name = wal().filename();
  for (std::uintmax_t bytes = whole_bytes; bytes < wal_bytes(); ++bytes) {
    const auto directory = copy();
    std::filesystem::resize_file(directory / wal_name, bytes);
    EXPECT_EQ(read(*must(open_embedded_log_for_reading(directory)), 0), texts_up_to(3)) << bytes;
    {
      const auto torn = must(open_embedded_log(directory));
      EXPECT_EQ(read(*torn, 0), texts_up_to(3)) << bytes;
      append_next(*torn, 2);
      EXPECT_EQ(read(*torn, 0), texts_up_to(5)) << bytes;
    }
    EXPECT_EQ(read(*must(open_embedded_log(directory)), 0), texts_up_to(5)) << bytes;
  }
}

TEST_F(EmbeddedLogDamage, ALastRecordOverManyBlocksThatIsTorn_IsDroppedWhole) {
  constexpr std::uintmax_t kBlockBytes = 32'768;
  append_next(log(), 2);
  const std::uintmax_t whole_bytes = wal_bytes();
  append_texts(log(), {std::string(kMaxEventBytes, 'x'), std::string(kMaxEventBytes, 'y')});
  const std::string wal_name = wal().filename();
  std::vector<std::uintmax_t> sizes = {whole_bytes + 1, wal_bytes() - 1};
  for (std::uintmax_t border = kBlockBytes; border < wal_bytes(); border += kBlockBytes) {
    for (std::uintmax_t bytes = border - 1; bytes <= border + 8; ++bytes) sizes.push_back(bytes);
  }
  for (const std::uintmax_t bytes : sizes) {
    const auto directory = copy();
    std::filesystem::resize_file(directory / wal_name, bytes);
    const auto torn = must(open_embedded_log(directory));
    EXPECT_EQ(read(*torn, 0), texts_up_to(2)) << bytes;
    append_next(*torn, 1);
    EXPECT_EQ(read(*torn, 0), texts_up_to(3)) << bytes;
  }
}

TEST_F(EmbeddedLogDamage, TheVeryFirstRecordTornAnywhere_IsANewLog) {
  const std::string wal_name = wal().filename();
  for (std::uintmax_t bytes = 0; bytes < wal_bytes(); ++bytes) {
    const auto directory = copy();
    std::filesystem::resize_file(directory / wal_name, bytes);
    const auto torn = must(open_embedded_log(directory));
    append_next(*torn, 2);
    EXPECT_EQ(read(*torn, 0), texts_up_to(2)) << bytes;
  }
}

TEST_F(EmbeddedLogDamage, TheVeryFirstRecordTorn_IsNotFoundByAReader) {
  const auto directory = copy();
  std::filesystem::resize_file(the_wal(directory), wal_bytes() - 1);
  const auto reader = open_embedded_log_for_reading(directory);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::not_found) << reader.error().message;
}

TEST_F(EmbeddedLogDamage, AnyByteChangedInTheWriteAheadLog_IsDamageAndNeverSkipped) {
  const std::uintmax_t none_yet = wal_bytes();
  append_next(log(), 2);
  const std::uintmax_t with_two = wal_bytes();
  append_next(log(), 1);
  const std::uintmax_t with_three = wal_bytes();
  append_next(log(), 2);
  const std::string wal_name = wal().filename();
  for (std::uintmax_t offset = 0; offset < wal_bytes(); ++offset) {
    SCOPED_TRACE("the byte at " + std::to_string(offset));
    flip(copy() / wal_name, offset);
    const int last_whole = offset < with_two ? 0 : offset < with_three ? 2 : 3;
    if (offset < none_yet) {
      expect_damaged_naming("position 0");
    } else {
      expect_damaged_naming("position " + std::to_string(last_whole));
    }
  }
}

TEST_F(EmbeddedLogDamage, AnUntouchedLogAfterADamagedOpening_IsStillAsItWas) {
  append_next(log(), 3);
  const auto directory = copy();
  const auto spoilt = the_wal(directory);
  flip(spoilt, wal_bytes() / 2);
  const std::string before = bytes_of(spoilt);
  ASSERT_FALSE(open_embedded_log(directory));
  EXPECT_EQ(bytes_of(spoilt), before);
  EXPECT_THAT(files_with(directory, ".log"), ElementsAre(spoilt));
}

TEST_F(EmbeddedLogDamage, AByteChangedInATable_IsDamageAtAPosition) {
  append_next(log(), 3);
  reopen_original();
  close_original();
  const auto directory = copy();
  const auto table = file_holding(directory, ".sst", text_at(1));
  flip(table, bytes_of(table).find(text_at(1)));

  const auto opened = open_embedded_log(directory);
  if (!opened) {
    EXPECT_EQ(opened.error().code, Errc::damaged) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr("position"));
    return;
  }
  const auto events = (*opened)->read_after(Position{0}, 10);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Errc::damaged) << events.error().message;
  EXPECT_THAT(events.error().message, HasSubstr("position 1"));
}

TEST_F(EmbeddedLogDamage, ADamagedBlockBehindWholeOnes_IsNamedAfterTheyWereRead) {
  constexpr std::uint64_t kEvents = 5'000;
  append_next(log(), kEvents);
  reopen_original();
  close_original();
  const auto directory = copy();
  const auto table = file_holding(directory, ".sst", text_at(1));
  flip(table, bytes_of(table).size() / 3);

  const auto reader = must(open_embedded_log_for_reading(directory));
  const auto whole = read(*reader, 0);
  ASSERT_LT(whole.size(), kEvents);
  ASSERT_GT(whole.size(), 0U);
  EXPECT_EQ(whole, texts_up_to(whole.size()));
  const auto damaged = reader->read_after(Position{whole.size()}, 10);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::damaged);
  EXPECT_THAT(damaged.error().message, HasSubstr("position " + std::to_string(whole.size() + 1)));
}

TEST_F(EmbeddedLogDamage, AnyByteChangedInATable_IsDamageOrChangesNothing) {
  append_next(log(), 300);
  reopen_original();
  close_original();
  const std::string table = file_holding(copy(), ".sst", text_at(1)).filename();
  const std::size_t table_bytes = bytes_of(copy() / table).size();
  constexpr std::size_t kStride = 61;
  for (std::size_t offset = 0; offset < table_bytes; offset += kStride) {
    const auto directory = copy();
    flip(directory / table, offset);
    const auto opened = open_embedded_log_for_reading(directory);
    if (!opened) {
      EXPECT_EQ(opened.error().code, Errc::damaged) << offset << ": " << opened.error().message;
      continue;
    }
    std::vector<StoredEvent> all;
    auto page = (*opened)->read_after(Position{0}, 1'000);
    while (page && !page->empty()) {
      all.insert(all.end(), page->begin(), page->end());
      page = (*opened)->read_after(all.back().position, 1'000);
    }
    EXPECT_EQ(all, texts_up_to(all.size())) << offset;
    if (page) {
      EXPECT_EQ(all.size(), 300U) << offset;
    } else {
      EXPECT_EQ(page.error().code, Errc::damaged) << offset;
    }
  }
}

TEST_F(EmbeddedLogDamage, AMissingTable_IsDamage) {
  append_next(log(), 3);
  reopen_original();
  close_original();
  const auto directory = copy();
  std::filesystem::remove(file_holding(directory, ".sst", text_at(1)));
  expect_damaged_naming("");
}

TEST_F(EmbeddedLogDamage, AMissingListOfFiles_IsDamageAndNoNewLog) {
  append_next(log(), 3);
  reopen_original();
  close_original();
  const auto directory = copy();
  const auto tables = files_with(directory, ".sst");
  std::filesystem::remove(directory / "CURRENT");
  expect_damaged_naming("");
  EXPECT_EQ(files_with(directory, ".sst"), tables);
}

class EmbeddedLogOfTwoFiles : public EmbeddedLogDamage {
 protected:
  /// An envelope keeps the older write-ahead log while events fill a memory table and begin a
  /// newer.
  EmbeddedLogOfTwoFiles() {
    keep(log(), {{nth_key_id(1), "sealed", {}}});
    const std::vector<std::string> batch(200, std::string(kMaxEventBytes, 'x'));
    while (files_with(copy(), ".log").size() < 2) append_texts(log(), batch);
    append_texts(log(), {"after"});
  }
};

TEST_F(EmbeddedLogOfTwoFiles, LeftAsTheyAre_IsReadAndReopened) {
  const Position end = end_of(log());
  const auto directory = copy();
  const auto reader = must(open_embedded_log_for_reading(directory));
  const auto reopened = must(open_embedded_log(directory));
  const std::array<const LogReader*, 2> both = {reader.get(), reopened.get()};
  for (const LogReader* opened : both) {
    EXPECT_THAT(read(*opened, end.value - 1), ElementsAre(StoredEvent{end, "after"}));
    EXPECT_EQ(envelope_of(*opened, nth_key_id(1))->sealed, "sealed");
  }
}

TEST_F(EmbeddedLogOfTwoFiles, WithTheOlderCutOff_IsDamaged) {
  const auto older = files_with(copy(), ".log").front();
  std::filesystem::resize_file(older, std::filesystem::file_size(older) - 10);
  expect_damaged_naming("");
}

TEST_F(EmbeddedLogOfTwoFiles, WithoutTheOlder_IsDamaged) {
  std::filesystem::remove(files_with(copy(), ".log").front());
  expect_damaged_naming("");
}

}  // namespace
}  // namespace keyledger::log
