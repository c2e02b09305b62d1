#pragma once

#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "events/log/event_log.h"
#include "projections/read_model.h"
#include "projections/tree.h"
#include "services/api/admission.h"
#include "services/audit/publisher.h"
#include "services/http/router.h"

namespace keyledger::audit {

/// Answers auditors: the log as a C2SP tlog-tiles, and proofs that an event is in it. Hashes come
/// from the read model, events from the log itself. Everything is read on `threads`. Thread safety:
/// all members, from any thread.
class Routes {
 public:
  /// All references are used until the Routes are gone. Without a `publisher` (a key ring without a
  /// checkpoint key) every answer says what to do.
  Routes(const projections::ReadModel& model, const log::LogReader& log,
         const api::Admission& admission, boost::asio::thread_pool& threads, Publisher* publisher);

  /// The rows of the routing table. They refer to this object.
  std::vector<http::Route> table() const;

 private:
  using Answer = boost::asio::awaitable<http::Response>;

  Answer checkpoint(const http::Request& request) const;
  Answer tile(const http::Request& request) const;
  Answer proof(const http::Request& request) const;

  Result<void> may_audit(const http::Request& request) const;

  const projections::Tree tree_;
  const log::LogReader& log_;
  const api::Admission& admission_;
  boost::asio::thread_pool& threads_;
  Publisher* const publisher_;
};

}  // namespace keyledger::audit
