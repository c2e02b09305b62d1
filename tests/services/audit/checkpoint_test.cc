#include "services/audit/checkpoint.h"

#include <string>

#include <gtest/gtest.h>

#include "services/audit/checkpoint_file.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::audit {
namespace {

const std::string kText =
    "keyledger/06DZ\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

TEST(ACheckpoint, IsReadAsItIsWritten) {
  const auto checkpoint = parse_checkpoint(kText);
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->origin, origin_of("06DZ"));
  EXPECT_EQ(checkpoint->size, 20'852'163U);
  EXPECT_EQ(checkpoint_text(*checkpoint), kText);
}

TEST(ACheckpoint, MayHaveMoreLinesThanItNeeds) {
  EXPECT_EQ(parse_checkpoint(kText + "an extension\n"), parse_checkpoint(kText).value());
}

TEST(ACheckpoint, OfAnotherForm_IsNone) {
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  for (const std::string& text :
       {std::string(), std::string("a\n1\n"), "\n1\n" + root, "a\n\n" + root, "a\n01\n" + root,
        "a\n-1\n" + root, "a\n1x\n" + root, "a\n18446744073709551616\n" + root,
        std::string("a\n1\nAAAA\n"), std::string("a\n1\n") + root.substr(0, root.size() - 1)}) {
    const auto read = parse_checkpoint(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::malformed);
  }
}

TEST(ACheckpointFile, IsTheLastThatWasWritten) {
  const TemporaryDirectory directory;
  const auto file = directory / "checkpoint";
  EXPECT_EQ(read_checkpoint_file(file).error().code, Errc::not_found);
  ASSERT_TRUE(write_checkpoint_file(file, "one"));
  ASSERT_TRUE(write_checkpoint_file(file, "another"));
  EXPECT_EQ(read_checkpoint_file(file), "another");
}

TEST(ACheckpointFile, WhereNoneCanBe_IsAnIoError) {
  const TemporaryDirectory directory;
  EXPECT_EQ(write_checkpoint_file(directory / "no" / "checkpoint", "one").error().code, Errc::io);
}

}  // namespace
}  // namespace keyledger::audit
