#include "services/keyledger/key_ring_tools.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "events/result.h"
#include "services/keyledger/admin_client.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/envelope_use.h"
#include "services/keyledger/log_options.h"
#include "services/keyledger/repair.h"
#include "services/keyledger/tool_output.h"
#include "services/security/key_ring.h"

namespace keyledger {
namespace {

int print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return finished();
}

/// How many values each envelope key has sealed, by the node that runs on the data directory, which
/// must seal with the ring's newest key; else by the log that lies there.
Result<EnvelopeUse> envelope_use(const DataDir& data, const security::KeyRing& ring) {
  const auto answer = ask_node(data, envelope_keys_request());
  if (!answer) {
    const auto log = open_log_for_reading(LogConfig{}, data);
    if (!log) return fail(log.error());
    return count_envelopes(**log);
  }
  if (!*answer) return fail(answer->error());
  if ((*answer)->value("newest", "") != ring.envelope_keys().front().id) {
    return fail(Errc::incompatible,
                "the node on " + data.root().string() +
                    " doesn't use the ring's newest keys: send it SIGHUP, or restart it with this "
                    "ring, and try again");
  }
  return (*answer)->at("values").get<EnvelopeUse>();
}

template <typename Key>
nlohmann::ordered_json retired(const std::vector<Key>& keys) {
  auto ids = nlohmann::ordered_json::array();
  for (std::size_t i = 1; i < keys.size(); ++i) ids.push_back(keys[i].id);
  return ids;
}

}  // namespace

int init_key_ring(const KeyRingArguments& arguments) {
  const auto saved = security::KeyRing::generate().save(arguments.file, /*exclusive=*/true);
  return saved ? 0 : failed(saved.error());
}

int rotate_key_ring(const KeyRingArguments& arguments) {
  auto ring = security::KeyRing::load(arguments.file);
  if (!ring) return failed(ring.error());
  if (!ring->can_issue()) {
    return failed(
        {Errc::incompatible, "this key ring is for validation: it has nothing to rotate", {}});
  }
  ring->rotate();
  const auto saved = ring->save(arguments.file, /*exclusive=*/false);
  return saved ? 0 : failed(saved.error());
}

int export_key_ring(const KeyRingArguments& arguments) {
  const auto ring = security::KeyRing::load(arguments.file);
  if (!ring) return failed(ring.error());
  const security::KeyRing exported = ring->for_verification();
  if (arguments.out.empty()) {
    return print(exported.to_json() + "\n");
  }
  const auto saved = exported.save(arguments.out, /*exclusive=*/true);
  return saved ? 0 : failed(saved.error());
}

int prune_key_ring(const KeyRingArguments& arguments) {
  auto ring = security::KeyRing::load(arguments.file);
  if (!ring) return failed(ring.error());
  if (!ring->can_issue()) {
    return failed(
        {Errc::incompatible, "this key ring is for validation: nothing retires in it", {}});
  }
  const auto use = envelope_use(DataDir(arguments.data_dir), *ring);
  if (!use) return failed(use.error());
  std::set<std::string> used;
  for (const auto& [id, values] : *use) used.insert(id);

  auto removed = ring->drop_envelope_keys(used);
  if (arguments.tokens) std::ranges::move(ring->drop_token_keys(), std::back_inserter(removed));
  if (!removed.empty()) {
    const auto saved = ring->save(arguments.file, /*exclusive=*/false);
    if (!saved) return failed(saved.error());
  }
  auto kept = nlohmann::ordered_json::array();
  for (const auto& id : retired(ring->envelope_keys())) {
    kept.push_back({{"key", id}, {"use", "envelope"}, {"values", use->at(id.get<std::string>())}});
  }
  const auto keep = [&kept](const nlohmann::ordered_json& ids, const char* name, const char* why) {
    for (const auto& id : ids) kept.push_back({{"key", id}, {"use", name}, {"because", why}});
  };
  keep(retired(ring->signing_keys()), "signing",
       "tokens that it signed may not have expired; --tokens refuses them");
  keep(retired(ring->cursor_keys()), "cursor",
       "somebody may be reading a list by a cursor that it made; --tokens refuses that");
  const nlohmann::ordered_json answer{{"removed", removed}, {"kept", kept}};
  return print(answer.dump() + "\n");
}

}  // namespace keyledger
