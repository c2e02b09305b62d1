#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "events/log/event_log.h"
#include "events/result.h"
#include "events/vocabulary.h"
#include "tests/services/commands/simulation/random.h"
#include "tests/services/commands/simulation/trace.h"
#include "tests/services/commands/simulation/virtual_time.h"

namespace keyledger::commands::simulation {

/// The one log of all nodes, as Kafka keeps it: what was committed, in order and with gaps where
/// transactions were marked or aborted; the epoch of whoever took over last; and transactions whose
/// writer wasn't told how they ended, which stay open until somebody takes over.
class SimulatedCluster {
 public:
  using Epoch = std::uint64_t;

  /// In which share of all calls what goes wrong.
  struct Faults {
    double refused = 0;           ///< An append is not written, and its writer is told so;
    double lost = 0;              ///< it is not written, and its writer doesn't know;
    double landed = 0;            ///< it is written, and its writer doesn't know;
    double open = 0;              ///< it is decided later.
    double failed_take_over = 0;  ///< Half of them have taken over all the same.
  };

  /// What a log must do, and doesn't do in a test that shows what comes of it.
  struct Promises {
    bool fences = true;         ///< An append of an older epoch never lands.
    bool settles = true;        ///< Nothing stays open after a take-over.
    bool is_honest = true;      ///< What landed isn't called unavailable.
    bool shows_all = true;      ///< After a take-over its node has received all that was before.
    bool knows_its_end = true;  ///< end() tells of what the node has not received, too.
  };

  struct Committed {
    log::StoredEvent event;
    Instant at;  ///< By a clock that is right.
  };

  SimulatedCluster(Random& random, const VirtualTime& time, const Trace& trace,
                   const Promises& promises)
      : random_(random), time_(time), trace_(trace), promises_(promises) {}

  Faults faults;

  /// While it is away all calls fail.
  bool is_away = false;

  /// Errors: unavailable.
  Result<Epoch> take_over();

  /// Errors: unavailable, outcome_unknown.
  Result<Position> append(Epoch epoch, const log::Append& append);

  /// Lets one open transaction come to its end, whichever. Whether there was one.
  bool end_an_open_one();

  /// All transactions' events, in order.
  const std::vector<Committed>& events() const { return events_; }

  /// How many events there were after each transaction that was committed.
  const std::vector<std::size_t>& transactions() const { return transactions_; }

  Position end() const { return events_.empty() ? Position{} : events_.back().event.position; }

  /// Of the newest values.
  const std::map<KeyId, log::Envelope>& envelopes() const { return envelopes_; }

  const Promises& promises() const { return promises_; }
  std::size_t injected_faults() const { return injected_faults_; }
  std::size_t fenced_appends() const { return fenced_appends_; }

 private:
  Position commit(const log::Append& append);
  void abort(const log::Append& append);
  void end(const log::Append& append);
  Result<Position> fail_append(const log::Append& append);

  Random& random_;
  const VirtualTime& time_;
  const Trace& trace_;
  const Promises promises_;
  Epoch epoch_ = 0;
  std::uint64_t next_ = 1;
  std::vector<Committed> events_;
  std::vector<std::size_t> transactions_;
  std::vector<log::Append> open_;
  std::map<KeyId, log::Envelope> envelopes_;
  std::size_t injected_faults_ = 0;
  std::size_t fenced_appends_ = 0;
};

}  // namespace keyledger::commands::simulation
