#include "services/audit/tile_path.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace keyledger::audit {
namespace {

using merkle::kTileWidth;

TEST(TilePath, HasTheFormsOfTheSpecification) {
  EXPECT_EQ(tile_path({.tile = {0, 0}}), "0/000");
  EXPECT_EQ(tile_path({.tile = {0, 1'234'067}}), "0/x001/x234/067");
  EXPECT_EQ(tile_path({.tile = {1, 999}, .width = 12}), "1/999.p/12");
  EXPECT_EQ(tile_path({.entries = true, .tile = {0, 1'000}}), "entries/x001/000");
  EXPECT_EQ(tile_path({.entries = true, .tile = {0, 0}, .width = 255}), "entries/000.p/255");
}

TEST(TilePath, IsReadAsItIsWritten) {
  EXPECT_TRUE(rc::check([] {
    TilePath what;
    what.entries = *rc::gen::arbitrary<bool>();
    if (!what.entries) what.tile.level = *rc::gen::inRange(0U, merkle::kMaxLevel + 1);
    const unsigned bits = *rc::gen::inRange(0U, 56U);
    what.tile.index = *rc::gen::inRange<std::uint64_t>(0, (std::uint64_t{1} << bits) + 1);
    what.width = *rc::gen::inRange<std::uint64_t>(1, kTileWidth + 1);
    RC_ASSERT(parse_tile_path(tile_path(what)) == what);
  }));
}

TEST(TilePath, ThatIsWrittenInAnotherWay_IsNone) {
  for (const std::string path : {"",
                                 "0",
                                 "0/",
                                 "/000",
                                 "0/0",
                                 "0/00",
                                 "0/0000",
                                 "0/000/",
                                 "0/x000/001",
                                 "0/x001",
                                 "0/x001/",
                                 "0/x001/x234",
                                 "0/001/234",
                                 "00/000",
                                 "8/000",
                                 "99/000",
                                 "-1/000",
                                 "a/000",
                                 "0/00a",
                                 "0/000.p",
                                 "0/000.p/",
                                 "0/000.p/0",
                                 "0/000.p/256",
                                 "0/000.p/01",
                                 "0/000.p/1/",
                                 "0/000.p/x",
                                 "0/+01",
                                 "entries",
                                 "entries/",
                                 "entries/0/000",
                                 "entries/000.p/256",
                                 "0/%30%30%30",
                                 "0/x999/x999/x999/x999/x999/x999/x999/999",
                                 "0/000.p/1.p/1"}) {
    EXPECT_EQ(parse_tile_path(path), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace keyledger::audit
