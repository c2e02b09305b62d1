#include "events/log/kafka/candidates.h"

#include <algorithm>
#include <utility>

#include "events/log/kafka/admin.h"

namespace keyledger::log {

Result<std::vector<Candidate>> read_candidates(const KafkaOptions& options, KafkaLogger logger) {
  const auto clients = kafka::Clients::make(options, std::move(logger));
  if (!clients) return fail(clients.error());
  const auto admin = kafka::Admin::connect(**clients);
  if (!admin) return fail(admin.error());
  auto members = admin->members_of((*clients)->writers_group());
  if (!members) return fail(std::move(members.error()));
  std::vector<Candidate> candidates;
  candidates.reserve(members->size());
  for (kafka::GroupMember& member : *members) {
    candidates.push_back(
        {std::move(member.client_id), std::move(member.host), member.has_partitions});
  }
  std::ranges::sort(candidates, {}, &Candidate::node);
  return candidates;
}

}  // namespace keyledger::log
