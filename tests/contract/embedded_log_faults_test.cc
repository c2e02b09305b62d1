#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "events/log/embedded/embedded_log.h"
#include "events/log/embedded/store.h"
#include "tests/contract/log_words.h"
#include "tests/support/events.h"
#include "tests/support/faulty_files.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

// Every file operation of the log fails once, one after the other: what was answered must hold.

constexpr std::uint64_t kBatches = 6;

/// Three events, of which the second is long; the envelope of a key of its own.
Append batch(std::uint64_t number) {
  const std::string name = "batch " + std::to_string(number);
  return {.events = {name + " begins", name + std::string(40'000, '.'), name + " ends"},
          .envelopes = {{nth_key_id(static_cast<unsigned>(number)),
                         "sealed " + std::to_string(number), std::nullopt}},
          .erased = {}};
}

/// What a log was told, and what it answered.
class Told {
 public:
  /// Appends batches until one fails, and one more.
  void append_to(EventLog& log) {
    for (std::uint64_t i = 0; i < kBatches; ++i) {
      const Append next = batch(kept_ + 1);
      const auto answer = log.append(next);
      if (answer) {
        EXPECT_FALSE(in_doubt_) << "an append went well after one with an unknown outcome";
        ++kept_;
        EXPECT_EQ(*answer, end());
        continue;
      }
      if (answer.error().code == Errc::outcome_unknown) {
        EXPECT_FALSE(in_doubt_) << "two appends with an unknown outcome";
        in_doubt_ = true;
      } else {
        EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message;
      }
    }
    check(log);
  }

  /// What was answered OK is there, what is in doubt whole or not at all, and nothing else.
  void check(const LogReader& log) {
    const auto found = read(log, 0);
    if (in_doubt_ && found.size() > end().value) {
      ++kept_;
      in_doubt_ = false;
    }
    std::vector<StoredEvent> expected;
    for (std::uint64_t i = 1; i <= kept_; ++i) {
      for (std::string& event : batch(i).events) {
        expected.push_back({{expected.size() + 1}, std::move(event)});
      }
    }
    EXPECT_TRUE(found == expected) << found.size() << " events instead of " << expected.size();
    for (std::uint64_t i = 1; i <= kept_ + 1; ++i) {
      const auto envelope = envelope_of(log, nth_key_id(static_cast<unsigned>(i)));
      EXPECT_EQ(envelope.has_value(), i <= kept_) << "of batch " << i;
    }
  }

  /// What was in doubt at the last opening is settled by it.
  void settle() { in_doubt_ = false; }

 private:
  Position end() const { return Position{3 * kept_}; }

  std::uint64_t kept_ = 0;
  bool in_doubt_ = false;  ///< Whether one more batch may be there after reopening.
};

/// A log on files that don't fail.
class Opened {
 public:
  explicit Opened(const std::filesystem::path& directory)
      : log_(make_embedded_log(must(Store::open(directory, env_.get())))) {}

  EventLog& log() { return *log_; }

 private:
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(
      std::make_shared<FaultyFiles>(FaultyFiles::kNone, FaultyFiles::Fault::once));
  std::unique_ptr<EventLog> log_;
};

class EmbeddedLogFaults : public testing::TestWithParam<FaultyFiles::Fault> {
 protected:
  /// For n = 0, 1, 2, … until none fails: a log that was `used_before` some times is used while its
  /// n-th file operation fails, then opened twice on sound files.
  void fail_each_operation(int used_before) {
    constexpr std::uint64_t kAtLeast = 20;
    std::uint64_t n = 0;
    for (bool failed = true; failed && !HasFailure(); ++n) {
      SCOPED_TRACE("operation " + std::to_string(n));
      const TemporaryDirectory directory;
      Told told;
      for (int i = 0; i < used_before; ++i) told.append_to(Opened(directory.path()).log());
      failed = use_while_failing(directory.path(), told, n);
      if (HasFailure()) break;
      told.check(Opened(directory.path()).log());
      told.settle();
      Opened again(directory.path());
      told.check(again.log());
      told.append_to(again.log());
    }
    EXPECT_GT(n, kAtLeast) << "so few operations can't have been all";
  }

 private:
  /// Whether an operation failed, also while the log was closed.
  static bool use_while_failing(const std::filesystem::path& directory, Told& told,
                                std::uint64_t n) {
    const auto files = std::make_shared<FaultyFiles>(n, GetParam());
    const auto env = rocksdb::NewCompositeEnv(files);
    auto store = Store::open(directory, env.get());
    if (store) {
      told.append_to(*make_embedded_log(std::move(*store)));
    } else {
      EXPECT_EQ(store.error().code, Errc::io) << store.error().message;
      EXPECT_TRUE(files->has_failed()) << store.error().message;
    }
    return files->has_failed();
  }
};

TEST_P(EmbeddedLogFaults, WhileItIsMade_LoseNothingAcknowledged) { fail_each_operation(0); }

TEST_P(EmbeddedLogFaults, WhileItIsOpenedAgain_LoseNothingAcknowledged) { fail_each_operation(2); }

INSTANTIATE_TEST_SUITE_P(Of, EmbeddedLogFaults,
                         testing::Values(FaultyFiles::Fault::once, FaultyFiles::Fault::for_good),
                         [](const auto& instance) {
                           return instance.param == FaultyFiles::Fault::once ? "OneOperation"
                                                                             : "AllFromOneOn";
                         });

}  // namespace
}  // namespace keyledger::log
