#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <boost/asio/awaitable.hpp>

#include "events/result.h"
#include "projections/position_gate.h"
#include "projections/read_model.h"
#include "projections/tree.h"
#include "services/audit/checkpoint.h"
#include "services/logging/logger.h"
#include "services/security/note.h"

namespace keyledger::audit {

/// Publishes a signed checkpoint of the log within a second after an event (design §9), by a thread
/// of its own: half a second after the one before at the earliest.
///
/// Before it signs, it compares the tree with the last checkpoint that was signed here, in this run
/// or an earlier one; and it writes what it signed to a file, synced, before anybody sees it. So
/// two checkpoints of this node never contradict each other: rather there is no further one.
///
/// Thread safety: latest(), covering() and failure() from any thread; the rest from the owner.
class Publisher {
 public:
  using Clock = std::chrono::steady_clock;

  /// A signed checkpoint, which stays as it is.
  struct Published {
    Checkpoint checkpoint;
    std::string note;
  };
  /// Shared with requests that are being answered from it while a newer one takes its place.
  using Latest = std::shared_ptr<const Published>;

  struct Options {
    std::string seed;            ///< security::KeyRing::checkpoint_seed().
    std::filesystem::path file;  ///< What was signed last.
  };

  /// The references are used until the Publisher is gone; `gate` is that of the model's projector.
  Publisher(const projections::ReadModel& model, projections::PositionGate& gate,
            logging::Logger& logger, Options options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Compares the last signed checkpoint, if there is one, with the model, before start(). A model
  /// that `is_behind` its log may be the shorter.
  ///
  /// Errors: damaged (the log has lost events, or others took their place), incompatible (that
  /// checkpoint isn't this log's, or was signed with another key), io.
  Result<void> resume(bool is_behind);

  void start();
  void stop();

  /// Null before the first.
  Latest latest() const;

  /// The latest one, once it has the leaf `index`. Errors: not_caught_up, unavailable.
  boost::asio::awaitable<Result<Latest>> covering(std::uint64_t index, Clock::time_point deadline);

  /// Why there is no further checkpoint, where that is so.
  std::optional<Error> failure() const;

 private:
  void run(const std::stop_token& stop);
  /// The checkpoint in `note`, which this log's key signed. Errors: incompatible.
  Result<Checkpoint> read(const std::string& note, const std::string& log_id);
  /// Shows what was owed once the model has it. Errors: as compare().
  Result<void> settle(const projections::MetaRow& meta);
  /// Publishes what the model holds now, unless that is published.
  Result<void> publish();
  Result<void> compare(const Checkpoint& last) const;
  security::NoteSigner& signer(const std::string& log_id);
  void show(Checkpoint checkpoint, std::string note);

  const projections::ReadModel& model_;
  const projections::Tree tree_{model_};
  projections::PositionGate& gate_;
  logging::Logger& logger_;
  const Options options_;
  std::optional<security::NoteSigner> signer_;  ///< Once the log has an id.
  /// What an earlier run signed and this model hasn't come to yet: until it has, and agrees,
  /// nothing is signed. Empty: there is none.
  std::string owed_;
  projections::PositionGate sizes_;  ///< Of trees that were published.
  mutable std::mutex mutex_;
  Latest latest_;                 ///< Guarded by mutex_.
  std::optional<Error> failure_;  ///< Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace keyledger::audit
