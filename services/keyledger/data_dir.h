#pragma once

#include <filesystem>
#include <utility>

namespace keyledger {

/// Where things lie below `--data-dir`.
class DataDir {
 public:
  explicit DataDir(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path log() const { return root_ / "log"; }
  std::filesystem::path read_model() const { return root_ / "read-model"; }
  std::filesystem::path admin_socket() const { return root_ / "admin.sock"; }
  /// This node's copy of the sealed values, where the log is in Kafka.
  std::filesystem::path secrets() const { return root_ / "secrets"; }
  std::filesystem::path node_id() const { return root_ / "node-id"; }
  /// The last checkpoint of the log that was signed here.
  std::filesystem::path checkpoint() const { return root_ / "checkpoint"; }
  std::filesystem::path key_ring() const { return root_ / "keyring.json"; }

 private:
  std::filesystem::path root_;
};

}  // namespace keyledger
