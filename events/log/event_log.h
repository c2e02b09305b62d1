#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "events/result.h"
#include "events/vocabulary.h"

namespace keyledger::log {

/// The most bytes that one event may have (C2SP tlog-tiles entries have a 16-bit length).
inline constexpr std::size_t kMaxEventBytes = 65'535;

/// An event as it lies in the log: a CloudEvent in structured JSON mode (see codec.h).
struct StoredEvent {
  Position position;
  std::string bytes;
  bool operator==(const StoredEvent&) const = default;
};

/// A sealed key value, kept beside the events and never in them.
struct Envelope {
  KeyId key;
  std::string sealed;                  ///< Opaque to the log.
  std::optional<Instant> erase_after;  ///< With `--values once`: when it is to be erased.
  bool operator==(const Envelope&) const = default;
};

/// What is written together or not at all.
struct Append {
  std::vector<std::string> events;  ///< Encoded events, in order. May be empty.
  std::vector<Envelope> envelopes;  ///< Replaces what was there for the same key.
  std::vector<KeyId> erased;        ///< Keys whose envelopes go.
};

/// Reads one totally ordered log. Thread safety: all members, from any thread.
class LogReader {
 public:
  LogReader() = default;
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;
  virtual ~LogReader() = default;

  /// The events after `position`, in order and without leaving any out: at most `max` of them, and
  /// fewer when there are no more, or when they would pass about a mebibyte.
  ///
  /// Errors: damaged (names the position of the first event that can't be read; what lies before it
  /// is returned first, by itself), io, unavailable (it may work later).
  virtual Result<std::vector<StoredEvent>> read_after(Position position, std::size_t max) const = 0;

  /// The position of the last event, 0 for an empty log. May ask another machine: not on an I/O
  /// thread. Errors: io, unavailable.
  virtual Result<Position> end() const = 0;

  /// The position of the last event that this reader knows of, without asking anybody: end() may
  /// lie further.
  virtual Position known_end() const = 0;

  /// Blocks until there is an event after `position`, `stop` is requested or `timeout` has passed.
  /// Returns whether there is one. A reader beside another process's writer returns at the
  /// time-out.
  virtual bool wait_beyond(Position position, std::stop_token stop,
                           std::chrono::milliseconds timeout) const = 0;

  /// The sealed value of `key`; nothing if it was erased or never kept.
  virtual Result<std::optional<Envelope>> envelope(const KeyId& key) const = 0;

  /// Up to `max` keys whose envelopes are to be erased by `now`.
  virtual Result<std::vector<KeyId>> envelopes_due(Instant now, std::size_t max) const = 0;
};

/// The log with its one writer. Of several processes that may write, an election says which one
/// should try; who is right is decided by take_over() alone.
class EventLog : public LogReader {
 public:
  /// Offers this process as the writer. `on_change` is called when is_elected() may have changed,
  /// from another thread and possibly in this call, until resign() has returned.
  virtual void stand(std::function<void()> on_change) = 0;

  /// Withdraws the offer of stand(), so that another is elected soon. Blocks until that is known
  /// where it must be known, for a few seconds at most.
  virtual void resign() = 0;

  /// Whether this process should write. Two may believe it for a while.
  virtual bool is_elected() const = 0;

  /// Makes this process the one that writes, before its first append() and after each that failed.
  /// Every append of an earlier writer, in this process or another, is settled when this returns:
  /// in the log before all that comes, or never. May block for seconds.
  ///
  /// Errors: unavailable (it may work later), outcome_unknown (it can't be settled in this process:
  /// start it anew).
  virtual Result<void> take_over() = 0;

  /// Appends all of `append` durably, or nothing of it, and returns the position of its last event
  /// (the log's end where it has none); those before it have the positions right before. Returns
  /// after it is on stable storage and read_after() gives it. Calls from several threads take
  /// turns.
  ///
  /// Errors: unavailable (not written, and never will be), outcome_unknown (it may be in the log,
  /// or get there until somebody's take_over() has returned). After either, take_over() comes
  /// first.
  virtual Result<Position> append(const Append& append) = 0;

  /// Leaves no byte on disk of the envelopes that were erased before this call, in this run or an
  /// earlier one: erasing alone only makes them unreadable here. May take as long as rewriting what
  /// lies around them. Returns whether there were any. Beside append(), from any thread; one call
  /// at a time. Does not reach copies that were taken of the log. Errors: io, unavailable; it may
  /// be repeated.
  virtual Result<bool> purge() = 0;
};

}  // namespace keyledger::log
