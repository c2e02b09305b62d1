#include "projections/rebuild.h"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "projections/projector.h"
#include "projections/rows.h"
#include "projections/store.h"
#include "tests/projections/folded.h"
#include "tests/support/memory_log.h"

namespace keyledger::projections {
namespace {

void say_nothing(const Progress& /*progress*/) {}

/// A log and the read model that a node left of it, in a directory where others may lie beside.
class Rebuild : public testing::Test {
 protected:
  Rebuild() {
    append_events(log, {story.ledger_created(), story.writer_elected(), story.account_registered(),
                        story.key_created(key), story.key_created(nth_key_id(2)),
                        story.about(key, KeyRenamed{{"new"}}),
                        story.account_username_changed("bob@example.com"),
                        story.about(nth_key_id(2), KeyDeleted{})});
    live = folded();
  }

  /// Catches up as a node does when it starts, and ends; the checksum.
  std::string folded() {
    const auto model = opened(path);
    Projector projector(log, *model, [](const Error&) {});
    must(projector.catch_up(say_nothing));
    return must(model->checksum()).hex;
  }
  Result<void> rebuild() { return rebuild_read_model(log, path, say_nothing); }
  std::string checksum() const {
    return must(must(open_read_model_for_reading(path))->checksum()).hex;
  }

  static void write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  const KeyId key = nth_key_id(1);
  Story story;
  log::MemoryLog log;
  TemporaryDirectory directory;
  const std::filesystem::path path = directory / "read-model";
  const std::filesystem::path fresh = directory / "read-model.new";
  const std::filesystem::path old = directory / "read-model.old";
  std::string live;  ///< The checksum of what the node left.
};

TEST_F(Rebuild, MakesTheModelThatTheLiveOneIs) {
  must(rebuild());
  EXPECT_EQ(checksum(), live);
  EXPECT_FALSE(exists(fresh));
  EXPECT_FALSE(exists(old));
}

TEST_F(Rebuild, OfAModelThatIsBehind_CatchesUp) {
  append_events(log, {story.about(key, KeyDisabled{})});
  must(rebuild());
  EXPECT_NE(checksum(), live);
  EXPECT_EQ(checksum(), folded());
}

TEST_F(Rebuild, OfAModelWithWrongRows_MakesThemRight) {
  must(opened(path)->store().write({{Family::accounts, Change::Kind::put, "nobody", "garbage"}}));
  EXPECT_NE(checksum(), live);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
}

TEST_F(Rebuild, WhereThereIsNoModel_MakesOne) {
  std::filesystem::remove_all(path);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
}

TEST_F(Rebuild, OfAModelOfAnotherFormat_MakesOneOfThisFormat) {
  must(opened(path)->store().write(
      {{Family::meta, Change::Kind::put, std::string(kFormatKey), "0"}}));
  expect_error(open_read_model(path), Errc::incompatible);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
}

TEST_F(Rebuild, OfAModelThatCannotBeOpened_MakesANewOne) {
  write(path / "CURRENT", "garbage\n");
  EXPECT_FALSE(open_read_model(path));
  must(rebuild());
  EXPECT_EQ(checksum(), live);
}

TEST_F(Rebuild, OfALogWithABadEvent_LeavesTheModelAsItWas) {
  Event bad = story.about(key, KeyDisabled{});
  bad.version = Version{9};
  append_events(log, {bad});
  expect_error(rebuild(), Errc::damaged, "position 9");
  EXPECT_EQ(checksum(), live);
  EXPECT_FALSE(exists(old));
}

TEST_F(Rebuild, OfALogWithABadEvent_EndsThereIfTheCallerWantsIt) {
  append_events(log, {story.about(key, KeyDisabled{})});
  Event bad = story.about(key, KeyEnabled{});
  bad.version = Version{99};
  append_events(log, {bad});
  must(rebuild_read_model(log, path, say_nothing, AtBadEvent::stop_there));
  const auto model = must(open_read_model_for_reading(path));
  EXPECT_EQ(must(model->meta()).position, Position{9});
  EXPECT_FALSE(must(model->key(AccountId{"acme"}, key)).enabled);
}

TEST_F(Rebuild, OfALogThatCannotBeReadAtAll_LeavesTheModelWhateverTheCallerWants) {
  log.damage(Position{3});
  expect_error(rebuild_read_model(log, path, say_nothing, AtBadEvent::stop_there), Errc::damaged);
  EXPECT_EQ(checksum(), live);
}

TEST_F(Rebuild, OfALogThatCannotBeRead_LeavesTheModelAsItWas) {
  log.damage(Position{3});
  expect_error(rebuild(), Errc::damaged, "position 3");
  EXPECT_EQ(checksum(), live);
}

TEST_F(Rebuild, OfAModelThatIsOpenHere_IsLocked) {
  const auto model = opened(path);
  expect_error(rebuild(), Errc::locked);
  EXPECT_EQ(must(model->checksum()).hex, live);
  EXPECT_FALSE(exists(fresh));
}

TEST_F(Rebuild, OfAModelThatIsOpenToBeRead_IsDoneAndTheReaderHasTheOldOne) {
  const auto reader = must(open_read_model_for_reading(path));
  append_events(log, {story.about(key, KeyDisabled{})});
  must(rebuild());
  EXPECT_TRUE(must(reader->key(AccountId{"acme"}, key)).enabled);
}

/// Another process that holds a file's lock as RocksDB does, until this object goes.
class LockingProcess {
 public:
  explicit LockingProcess(const std::filesystem::path& file) {
    if (pipe(locked_.data()) != 0 || pipe(gone_.data()) != 0) throw std::runtime_error("no pipe");
    const std::string name = file.string();
    child_ = fork();
    if (child_ == 0) hold(name.c_str());
    char byte = 0;
    if (child_ < 0 || read(locked_[0], &byte, 1) != 1 || byte != 'l') {
      throw std::runtime_error("no other process has the lock");
    }
  }
  ~LockingProcess() {
    close(gone_[1]);
    waitpid(child_, nullptr, 0);
    for (const int end : {locked_[0], locked_[1], gone_[0]}) close(end);
  }
  LockingProcess(const LockingProcess&) = delete;
  LockingProcess& operator=(const LockingProcess&) = delete;

