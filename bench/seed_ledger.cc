// Fills a data directory with keys, as fast as the log takes them, and writes their values to a
// file. usage: seed_ledger DATA_DIR COUNT VALUES_FILE Keys are spread over accounts of a thousand
// each: bench-0, bench-1, … with the username bench-N@example.com. The events are those that the
// service itself would have written.

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

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
constexpr std::uint64_t kCommandsPerAppend = 1000;

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

/// Makes events one microsecond apart, from now on.
class Seeder {
 public:
  Seeder(log::EventLog& log, const security::KeyRing& ring)
      : log_(log), ring_(ring), pepper_(ring.pepper()) {
    log_id_ = fresh_id();
    add(std::nullopt, std::nullopt, LedgerCreated{log_id_, ring.pepper_fingerprint()});
    add(std::nullopt, std::nullopt, WriterElected{"seed", "http://127.0.0.1"});
    term_ = last_id_;
  }

  void add_account(const AccountId& account, const Username& username) {
    add(account, std::nullopt, AccountRegistered{username});
  }

  std::string add_key(const AccountId& account, std::uint64_t number) {
    KeyEntropy entropy;
    security::random_bytes(entropy);
    const std::string value = make_key_value("kl", entropy);
    const KeyId key{"key_" + fresh_id()};
    append_.envelopes.push_back({key, security::seal(ring_, account, key, value), std::nullopt});
    add(account, key,
        KeyCreated{key, KeyName{"Key number " + std::to_string(number)}, std::nullopt, true,
                   std::nullopt, pepper_(value), value_hint("kl", value)});
    return value;
  }

  void flush() {
    check(log_.append(append_));
    append_ = {};
  }

 private:
  std::string fresh_id() {
    IdEntropy entropy;
    security::random_bytes(entropy);
    return make_unique_id(now_, entropy);
  }

  void add(std::optional<AccountId> account, std::optional<KeyId> key, Fact fact) {
    now_ += std::chrono::microseconds(1);
    Event event{};
    event.id = last_id_ = fresh_id();
    event.time = now_;
    event.account = std::move(account);
    event.version = Version{key ? 1U : 0U};
    event.key = std::move(key);
    event.term = Term{term_};
    event.command = CommandId{fresh_id()};
    event.actor.subject = "seed";
    event.fact = std::move(fact);
    append_.events.push_back(check(log::encode(event, log_id_)));
  }

  log::EventLog& log_;
  const security::KeyRing& ring_;
  const security::Hmac pepper_;
  Instant now_ = std::chrono::time_point_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now() - std::chrono::hours(1));
  std::string log_id_;
  std::string term_;
  std::string last_id_;
  log::Append append_;
};

int seed(const std::filesystem::path& data, std::uint64_t count, const char* values_file) {
  std::filesystem::create_directories(data);
  const auto ring = security::KeyRing::generate();
  check(ring.save(data / "keyring.json", /*exclusive=*/true));
  const auto log = check(log::open_embedded_log(data / "log"));
  std::ofstream values(values_file);
  Seeder seeder(*log, ring);
  AccountId account;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i % kKeysPerAccount == 0) {
      const std::string name = "bench-" + std::to_string(i / kKeysPerAccount);
      account = AccountId{name};
      seeder.add_account(account, Username{name + "@example.com"});
    }
    values << account.value << "@example.com:" << seeder.add_key(account, i) << '\n';
    if (i % kCommandsPerAppend == kCommandsPerAppend - 1) seeder.flush();
  }
  seeder.flush();
  return values.flush() ? 0 : 1;
}

}  // namespace
}  // namespace keyledger

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: seed_ledger DATA_DIR COUNT VALUES_FILE\n");
    return 2;
  }
  std::uint64_t count = 0;
  const std::string_view digits = argv[2];
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (parsed.ec != std::errc{}) return 2;
  return keyledger::seed(argv[1], count, argv[3]);
}
