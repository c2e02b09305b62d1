#pragma once

#include <optional>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "events/state.h"
#include "projections/read_model.h"
#include "services/api/admission.h"
#include "services/api/as_of.h"
#include "services/http/router.h"
#include "services/security/key_ring.h"

namespace keyledger::queries {

/// Answers what is asked about keys and accounts: lists, single keys, audit trails. Scans run on
/// `threads`, never on an I/O thread. Immutable; any thread.
class Routes {
 public:
  /// All references are used until the Routes are gone.
  Routes(const projections::ReadModel& model, const api::Admission& admission,
         const security::KeyRing& ring, boost::asio::thread_pool& threads);

  /// The rows of the routing table. They refer to this object.
  std::vector<http::Route> table() const;

 private:
  using Answer = boost::asio::awaitable<http::Response>;

  Answer get_account(const http::Request& request) const;
  Answer list_keys(const http::Request& request) const;
  Answer get_key(const http::Request& request) const;
  Answer account_trail(const http::Request& request) const;
  Answer key_trail(const http::Request& request) const;
  boost::asio::awaitable<Result<State>> state_as_of(AccountId account, std::optional<KeyId> key,
                                                    api::AsOf as_of) const;
  Answer trail(const http::Request& request, projections::HistoryQuery query) const;

  const projections::ReadModel& model_;
  const api::Admission& admission_;
  const security::KeyRing& ring_;
  boost::asio::thread_pool& threads_;
};

}  // namespace keyledger::queries