 private:
  /// Does only what a process may do that was forked from one with threads.
  [[noreturn]] void hold(const char* name) const {
    close(gone_[1]);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const int file = open(name, O_RDWR | O_CLOEXEC);
    char byte = file >= 0 && fcntl(file, F_SETLK, &lock) == 0 ? 'l' : 'n';
    const bool told = write(locked_[1], &byte, 1) == 1;
    while (told && read(gone_[0], &byte, 1) > 0) {
    }
    _exit(0);
  }

  std::array<int, 2> locked_{};
  std::array<int, 2> gone_{};
  pid_t child_ = -1;
};

TEST_F(Rebuild, OfAModelThatAnotherProcessHas_IsLocked) {
  {
    const LockingProcess node(path / "LOCK");
    expect_error(rebuild(), Errc::locked, "another process");
    expect_error(open_read_model(path), Errc::locked, "another process");
    EXPECT_FALSE(exists(fresh));
    EXPECT_EQ(checksum(), live);
  }
  must(rebuild());
}

// A process may be killed anywhere. What it left beside the model is of no use to anybody.

TEST_F(Rebuild, AfterOneThatWasKilledWhileItFolded_BeginsAnew) {
  write(fresh / "CURRENT", "MANIFEST-000001\n");
  write(fresh / "000004.sst", "half of it");
  EXPECT_EQ(folded(), live);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
  EXPECT_FALSE(exists(fresh));
}

TEST_F(Rebuild, AfterOneThatWasKilledBetweenItsRenames_FoldsAnew) {
  std::filesystem::copy(path, fresh);
  std::filesystem::rename(path, old);
  expect_error(open_read_model_for_reading(path), Errc::not_found);
  // A node that starts then has no model, and makes one from the log.
  EXPECT_EQ(must(opened(path)->meta()).position, Position{0});
  EXPECT_EQ(folded(), live);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
  EXPECT_FALSE(exists(fresh));
  EXPECT_FALSE(exists(old));
}

TEST_F(Rebuild, DirectlyAfterOneThatWasKilledBetweenItsRenames_MakesTheModel) {
  std::filesystem::copy(path, fresh);
  std::filesystem::rename(path, old);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
  EXPECT_FALSE(exists(fresh));
  EXPECT_FALSE(exists(old));
}

TEST_F(Rebuild, AfterOneThatWasKilledBeforeItRemovedTheOldModel_RemovesIt) {
  std::filesystem::copy(path, old);
  must(rebuild());
  EXPECT_EQ(checksum(), live);
  EXPECT_FALSE(exists(old));
}

}  // namespace
}  // namespace keyledger::projections
