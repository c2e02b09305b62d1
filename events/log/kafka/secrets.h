#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "events/log/event_log.h"
#include "events/log/kafka/client.h"
#include "events/log/kafka/partition_reader.h"
#include "events/log/kafka/secrets_store.h"
#include "events/result.h"

namespace keyledger::log::kafka {

/// Copies the topic of the envelopes into a store of this node, in a thread of its own. Thread
/// safety: all members, from any thread.
class Secrets {
 public:
  /// Copies into `directory`. `asking` tells where what is committed begins and ends; both outlive
  /// this. Errors: not_found (no such topic), unavailable, locked, io.
  static Result<std::unique_ptr<Secrets>> open(const Clients& clients, const Client& asking,
                                               const std::filesystem::path& directory);

  ~Secrets() = default;
  Secrets(const Secrets&) = delete;
  Secrets& operator=(const Secrets&) = delete;

  /// As LogReader::envelope(). An envelope that isn't here is waited for until all that any writer
  /// had written when this was called is. Errors: unavailable, damaged, io.
  Result<std::optional<Envelope>> envelope(const KeyId& key) const;

  /// As LogReader::envelopes_due().
  Result<std::vector<KeyId>> due(Instant now, std::size_t max) const;

  /// As EventLog::purge(), of the copy.
  Result<bool> purge();

  /// Waiting for a record that is going to be written: expect() before, with what its header
  /// kAppendHeader says, and wait_for_expected() after. Returns whether it came. One at a time.
  void expect(std::string append);
  bool wait_for_expected(std::chrono::steady_clock::time_point deadline) const;

 private:
  Secrets(const Clients& clients, const Client& asking, Client asking_for_all,
          std::unique_ptr<SecretsStore> store);

  /// Where the topic was known to end, and when.
  struct KnownEnd {
    Instant at;
    std::int64_t offset;
  };

  void run(const std::stop_token& stop);
  Result<void> read(const std::stop_token& stop);
  Result<void> begin_anew(const Bounds& bounds);
  Result<void> take(const PartitionReader::Batch& batch, const PartitionReader& reader);
  Result<void> confirm_end(const PartitionReader& reader, std::optional<KnownEnd>& known);
  void move_to(std::int64_t next, bool has_expected);

  const Clients& clients_;
  const std::string& topic_;
  const Client& asking_;
  const Client asking_for_all_;  ///< Where the topic ends with what isn't committed, or not yet.
  const std::unique_ptr<SecretsStore> store_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  std::int64_t next_ = 0;  ///< This and what follows are guarded by mutex_. As Bookmark's.
  std::string trouble_;    ///< Why nothing comes at the moment, if that is known.
  std::string expected_;
  bool has_expected_come_ = false;

  std::jthread thread_;  ///< Last: it uses all of the above.
};

}  // namespace keyledger::log::kafka
