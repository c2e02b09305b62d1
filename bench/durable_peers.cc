// What bench/commands compares durable commands with, on the same disk, without HTTP.
//
// usage: durable_peers fsync FILE CLIENTS SECONDS    appends CLIENTS KiB and calls fdatasync
//        durable_peers sqlite FILE CLIENTS SECONDS   CLIENTS threads insert a key and its event
//        each
//
// SQLite is used as a good application would: WAL, synchronous=FULL, prepared statements, and one
// writer that commits all inserts that are waiting in one transaction; each client waits until its
// own is durable. Prints: commands per second, p50 and p99 in ms, CPU µs per command.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <random>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "bench/figures.h"

namespace {

using Clock = std::chrono::steady_clock;
using keyledger::bench::cpu_seconds;
using keyledger::bench::print_figures;
using keyledger::bench::Seconds;

constexpr std::size_t kEventBytes = 1024;

struct Plan {
  const char* file;
  std::size_t clients;
  std::chrono::seconds length;
};

[[noreturn]] void die(std::string_view what) {
  std::fprintf(stderr, "durable_peers: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

void run_fsync(const Plan& plan) {
  const int file = open(plan.file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) die("can't open the file");
  const std::string bytes(plan.clients * kEventBytes, 'x');
  std::vector<double> latencies;
  const double cpu = cpu_seconds();
  const auto began = Clock::now();
  while (Clock::now() - began < plan.length) {
    const auto start = Clock::now();
    if (write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        fdatasync(file) != 0) {
      die("can't write");
    }
    latencies.push_back(Seconds(Clock::now() - start).count());
  }
  const auto commands = latencies.size() * plan.clients;
  print_figures(std::move(latencies), commands, Clock::now() - began, cpu_seconds() - cpu);
  close(file);
}

/// A database with the two tables that one command writes to.
class Database {
 public:
  explicit Database(const char* file) {
    if (sqlite3_open(file, &db_) != SQLITE_OK) die("can't open the database");
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE TABLE events (position INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    run("CREATE TABLE keys (id TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL,"
        " digest BLOB NOT NULL UNIQUE) WITHOUT ROWID");
    add_event_ = prepare("INSERT INTO events (bytes) VALUES (?)");
    add_key_ = prepare("INSERT INTO keys VALUES (?, 'acme', 'a key', ?)");
  }
  ~Database() {
    sqlite3_finalize(add_event_);
    sqlite3_finalize(add_key_);
    sqlite3_close(db_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const char* sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) die(sqlite3_errmsg(db_));
  }

  /// Ids sort by the time they were made; digests are random.
  void add(std::uint64_t number) {
    char id[32];
    const int length =
        std::snprintf(id, sizeof(id), "key_%022llu", static_cast<unsigned long long>(number));
    std::uint64_t digest[4];
    for (auto& word : digest) word = random_();
    sqlite3_bind_text(add_key_, 1, id, length, SQLITE_TRANSIENT);
    sqlite3_bind_blob(add_key_, 2, digest, sizeof(digest), SQLITE_TRANSIENT);
    step(add_key_);
    sqlite3_bind_blob(add_event_, 1, event_.data(), static_cast<int>(event_.size()), nullptr);
    step(add_event_);
  }

 private:
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) != SQLITE_OK) {
      die(sqlite3_errmsg(db_));
    }
    return statement;
  }

  void step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) die(sqlite3_errmsg(db_));
    sqlite3_reset(statement);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* add_event_ = nullptr;
  sqlite3_stmt* add_key_ = nullptr;
  const std::string event_ = std::string(kEventBytes, 'x');
  std::mt19937_64 random_{1};
};

/// Who waits for a commit, and who makes it.
class GroupCommit {
 public:
  explicit GroupCommit(Database& database) : database_(database) {}

  /// Returns when one insert is durable.
  void insert() {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++asked_;
    wake_writer_.notify_one();
    wake_clients_.wait(lock, [&] { return done_ >= mine; });
  }

  void run(const std::atomic<bool>& stop) {
    std::unique_lock lock(mutex_);
    while (!stop) {
      wake_writer_.wait_for(lock, std::chrono::milliseconds(10), [&] { return asked_ > done_; });
      const std::uint64_t from = done_;
      const std::uint64_t to = asked_;
      if (from == to) continue;
      lock.unlock();
      database_.run("BEGIN IMMEDIATE");
      for (std::uint64_t i = from; i < to; ++i) database_.add(i);
      database_.run("COMMIT");
      lock.lock();
      done_ = to;
      wake_clients_.notify_all();
    }
  }

 private:
  Database& database_;
  std::mutex mutex_;
  std::condition_variable wake_writer_;
  std::condition_variable wake_clients_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
};

void run_sqlite(const Plan& plan) {
  Database database(plan.file);
  GroupCommit commits(database);
  std::atomic<bool> stop{false};
  std::vector<std::vector<double>> of_client(plan.clients);
  const double cpu = cpu_seconds();
  const auto began = Clock::now();
  std::jthread writer([&] { commits.run(stop); });
  {
    std::vector<std::jthread> clients;
    for (auto& latencies : of_client) {
      clients.emplace_back([&] {
        while (Clock::now() - began < plan.length) {
          const auto start = Clock::now();
          commits.insert();
          latencies.push_back(Seconds(Clock::now() - start).count());
        }
      });
    }
  }
  const auto took = Clock::now() - began;
  stop = true;
  writer.join();
  std::vector<double> all;
  for (const auto& latencies : of_client) all.insert(all.end(), latencies.begin(), latencies.end());
  const std::size_t commands = all.size();
  print_figures(std::move(all), commands, took, cpu_seconds() - cpu);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 5 ? argv[1] : "";
  if (what != "fsync" && what != "sqlite") {
    std::fprintf(stderr, "usage: durable_peers fsync|sqlite FILE CLIENTS SECONDS\n");
    return 2;
  }
  const Plan plan{argv[2], std::strtoul(argv[3], nullptr, 10),
                  std::chrono::seconds(std::strtol(argv[4], nullptr, 10))};
  what == "fsync" ? run_fsync(plan) : run_sqlite(plan);
  return 0;
}
