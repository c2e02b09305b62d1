#include "tests/contract/log_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace keyledger::log {

std::vector<std::filesystem::path> files_with(const std::filesystem::path& directory,
                                              const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::filesystem::path the_wal(const std::filesystem::path& directory) {
  const auto wals = files_with(directory, ".log");
  if (wals.size() != 1) throw std::runtime_error("there is not one write-ahead log");
  return wals.front();
}

std::filesystem::path file_holding(const std::filesystem::path& directory,
                                   const std::string& extension, const std::string& bytes) {
  for (const auto& file : files_with(directory, extension)) {
    if (bytes_of(file).find(bytes) != std::string::npos) return file;
  }
  throw std::runtime_error("no file holds " + bytes);
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::map<std::string, std::string> contents_of(const std::filesystem::path& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    contents.emplace(entry.path().filename(), bytes_of(entry.path()));
  }
  return contents;
}

void flip(const std::filesystem::path& file, std::size_t offset) {
  std::string bytes = bytes_of(file);
  bytes.at(offset) = static_cast<char>(bytes.at(offset) ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

void copy_directory(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

}  // namespace keyledger::log
