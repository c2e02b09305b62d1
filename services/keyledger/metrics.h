#pragma once

#include <string>

#include "events/log/event_log.h"
#include "events/log/kafka/kafka_log.h"
#include "projections/projector.h"
#include "services/api/throttle.h"
#include "services/audit/publisher.h"
#include "services/commands/eraser.h"
#include "services/commands/writer.h"
#include "services/feed/subscription.h"
#include "services/http/server.h"
#include "services/keyledger/request_metrics.h"
#include "services/logging/logger.h"
#include "services/replicas/lease_keeper.h"
#include "services/replicas/propagation.h"
#include "services/verify/verifier.h"

namespace keyledger {

/// The parts whose counters are shown. Null where the node has no such role.
struct MetricSources {
  const http::Server& server;
  const RequestMetrics& requests;
  const projections::Projector& projector;
  const log::LogReader& log;
  const verify::Verifier* verifier;
  const commands::Writer* writer;
  const commands::Eraser* eraser;
  const logging::Logger& logger;
  bool ready;
  const log::KafkaLog* kafka;
  const replicas::LeaseKeeper* lease;
  const replicas::Propagation* propagation;
  const feed::Source* feed;
  const audit::Publisher* publisher;
  const api::Throttle* throttle;
};

/// All metrics in Prometheus's text format.
std::string render_metrics(const MetricSources& sources);

}  // namespace keyledger
