#pragma once

#include "projections/read_model.h"
#include "tests/services/commands/simulation/history.h"
#include "tests/services/commands/simulation/simulated_cluster.h"
#include "tests/services/commands/simulation/told_log.h"

namespace keyledger::commands::simulation {

/// Every answer is true of the log: what was acknowledged is there once, with the position, the
/// version and the state that was said; what was refused is not there; of what nobody knew there is
/// one at most; and nobody was told of a state that was past when he asked.
void check_answers(const History& history, const ToldLog& log, Wrongs& wrongs);

/// No two commands of one Idempotency-Key were carried out.
void check_idempotency(const History& history, const ToldLog& log, Wrongs& wrongs);

/// `model` is what the log tells, and nothing else.
void check_model(const projections::ReadModel& model, const ToldLog& log, Wrongs& wrongs);

/// There are values of the living keys, and of no others.
void check_envelopes(const SimulatedCluster& cluster, const ToldLog& log, Wrongs& wrongs);

}  // namespace keyledger::commands::simulation
