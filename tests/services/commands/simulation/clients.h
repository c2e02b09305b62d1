#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "services/commands/submission.h"
#include "services/security/key_ring.h"
#include "tests/services/commands/simulation/history.h"
#include "tests/services/commands/simulation/random.h"
#include "tests/services/commands/simulation/virtual_time.h"

namespace keyledger::commands::simulation {

/// People who create and change keys, one operation after the other each. What was not written they
/// try elsewhere; what nobody knows they repeat only under an Idempotency-Key.
class Clients {
 public:
  /// Hands an attempt to a node. False: that is down, and there is no attempt.
  using Send = std::function<bool(std::size_t operation, std::size_t node, Submission submission)>;

  /// `ask` names a node that takes commands, as far as can be known.
  using Ask = std::function<std::size_t()>;

  Clients(std::size_t count, std::size_t nodes, History& history, Random& random,
          const VirtualTime& time, const security::KeyRing& ring, Send send, Ask ask);

  /// One of them does something, if it has something to do.
  void act();

  /// Begins nothing new: what was begun is brought to an end.
  void finish() { is_finishing_ = true; }
  bool are_done() const;

  /// Begins a creation, whoever is busy with what.
  void probe(std::size_t node);

 private:
  struct Operation {
    std::size_t number;
    Submission submission;
    std::size_t tries = 0;
    std::size_t waits_for = 0;  ///< Attempts.
  };
  struct Client {
    std::optional<Operation> operation = {};
    std::size_t favourite = 0;  ///< The node that carried out its last command.
  };
  struct KnownKey {
    AccountId account;
    KeyId id;
    Version version;
  };

  Submission wish();
  Submission create();
  Submission about_key();
  void attempt(Client& client);
  std::size_t choose_node(const Client& client);
  void take(const Attempt& attempt);

  const std::size_t nodes_;
  Random& random_;
  const VirtualTime& time_;
  const security::KeyRing& ring_;
  const Send send_;
  const Ask ask_;
  std::vector<Client> clients_;
  std::vector<KnownKey> keys_;
  History& history_;
  std::size_t names_ = 0;
  bool is_finishing_ = false;
};

}  // namespace keyledger::commands::simulation
