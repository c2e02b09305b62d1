#include "events/log/embedded/wal_check.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace keyledger::log {
namespace {

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::size_t kTypeOffset = 6;

/// Table i holds the CRC-32C (Castagnoli, RFC 3720 appendix B.4) of each byte with i zeros behind
/// it, so that eight bytes are taken at once (Intel's "slicing by 8").
constexpr auto make_crc_tables() {
  constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? value >> 1U ^ kReflectedPolynomial : value >> 1U;
    }
    tables[0][i] = value;
  }
  for (std::size_t table = 1; table < tables.size(); ++table) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[table - 1][i];
      tables[table][i] = before >> 8U ^ tables[0][before & 0xFFU];
    }
  }
  return tables;
}

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTables = make_crc_tables();
  std::uint32_t crc = ~0U;
  for (; bytes.size() >= kTables.size(); bytes.remove_prefix(kTables.size())) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kTables.size(); ++i) {
      const std::uint32_t mixed = i < sizeof(crc) ? crc >> (8 * i) & 0xFFU : 0;
      next ^= kTables[7 - i][mixed ^ static_cast<unsigned char>(bytes[i])];
    }
    crc = next;
  }
  for (const char byte : bytes) {
    crc = crc >> 8U ^ kTables[0][(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~crc;
}

/// RocksDB stores checksums rotated and shifted, so that a checksum of checksums stays useful.
std::uint32_t masked(std::uint32_t crc) { return (crc >> 15U | crc << 17U) + 0xA282EAD8U; }

std::uint32_t byte_at(std::string_view bytes, std::size_t offset) {
  return static_cast<unsigned char>(bytes[offset]);
}

std::size_t left_in_block(std::size_t offset) { return kBlockBytes - offset % kBlockBytes; }

bool is_whole(std::string_view bytes, std::size_t offset, std::size_t payload_bytes) {
  const std::size_t record_bytes = kHeaderBytes + payload_bytes;
  if (record_bytes > left_in_block(offset) || record_bytes > bytes.size() - offset) return false;
  const std::uint32_t stored = byte_at(bytes, offset) | byte_at(bytes, offset + 1) << 8U |
                               byte_at(bytes, offset + 2) << 16U |
                               byte_at(bytes, offset + 3) << 24U;
  return stored == masked(crc32c(bytes.substr(offset + kTypeOffset, 1 + payload_bytes)));
}

std::size_t payload_bytes_at(std::string_view bytes, std::size_t offset) {
  return byte_at(bytes, offset + 4) | byte_at(bytes, offset + 5) << 8U;
}

/// Whether the header at `offset` has a type that RocksDB writes: full, first, middle or last.
bool has_type(std::string_view bytes, std::size_t offset) {
  const std::uint32_t type = byte_at(bytes, offset + kTypeOffset);
  return type >= 1 && type <= 4;
}

/// Whether there is a header at `offset` that has a type, and whose checksum holds. Our events are
/// text, so their own bytes never look like one.
bool is_record(std::string_view bytes, std::size_t offset) {
  return has_type(bytes, offset) && is_whole(bytes, offset, payload_bytes_at(bytes, offset));
}

/// Where the first record that is not whole begins: the end of `bytes` if all are.
std::size_t end_of_whole_records(std::string_view bytes) {
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    if (left_in_block(offset) < kHeaderBytes) {
      offset += left_in_block(offset);
      continue;
    }
    if (bytes.size() - offset < kHeaderBytes || !is_record(bytes, offset)) return offset;
    offset += kHeaderBytes + payload_bytes_at(bytes, offset);
  }
  return bytes.size();
}

Result<std::vector<std::filesystem::path>> list_wals(const std::filesystem::path& directory) {
  std::error_code ec;
  std::vector<std::filesystem::path> wals;
  for (auto entry = std::filesystem::directory_iterator(directory, ec);
       !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec)) {
    if (entry->path().extension() == ".log") wals.push_back(entry->path());
  }
  if (ec) return fail(Errc::io, "can't list " + directory.string() + ": " + ec.message());
  return wals;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  if (ec) return fail(Errc::io, "can't read " + path.string() + ": " + ec.message());
  std::string bytes(size, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return fail(Errc::io, "can't read " + path.string());
  }
  return bytes;
}

}  // namespace

WalTail judge_wal(std::string_view bytes) {
  const std::size_t end = end_of_whole_records(bytes);
  const std::size_t left = bytes.size() - end;
  if (left == 0) return WalTail::whole;
  if (left < kHeaderBytes) return WalTail::torn;
  if (bytes.find_first_not_of('\0', end) == bytes.npos) return WalTail::torn;

  const std::size_t claimed = kHeaderBytes + payload_bytes_at(bytes, end);
  const bool is_cut_off = has_type(bytes, end) && claimed > left && claimed <= left_in_block(end);
  if (!is_cut_off) return WalTail::damaged;
  if (is_whole(bytes, end, left - kHeaderBytes)) return WalTail::damaged;
  for (std::size_t offset = end + 1; offset + kHeaderBytes <= bytes.size(); ++offset) {
    if (left_in_block(offset) >= kHeaderBytes && is_record(bytes, offset)) return WalTail::damaged;
  }
  return WalTail::torn;
}

Result<void> check_wals(const std::filesystem::path& directory) {
  const auto wals = list_wals(directory);
  if (!wals) return fail(wals.error());
  for (const std::filesystem::path& wal : *wals) {
    const auto bytes = read_file(wal);
    if (!bytes) return fail(bytes.error());
    if (judge_wal(*bytes) == WalTail::damaged) {
      return fail(Errc::damaged,
                  "bytes in " + wal.filename().string() + " are not what was written");
    }
  }
  return {};
}

}  // namespace keyledger::log
