// Write-ahead logs: one that is whole is whole, one that is cut off is torn, and any other change
// is damage.

#include <algorithm>
#include <cstdint>
#include <fuzzer/FuzzedDataProvider.h>
#include <string>
#include <string_view>
#include <vector>

#include "events/log/embedded/wal_check.h"
#include "tests/fuzz/promise.h"

namespace keyledger::log {
namespace {

using fuzz::promise;

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;

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

/// Writes records as RocksDB does, and remembers where each piece of one begins.
class Log {
 public:
  void append(std::string_view payload) {
    bool is_first = true;
    do {
      const std::size_t left = kBlockBytes - bytes_.size() % kBlockBytes;
      if (left < kHeaderBytes) bytes_.append(left, '\0');
      const std::size_t room = kBlockBytes - bytes_.size() % kBlockBytes - kHeaderBytes;
      const bool is_last = payload.size() <= room;
      append_piece(is_first ? (is_last ? 1 : 2) : (is_last ? 4 : 3), payload.substr(0, room));
      payload.remove_prefix(std::min(room, payload.size()));
      is_first = false;
      if (is_last) return;
    } while (true);
  }

  const std::string& bytes() const { return bytes_; }
  /// Where the pieces begin.
  const std::vector<std::size_t>& begins() const { return begins_; }
  /// Whether the byte at `offset` is one of a piece, not of what fills a block.
  bool is_in_a_piece(std::size_t offset) const {
    const auto next = std::ranges::upper_bound(begins_, offset) - begins_.begin();
    return offset < ends_[static_cast<std::size_t>(next) - 1];
  }

 private:
  void append_piece(char type, std::string_view payload) {
    begins_.push_back(bytes_.size());
    const std::uint32_t crc = stored_crc(std::string(1, type).append(payload));
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes_ += static_cast<char>(crc >> shift & 0xFFU);
    }
    bytes_ += static_cast<char>(payload.size() & 0xFFU);
    bytes_ += static_cast<char>(payload.size() >> 8U);
    bytes_ += type;
    bytes_ += payload;
    ends_.push_back(bytes_.size());
  }

  std::string bytes_;
  std::vector<std::size_t> begins_;
  std::vector<std::size_t> ends_;
};

/// A log of texts, as events are. At most one of them is long: it ends near a block's border.
Log make_log(FuzzedDataProvider& input) {
  Log log;
  const auto records = input.ConsumeIntegralInRange<unsigned>(1, 5);
  const auto long_one = input.ConsumeIntegral<std::uint8_t>();
  for (unsigned i = 0; i < records; ++i) {
    std::string payload = input.ConsumeRandomLengthString(64);
    for (char& c : payload) c = static_cast<char>(' ' + (static_cast<unsigned char>(c) % 95));
    if (i + 1 == long_one) {
      const std::size_t blocks = input.ConsumeBool() ? 2 : 1;
      payload.append(blocks * kBlockBytes - 128 + input.ConsumeIntegralInRange<std::size_t>(0, 160),
                     'x');
    }
    log.append(payload);
  }
  return log;
}

void check_log(const Log& log, FuzzedDataProvider& input) {
  const std::string& bytes = log.bytes();
  promise(judge_wal(bytes) == WalTail::whole, "a log is whole");

  const auto cut = input.ConsumeIntegralInRange<std::size_t>(0, bytes.size());
  const auto after_cut = judge_wal(std::string_view(bytes).substr(0, cut));
  promise(after_cut != WalTail::damaged, "a log that is cut off is not damaged");
  const bool is_between = cut == bytes.size() || !log.is_in_a_piece(cut) ||
                          std::ranges::binary_search(log.begins(), cut);
  promise((after_cut == WalTail::whole) == is_between, "a log that is cut in a record is torn");

  const std::size_t zeros = input.ConsumeIntegralInRange<std::size_t>(0, 64);
  promise(judge_wal(bytes + std::string(zeros, '\0')) != WalTail::damaged,
          "a log with room behind it is not damaged");

  const auto at = input.ConsumeIntegralInRange<std::size_t>(0, bytes.size() - 1);
  const auto mask = input.ConsumeIntegralInRange<unsigned>(1, 255);
  std::string changed = bytes;
  changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ mask);
  promise(judge_wal(changed) == (log.is_in_a_piece(at) ? WalTail::damaged : WalTail::whole),
          "a log with a changed byte is damaged");
}

/// Whether every record of any bytes is there, by a walk that shares no code with judge_wal().
bool is_whole(std::string_view bytes) {
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    const std::size_t left_in_block = kBlockBytes - offset % kBlockBytes;
    if (left_in_block < kHeaderBytes) {
      offset += left_in_block;
      continue;
    }
    if (bytes.size() - offset < kHeaderBytes) return false;
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return static_cast<unsigned char>(bytes[offset + i]);
    };
    const std::size_t payload = byte(4) + 256 * byte(5);
    if (payload + kHeaderBytes > std::min(left_in_block, bytes.size() - offset)) return false;
    if (byte(6) < 1 || byte(6) > 4) return false;
    const std::uint32_t crc = byte(0) | byte(1) << 8U | byte(2) << 16U | byte(3) << 24U;
    if (crc != stored_crc(bytes.substr(offset + 6, 1 + payload))) return false;
    offset += kHeaderBytes + payload;
  }
  return true;
}

}  // namespace
}  // namespace keyledger::log

/// Any bytes, and what a log is made by from them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyledger::log;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  keyledger::fuzz::promise((judge_wal(bytes) == WalTail::whole) == is_whole(bytes),
                           "bytes are whole if each record is");
  FuzzedDataProvider input(data, size);
  const Log log = make_log(input);
  check_log(log, input);
  return 0;
}
