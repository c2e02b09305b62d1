#include <string>
#include <string_view>
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

using testing::IsEmpty;

/// Bytes that no other key's envelope has, and that no compression shortens.
std::string secret(unsigned key) {
  std::string bytes;
  std::uint64_t state = key + 1;
  for (int i = 0; i < 120; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    bytes += static_cast<char>(state >> 56U);
  }
  return bytes;
}

/// The files that hold some eighth of the secret.
std::vector<std::string> files_with_a_part_of(const std::filesystem::path& directory,
                                              unsigned key) {
  std::vector<std::string> files;
  const std::string sought = secret(key);
  for (const auto& [name, bytes] : contents_of(directory)) {
    bool found = false;
    for (std::size_t i = 0; i + 15 <= sought.size(); i += 15) {
      found = found || bytes.contains(std::string_view(sought).substr(i, 15));
    }
    if (found) files.push_back(name);
  }
  return files;
}

void keep_secrets(EventLog& log, unsigned from, unsigned to) {
  std::vector<Envelope> envelopes;
  for (unsigned key = from; key < to; ++key) {
    envelopes.push_back({nth_key_id(key), secret(key), std::nullopt});
  }
  keep(log, std::move(envelopes));
}

void erase(EventLog& log, unsigned key) {
  append(log, {.events = {"deleted"}, .envelopes = {}, .erased = {nth_key_id(key)}});
}

TEST(Erasure, AfterAPurge_LeavesNoByteInAnyFile) {
  const TemporaryDirectory directory;
  const auto log = must(open_embedded_log(directory.path()));
  keep_secrets(*log, 0, 20);
  erase(*log, 7);
  // What makes the purge needed: erased is not gone.
  ASSERT_FALSE(files_with_a_part_of(directory.path(), 7).empty());

  EXPECT_TRUE(must(log->purge()));
  EXPECT_THAT(files_with_a_part_of(directory.path(), 7), IsEmpty());
  EXPECT_FALSE(must(log->purge()));
  for (unsigned key = 0; key < 20; ++key) {
    if (key != 7) EXPECT_EQ(envelope_of(*log, nth_key_id(key))->sealed, secret(key)) << key;
  }
}

TEST(Erasure, OfWhatLiesInOlderFiles_LeavesNoByteEither) {
  const TemporaryDirectory directory;
  for (unsigned round = 0; round < 4; ++round) {
    const auto log = must(open_embedded_log(directory.path()));  // Each opening makes a file.
    keep_secrets(*log, 10 * round, 10 * round + 10);
  }
  const auto log = must(open_embedded_log(directory.path()));
  for (const unsigned key : {3U, 17U, 38U}) erase(*log, key);
  EXPECT_TRUE(must(log->purge()));
  for (const unsigned key : {3U, 17U, 38U}) {
    EXPECT_THAT(files_with_a_part_of(directory.path(), key), IsEmpty()) << key;
  }
  EXPECT_EQ(envelope_of(*log, nth_key_id(39))->sealed, secret(39));
}

TEST(Erasure, NotPurgedBeforeTheEnd_IsPurgedInTheNextRun) {
  const TemporaryDirectory directory;
  {
    const auto log = must(open_embedded_log(directory.path()));
    keep_secrets(*log, 0, 5);
    erase(*log, 2);
  }
  {
    const auto log = must(open_embedded_log(directory.path()));
    EXPECT_TRUE(must(log->purge()));
    EXPECT_THAT(files_with_a_part_of(directory.path(), 2), IsEmpty());
  }
  const auto log = must(open_embedded_log(directory.path()));
  EXPECT_FALSE(must(log->purge()));
}

TEST(Erasure, OfAKeyThatHasNoEnvelope_IsPurgedWithoutHarm) {
  const TemporaryDirectory directory;
  const auto log = must(open_embedded_log(directory.path()));
  erase(*log, 1);
  EXPECT_TRUE(must(log->purge()));
  EXPECT_EQ(end_of(*log), Position{1});
}

}  // namespace
}  // namespace keyledger::log
