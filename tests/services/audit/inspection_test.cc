#include "services/audit/inspection.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projections/rows.h"
#include "projections/store.h"
#include "services/audit/checkpoint_file.h"
#include "services/audit/entries.h"
#include "services/audit/export.h"
#include "tests/services/audit/audited.h"

namespace keyledger::audit {
namespace {

using testing::HasSubstr;

class Inspected : public Audited {
 protected:
  Inspected() {
    append(400);
    catch_up();
  }

  Claim claim(std::uint64_t size) const {
    return {"the kept one", {origin_of(kStoryLogId), size, must(tree.root(size))}};
  }
  static std::string why(const Result<Inspection>& result) {
    return result ? "it went well" : result.error().message;
  }
};

TEST_F(Inspected, ALogThatAgrees_IsSummedUp) {
  const auto found = must(inspect(log, &tree, {claim(0), claim(1), claim(300), claim(404)}));
  EXPECT_EQ(found.events, 404U);
  EXPECT_EQ(found.last, Position{404});
  EXPECT_EQ(found.root, must(tree.root(404)));
  EXPECT_TRUE(inspect(log, nullptr, {claim(300)}));
}

TEST_F(Inspected, ALogThatHasGoneOn_AgreesToo) {
  append(10);
  EXPECT_EQ(must(inspect(log, &tree, {claim(404)})).events, 414U);
}

TEST_F(Inspected, AnEventThatWasExchanged_IsNamed) {
  const auto other = changed({260}, "{}");
  EXPECT_THAT(why(inspect(*other, &tree, {claim(300)})), HasSubstr("position 260 (leaf 259)"));
  EXPECT_THAT(why(inspect(*other, &tree, {claim(200)})), HasSubstr("position 260 (leaf 259)"));
  EXPECT_THAT(why(inspect(*other, nullptr, {claim(300)})), HasSubstr("the kept one"));
  // Without a tree, and signed up to what was before: nobody can know.
  EXPECT_TRUE(inspect(*other, nullptr, {claim(200)}));
}

TEST_F(Inspected, AnEventThatWasRemoved_IsNamed) {
  const auto other = changed({260}, "");
  EXPECT_THAT(why(inspect(*other, &tree, {claim(300)})), HasSubstr("position 260 (leaf 259)"));
  EXPECT_THAT(why(inspect(*other, nullptr, {claim(300)})), HasSubstr("history was changed"));
}

TEST_F(Inspected, AnEventThatWasMadeUnreadable_IsNamedWhateverTellsOfIt) {
  const auto other = changed({260}, R"({"specversion":"1.0","id":"019)");
  for (const auto* known : {&tree, static_cast<const projections::Tree*>(nullptr)}) {
    EXPECT_THAT(why(inspect(*other, known, {claim(300)})), HasSubstr("position 260 (leaf 259)"));
  }
  // A model that was folded anew ends before it.
  const auto halted = must(projections::open_read_model(directory / "anew", {}));
  projections::Projector again(*other, *halted, [](const Error&) {});
  ASSERT_FALSE(again.catch_up([](const projections::Progress&) {}));
  const projections::Tree shorter(*halted);
  ASSERT_EQ(must(shorter.size()), 259U);
  EXPECT_THAT(why(inspect(*other, &shorter, {claim(300)})), HasSubstr("position 260 (leaf 259)"));
  // One that was signed like that may be quarantined: it is not for this to judge.
  EXPECT_TRUE(inspect(*other, &shorter, {claim(200)}));
}

TEST_F(Inspected, ALogThatEndsEarly_SaysWhere) {
  const auto other = changed({}, "", {250});
  for (const auto* known : {&tree, static_cast<const projections::Tree*>(nullptr)}) {
    EXPECT_THAT(why(inspect(*other, known, {claim(300)})),
                HasSubstr("the log has 250 events, the last at position 250"));
  }
  EXPECT_THAT(why(inspect(*other, &tree, {claim(250)})), HasSubstr("history was removed"));
}

TEST_F(Inspected, ATreeThatIsWrong_IsToldFromALogThatIs) {
  const Claim signed_before = claim(404);
  auto hashes = must(tree.tile({0, 1}, 148));
  (*hashes)[3 * merkle::kHashBytes] ^= 1;
  must(model->store().write({{projections::Family::tiles, projections::Change::Kind::put,
                              projections::tile_key({0, 1}), *hashes}}));
  const std::string said = why(inspect(log, &tree, {signed_before}));
  EXPECT_THAT(said, HasSubstr("position 260 (leaf 259)"));
  EXPECT_THAT(said, HasSubstr("The log is the one that was signed"));
}

TEST_F(Inspected, WhatCannotBeRead_IsAnError) {
  log.damage({300});
  EXPECT_EQ(inspect(log, &tree, {}).error().code, Errc::damaged);
}

TEST_F(Inspected, EntriesOfPositionsWithoutEvents_AreDamaged) {
  EXPECT_EQ(must(event_at(log, {404})), must(log.read_after({403}, 1)).front().bytes);
  EXPECT_EQ(event_at(log, {405}).error().code, Errc::damaged);
  EXPECT_EQ(entry_bundle(log, {{403}, {404}, {405}}).error().code, Errc::damaged);
}

TEST_F(Inspected, AnExport_IsTilesEntriesAndAtLastTheCheckpoint) {
  const auto out = directory / "export";
  const Checkpoint checkpoint = claim(300).checkpoint;
  must(export_log(log, checkpoint, "the note", out));
  EXPECT_EQ(must(read_checkpoint_file(out / "checkpoint")), "the note");
  const auto bytes = [&](const char* file) {
    std::ifstream in(out / "tile" / file, std::ios::binary);
    EXPECT_TRUE(in) << file;
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  EXPECT_EQ(bytes("0/000"), must(tree.tile({0, 0}, 256)));
  EXPECT_EQ(bytes("0/001.p/44"), must(tree.tile({0, 1}, 44)));
  EXPECT_EQ(bytes("1/000.p/1"), must(tree.tile({1, 0}, 1)));
  auto positions = must(tree.positions(1));
  positions.resize(44);
  EXPECT_EQ(bytes("entries/001.p/44"), must(entry_bundle(log, positions)));
  EXPECT_EQ(export_log(log, checkpoint, "the note", out).error().code, Errc::unavailable);
}

TEST_F(Inspected, AnExportOfAnotherHistory_HasNoCheckpoint) {
  const auto out = directory / "export";
  const auto other = changed({260}, "{}");
  EXPECT_EQ(export_log(*other, claim(300).checkpoint, "the note", out).error().code, Errc::damaged);
  EXPECT_FALSE(exists(out / "checkpoint"));
}

}  // namespace
}  // namespace keyledger::audit
