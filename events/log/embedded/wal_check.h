#pragma once

#include <filesystem>
#include <string_view>

#include "events/result.h"

namespace keyledger::log {

/// What a write-ahead log's bytes tell about its end.
enum class WalTail {
  whole,    ///< Every record is there to its last byte.
  torn,     ///< The last record was being written when the writing stopped.
  damaged,  ///< Bytes were changed, or records follow one that isn't whole.
};

/// Judges the bytes of a RocksDB write-ahead log (32 KiB blocks of records: CRC-32C, length, type,
/// payload; https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format).
///
/// RocksDB itself takes a record whose *length* was changed for a torn one, if it then reaches
/// beyond the end of the file, and drops all that follow it. Here that is damage.
WalTail judge_wal(std::string_view bytes);

/// Judges every write-ahead log in `directory`. Modifies nothing.
///
/// Errors: damaged (names the file), io (also when a file went away meanwhile).
Result<void> check_wals(const std::filesystem::path& directory);

}  // namespace keyledger::log
