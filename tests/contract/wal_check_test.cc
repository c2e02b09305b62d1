#include "events/log/embedded/wal_check.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace keyledger::log {
namespace {

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;

// Types of records, as RocksDB numbers them.
constexpr char kFull = 1;
constexpr char kFirst = 2;
constexpr char kMiddle = 3;
constexpr char kLast = 4;

/// CRC-32C by its definition, a bit at a time, rotated and shifted as RocksDB stores it.
std::uint32_t stored_crc(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  crc = ~crc;
  return (crc >> 15U | crc << 17U) + 0xA282EAD8U;
}

std::string record(char type, std::string_view payload) {
  const std::uint32_t crc = stored_crc(std::string(1, type).append(payload));
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(crc >> shift & 0xFFU);
  bytes += static_cast<char>(payload.size() & 0xFFU);
  bytes += static_cast<char>(payload.size() >> 8U);
  bytes += type;
  return bytes.append(payload);
}

/// Two blocks of one long record, and a short one behind it.
std::string fragmented() {
  const std::string full_block(kBlockBytes - kHeaderBytes, 'x');
  return record(kFirst, full_block) + record(kMiddle, full_block) + record(kLast, "end") +
         record(kFull, "another");
}

std::string three_records() {
  return record(kFull, "one") + record(kFull, "the second") + record(kFull, "number three");
}

TEST(JudgeWal, OfNoBytes_IsWhole) { EXPECT_EQ(judge_wal(""), WalTail::whole); }

TEST(JudgeWal, OfWholeRecords_IsWhole) {
  EXPECT_EQ(judge_wal(three_records()), WalTail::whole);
  EXPECT_EQ(judge_wal(record(kFull, "")), WalTail::whole);
  EXPECT_EQ(judge_wal(fragmented()), WalTail::whole);
}

TEST(JudgeWal, OfABlockWithoutRoomForAHeaderAtItsEnd_GoesOnInTheNext) {
  const std::string almost_a_block =
      record(kFull, std::string(kBlockBytes - kHeaderBytes - 6, 'x'));
  const std::string filler(6, '\0');
  EXPECT_EQ(judge_wal(almost_a_block + filler + record(kFull, "next")), WalTail::whole);
}

TEST(JudgeWal, OfALastRecordThatIsCutOffAnywhere_IsTorn) {
  const std::string whole = three_records();
  const std::size_t last = whole.size() - record(kFull, "number three").size();
  for (std::size_t size = last + 1; size < whole.size(); ++size) {
    EXPECT_EQ(judge_wal(whole.substr(0, size)), WalTail::torn) << size;
  }
}

TEST(JudgeWal, OfZerosBehindTheLastRecord_IsTorn) {
  EXPECT_EQ(judge_wal(three_records() + std::string(100, '\0')), WalTail::torn);
}

TEST(JudgeWal, OfAnyByteThatWasChanged_IsDamaged) {
  const std::string whole = three_records();
  for (std::size_t offset = 0; offset < whole.size(); ++offset) {
    for (const unsigned mask : {0x01U, 0x80U, 0xFFU}) {
      std::string changed = whole;
      changed[offset] = static_cast<char>(static_cast<unsigned char>(changed[offset]) ^ mask);
      EXPECT_EQ(judge_wal(changed), WalTail::damaged) << offset << " with " << mask;
    }
  }
}

TEST(JudgeWal, OfAChangedByteNextToABlocksBorder_IsDamaged) {
  const std::string whole = fragmented();
  for (const std::size_t border : {kBlockBytes, 2 * kBlockBytes}) {
    for (std::size_t offset = border - 10; offset < border + 10; ++offset) {
      std::string changed = whole;
      changed[offset] = static_cast<char>(changed[offset] ^ 1);
      EXPECT_EQ(judge_wal(changed), WalTail::damaged) << offset;
    }
  }
}

TEST(JudgeWal, OfARecordOverwrittenWithZerosBeforeOthers_IsDamaged) {
  const std::string first = record(kFull, "one");
  EXPECT_EQ(judge_wal(std::string(first.size(), '\0') + record(kFull, "two")), WalTail::damaged);
}

TEST(JudgeWal, OfWordsThatWereNeverALog_IsDamaged) {
  EXPECT_EQ(judge_wal("This is a text that somebody wrote over the log"), WalTail::damaged);
}

TEST(CheckWals, OfADirectoryWithADamagedLog_NamesTheFile) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "000004.log", std::ios::binary) << three_records();
  EXPECT_TRUE(check_wals(directory.path()));

  std::string changed = three_records();
  changed[8] = '!';
  std::ofstream(directory / "000007.log", std::ios::binary) << changed;
  const auto checked = check_wals(directory.path());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::damaged);
  EXPECT_NE(checked.error().message.find("000007.log"), std::string::npos)
      << checked.error().message;
}

TEST(CheckWals, OfOtherFiles_LooksAtNone) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "LOG") << "This is no log of ours";
  EXPECT_TRUE(check_wals(directory.path()));
}

TEST(CheckWals, OfADirectoryThatIsNotThere_IsAnInputError) {
  const TemporaryDirectory directory;
  const auto checked = check_wals(directory / "nowhere");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::io);
}

}  // namespace
}  // namespace keyledger::log
