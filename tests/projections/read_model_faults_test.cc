#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "projections/projector.h"
#include "projections/rows.h"
#include "projections/store.h"
#include "tests/projections/folded.h"
#include "tests/support/faulty_files.h"
#include "tests/support/memory_log.h"

namespace keyledger::projections {
namespace {

// Every file operation of the read model fails once, one after the other: it may say nothing that
// isn't so, and on sound files it must become what every other model is.

class ReadModelFaults : public testing::TestWithParam<FaultyFiles::Fault> {
 protected:
  static constexpr std::size_t kCacheBytes = std::size_t{1} << 20U;

  ReadModelFaults() {
    append_events(log,
                  {story.ledger_created(), story.writer_elected(), story.account_registered()});
    checksum_on_sound_files(used_before / "read-model");
    for (unsigned n = 1; n <= 4; ++n) {
      append_events(log, {story.key_created(nth_key_id(n))});
      append_events(log, {story.about(nth_key_id(n), KeyDescribed{})});
    }
    append_events(log, {story.about(nth_key_id(2), KeyDisabled{}),
                        story.account_username_changed("bob@example.com"),
                        story.about(nth_key_id(3), KeyDeleted{})});
  }

  /// Opens, folds and closes a model. Whether an operation of its files failed.
  bool use_while_failing(const std::filesystem::path& path, std::uint64_t n) const {
    const auto files = std::make_shared<FaultyFiles>(n, GetParam());
    const auto env = rocksdb::NewCompositeEnv(files);
    auto store = Store::open(path, Store::Mode::serve, kCacheBytes, env.get());
    if (!store) {
      EXPECT_EQ(store.error().code, Errc::io) << store.error().message;
      return files->has_failed();
    }
    ReadModel model(std::move(*store));
    Projector projector(log, model, [](const Error&) {});
    const auto caught_up = projector.catch_up([](const Progress&) {});
    if (!caught_up) {
      EXPECT_EQ(caught_up.error().code, Errc::io) << caught_up.error().message;
      EXPECT_TRUE(files->has_failed());
      // Nothing is wrong with an event: nobody must be advised to quarantine one.
      EXPECT_TRUE(projector.halted() && !projector.halted()->event);
    }
    const auto meta = model.meta();
    if (meta) {
      EXPECT_LE(projector.gate().position(), meta->position) << "who waits was told too much";
    }
    return files->has_failed();
  }

  /// The machine's disk isn't waited for here either.
  std::string checksum_on_sound_files(const std::filesystem::path& path) const {
    const auto env = rocksdb::NewCompositeEnv(
        std::make_shared<FaultyFiles>(FaultyFiles::kNone, FaultyFiles::Fault::once));
    ReadModel model(must(Store::open(path, Store::Mode::serve, kCacheBytes, env.get())));
    must(model.store().write(
        {{Family::meta, Change::Kind::put, std::string(kFormatKey), std::to_string(kRowFormat)}}));
    Projector projector(log, model, [](const Error&) {});
    must(projector.catch_up([](const Progress&) {}));
    return must(model.checksum()).hex;
  }

  Story story;
  log::MemoryLog log;
  TemporaryDirectory used_before;  ///< A model that has folded the log's first events.
};

TEST_P(ReadModelFaults, OfEachFileOperation_LeaveAModelThatBecomesWhatOthersAre) {
  const TemporaryDirectory sound;
  const std::string expected = checksum_on_sound_files(sound / "read-model");
  constexpr std::uint64_t kAtLeast = 20;
  std::uint64_t n = 0;
  for (bool failed = true; failed && !HasFailure(); ++n) {
    SCOPED_TRACE("operation " + std::to_string(n));
    const TemporaryDirectory directory;
    std::filesystem::copy(used_before / "read-model", directory / "read-model");
    failed = use_while_failing(directory / "read-model", n);
    EXPECT_EQ(checksum_on_sound_files(directory / "read-model"), expected);
  }
  EXPECT_GT(n, kAtLeast) << "so few operations can't have been all";
}

INSTANTIATE_TEST_SUITE_P(Of, ReadModelFaults,
                         testing::Values(FaultyFiles::Fault::once, FaultyFiles::Fault::for_good),
                         [](const auto& instance) {
                           return instance.param == FaultyFiles::Fault::once ? "OneOperation"
                                                                             : "AllFromOneOn";
                         });

}  // namespace
}  // namespace keyledger::projections
