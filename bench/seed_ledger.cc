// Fills a data directory with keys, as fast as the log takes them, and writes their values to a
// file.
//
// usage: seed_ledger DATA_DIR KEYS VALUES_FILE [CHANGES_PER_KEY DAYS]
//
// Keys are spread over accounts of a thousand each: bench-0, bench-1, … with the username
// bench-N@example.com. After each key come CHANGES_PER_KEY (0) events of keys that were made
// before, so that a key's history lies far apart: renamed, disabled or enabled, revealed,
// described, deleted. The events are those that the service itself would have written, spread
// evenly over the last DAYS (an event a microsecond); every tenth command has an idempotency key.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "events/key_value.h"
#include "events/log/codec.h"
#include "events/log/embedded/embedded_log.h"
#include "events/unique_id.h"
#include "services/security/crypto.h"
#include "services/security/envelope.h"
#include "services/security/key_ring.h"

namespace keyledger {
namespace {

constexpr std::uint64_t kKeysPerAccount = 1000;
constexpr std::size_t kEventsPerAppend = 1000;

template <typename T>
T check(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "seed_ledger: %s\n", result.error().message.c_str());
  std::exit(1);
}
void check(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "seed_ledger: %s\n", result.error().message.c_str());
  std::exit(1);
}

struct Plan {
  std::uint64_t keys = 0;
  std::uint64_t changes_per_key = 0;
  std::chrono::microseconds step{1};  ///< Between two events.
};

class Seeder {
 public:
  Seeder(log::EventLog& log, const security::KeyRing& ring, const Plan& plan)
      : log_(log),
        ring_(ring),
        pepper_(ring.pepper()),
        step_(plan.step),
        now_(std::chrono::time_point_cast<std::chrono::microseconds>(
                 std::chrono::system_clock::now()) -
             std::chrono::hours(1) -
             plan.step * static_cast<std::int64_t>(plan.keys * (plan.changes_per_key + 2))) {
    log_id_ = fresh_id();
    add(std::nullopt, std::nullopt, {}, LedgerCreated{log_id_, ring.pepper_fingerprint()});
    add(std::nullopt, std::nullopt, {}, WriterElected{"seed", "http://127.0.0.1"});
    term_ = last_id_;
  }

  void add_account(const AccountId& account, const Username& username) {
    add(account, std::nullopt, {}, AccountRegistered{username});
  }

  std::string add_key(const AccountId& account, std::uint64_t number) {
    KeyEntropy entropy;
    security::random_bytes(entropy);
    const std::string value = make_key_value("kl", entropy);
    const KeyId key{"key_" + fresh_id()};
    append_.envelopes.push_back({key, security::seal(ring_, account, key, value), std::nullopt});
    add(account, key, Version{1},
        KeyCreated{key, KeyName{"Key number " + std::to_string(number)}, std::nullopt, true,
                   std::nullopt, pepper_(value), value_hint("kl", value)});
    live_.push_back({account, key, Version{1}, true});
    return value;
  }

  /// Changes one of the live keys.
  void change_a_key() {
    const auto index = random_() % live_.size();
    Live& one = live_[index];
    const auto kind = random_() % 10;
    if (kind < 2) return add(one.account, one.key, one.version, KeyValueRevealed{});
    ++one.version.value;
    if (kind < 5) {
      const KeyName name{"Renamed to " + std::to_string(random_() % 100'000)};
      return add(one.account, one.key, one.version, KeyRenamed{name});
    }
    if (kind < 8) {
      one.enabled = !one.enabled;
      return add(one.account, one.key, one.version,
                 one.enabled ? Fact{KeyEnabled{}} : Fact{KeyDisabled{}});
    }
    if (kind < 9) {
      const Description description{"What the nightly export to the warehouse signs in with"};
      return add(one.account, one.key, one.version, KeyDescribed{description});
    }
    add(one.account, one.key, one.version, KeyDeleted{});
    append_.erased.push_back(one.key);
    std::swap(one, live_.back());
    live_.pop_back();
  }

  std::size_t waiting() const { return append_.events.size(); }

  void flush() {
    check(log_.append(append_));
    append_ = {};
  }

 private:
  struct Live {
    AccountId account;
    KeyId key;
    Version version;
    bool enabled;
  };

  std::string fresh_id() {
    IdEntropy entropy;
    security::random_bytes(entropy);
    return make_unique_id(now_, entropy);
  }

  void add(std::optional<AccountId> account, std::optional<KeyId> key, Version version, Fact fact) {
    now_ += step_;
    Event event{};
    event.id = last_id_ = fresh_id();
    event.time = now_;
    event.account = std::move(account);
    event.version = version;
    event.key = std::move(key);
    event.term = Term{term_};
    event.command = CommandId{fresh_id()};
    event.actor = {"seed", "ada@example.com", "127.0.0.1", "keyledger-bench/1", fresh_id()};
    if (event.account && random_() % 10 == 0) {
      const std::string hash = security::to_hex(pepper_(event.command.value));
      event.idempotency = Idempotency{hash, hash};
    }
    event.fact = std::move(fact);
    append_.events.push_back(check(log::encode(event, log_id_)));
  }

  log::EventLog& log_;
  const security::KeyRing& ring_;
  const security::Hmac pepper_;
  const std::chrono::microseconds step_;
  Instant now_;
  std::mt19937_64 random_{1};
  std::vector<Live> live_;
  std::string log_id_;
  std::string term_;
  std::string last_id_;
  log::Append append_;
};

int seed(const std::filesystem::path& data, const Plan& plan, const char* values_file) {
  std::filesystem::create_directories(data);
  const auto ring = security::KeyRing::generate();
  check(ring.save(data / "keyring.json", /*exclusive=*/true));
  const auto log = check(log::open_embedded_log(data / "log"));
  std::ofstream values(values_file);
  Seeder seeder(*log, ring, plan);
  AccountId account;
  for (std::uint64_t i = 0; i < plan.keys; ++i) {
    if (i % kKeysPerAccount == 0) {
      const std::string name = "bench-" + std::to_string(i / kKeysPerAccount);
      account = AccountId{name};
      seeder.add_account(account, Username{name + "@example.com"});
    }
    values << account.value << "@example.com:" << seeder.add_key(account, i) << '\n';
    for (std::uint64_t j = 0; j < plan.changes_per_key; ++j) seeder.change_a_key();
    if (seeder.waiting() >= kEventsPerAppend) seeder.flush();
  }
  seeder.flush();
  return values.flush() ? 0 : 1;
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace
}  // namespace keyledger

int main(int argc, char** argv) {
  using namespace keyledger;
  const auto keys = parse_number(argc == 4 || argc == 6 ? argv[2] : "");
  const auto changes = parse_number(argc == 6 ? argv[4] : "0");
  const auto days = parse_number(argc == 6 ? argv[5] : "0");
  if (!keys || !changes || !days) {
    std::fprintf(stderr, "usage: seed_ledger DATA_DIR KEYS VALUES_FILE [CHANGES_PER_KEY DAYS]\n");
    return 2;
  }
  Plan plan{*keys, *changes};
  const auto events = static_cast<std::int64_t>(*keys * (*changes + 1) + 1);
  plan.step = std::max(plan.step, std::chrono::microseconds(std::chrono::days(*days)) / events);
  return seed(argv[1], plan, argv[3]);
}
