// Durable creation of keys without HTTP, for bench/commands: the writer, the embedded log, the
// projector and the read model of a node, as it puts them together, in one process.
//
// usage: command_core DIR CLIENTS SECONDS [BOOTSTRAP PREFIX]
//          CLIENTS coroutines on one thread, one command at a time; with the log in Kafka, where
//          its topics are there, if brokers are named
//
// Prints: commands per second, p50 and p99 in ms, CPU µs per command.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "bench/figures.h"
#include "events/key_value.h"
#include "events/log/embedded/embedded_log.h"
#include "events/log/kafka/kafka_log.h"
#include "projections/projector.h"
#include "projections/read_model.h"
#include "services/commands/writer.h"
#include "services/logging/logger.h"
#include "services/security/crypto.h"
#include "services/security/key_ring.h"

namespace keyledger {
namespace {

using Clock = std::chrono::steady_clock;
using bench::cpu_seconds;
using bench::Seconds;

[[noreturn]] void die(std::string_view what) {
  std::fprintf(stderr, "command_core: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

template <typename T>
T check(Result<T> result) {
  if (!result) die(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// What POST /v1/accounts/acme/keys makes of its body.
commands::Submission new_key(const security::Hmac& pepper) {
  KeyEntropy entropy;
  security::random_bytes(entropy);
  commands::NewKey key{};
  key.name = KeyName{"a key"};
  key.description = Description{"What the nightly export signs in with"};
  key.value = make_key_value("kl", entropy);
  key.digest = pepper(key.value);
  key.value_hint = value_hint("kl", key.value);
  key.register_as = Username{"ada@example.com"};
  commands::Submission submission{};
  submission.account = AccountId{"acme"};
  submission.wish = std::move(key);
  submission.actor = {"ada@example.com", "ada@example.com", "127.0.0.1", "wrk", "request-1"};
  submission.deadline = Clock::now() + std::chrono::seconds(30);
  return submission;
}

struct Run {
  commands::Writer& writer;
  security::Hmac pepper;
  Clock::time_point end;
  std::vector<double> latencies;
};

boost::asio::awaitable<void> be_a_client(Run& run) {
  while (Clock::now() < run.end) {
    const auto start = Clock::now();
    check(co_await run.writer.submit(new_key(run.pepper)));
    run.latencies.push_back(Seconds(Clock::now() - start).count());
  }
}

std::unique_ptr<log::EventLog> open_log(const std::filesystem::path& directory,
                                        const std::optional<log::KafkaOptions>& kafka) {
  if (!kafka) return check(log::open_embedded_log(directory / "log"));
  return check(log::open_kafka_log(*kafka, [](const std::string&) {}));
}

/// Becomes the writer, of a log in Kafka when it is elected.
void lead(commands::Writer& writer, bool is_elected_first) {
  constexpr std::string_view kUrl = "http://127.0.0.1:8080";
  if (!is_elected_first) return check(writer.lead(std::string(kUrl)));
  writer.stand(std::string(kUrl));
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  while (!writer.leads()) {
    if (Clock::now() > deadline) die("isn't elected");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

int run_bench(const std::filesystem::path& directory, std::size_t clients, Seconds length,
              const std::optional<log::KafkaOptions>& kafka) {
  logging::Logger logger(logging::Level::error);
  const auto log = open_log(directory, kafka);
  const auto ring = security::KeyRing::generate();
  const auto model = check(projections::open_read_model(directory / "read-model"));
  projections::Projector projector(*log, *model, [](const Error& error) { die(error.message); });
  check(projector.catch_up([](const auto&) {}));
  projector.start();
  commands::Writer writer(*log, *model, projector.gate(), ring, logger, {});
  lead(writer, kafka.has_value());

  boost::asio::io_context io(1);
  const auto began = Clock::now();
  const double cpu = cpu_seconds();
  Run run{writer,
          security::Hmac(ring.pepper()),
          began + std::chrono::duration_cast<Clock::duration>(length),
          {}};
  for (std::size_t i = 0; i < clients; ++i) {
    boost::asio::co_spawn(io, be_a_client(run), boost::asio::detached);
  }
  io.run();
  const Seconds took = Clock::now() - began;
  const double used = cpu_seconds() - cpu;
  writer.stop();
  projector.stop();

  const std::size_t commands = run.latencies.size();
  bench::print_figures(std::move(run.latencies), commands, took, used);
  return 0;
}

}  // namespace
}  // namespace keyledger

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) {
    std::fprintf(stderr, "usage: command_core DIR CLIENTS SECONDS [BOOTSTRAP PREFIX]\n");
    return 2;
  }
  std::optional<keyledger::log::KafkaOptions> kafka;
  if (argc == 6) {
    kafka.emplace();
    kafka->bootstrap = argv[4];
    kafka->prefix = argv[5];
    kafka->secrets = std::filesystem::path(argv[1]) / "secrets";
  }
  return keyledger::run_bench(argv[1], std::strtoul(argv[2], nullptr, 10),
                              std::chrono::seconds(std::strtol(argv[3], nullptr, 10)), kafka);
}
