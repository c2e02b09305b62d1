#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace keyledger::log {

// What the damage tests do to the files of an embedded log.

/// The files in `directory` with the extension `extension` (such as ".sst"), by name.
std::vector<std::filesystem::path> files_with(const std::filesystem::path& directory,
                                              const std::string& extension);

/// The one write-ahead log in `directory`. Throws when there are more or none.
std::filesystem::path the_wal(const std::filesystem::path& directory);

/// The file in `directory` with the extension `extension` that holds `bytes`. Throws if none does.
std::filesystem::path file_holding(const std::filesystem::path& directory,
                                   const std::string& extension, const std::string& bytes);

std::string bytes_of(const std::filesystem::path& file);

/// The bytes of every file in `directory`, by name.
std::map<std::string, std::string> contents_of(const std::filesystem::path& directory);

/// Turns the lowest bit of the byte at `offset` over.
void flip(const std::filesystem::path& file, std::size_t offset);

/// Replaces whatever is at `to` by a copy of the directory `from`.
void copy_directory(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace keyledger::log
