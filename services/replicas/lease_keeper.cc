#include "services/replicas/lease_keeper.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "events/log/pause.h"

namespace keyledger::replicas {
namespace {

/// How soon the thread notices that it is to end while it waits for a position.
constexpr std::chrono::milliseconds kSlice{50};

}  // namespace

LeaseKeeper::LeaseKeeper(log::ReplicaRegistry& registry, const log::LogReader& log,
                         projections::PositionGate& gate, std::function<bool()> is_halted,
                         logging::Logger& logger, Lease::Options options)
    : gate_(gate),
      logger_(logger),
      lease_({registry, [&log] { return log.end(); }, [&gate] { return gate.position(); },
              std::move(is_halted)},
             std::move(options)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

LeaseKeeper::~LeaseKeeper() { stop(); }

void LeaseKeeper::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Lease::Pause next = lease_.step();
    tell_changes();
    if (next.at_most > std::chrono::nanoseconds{0}) pause(stop, next);
  }
}

void LeaseKeeper::pause(const std::stop_token& stop, const Lease::Pause& pause) const {
  if (pause.position && !gate_.is_closed()) {
    const auto slice = std::min<std::chrono::nanoseconds>(pause.at_most, kSlice);
    // The next step sees for itself.
    [[maybe_unused]] const auto reached =
        gate_.wait_for(*pause.position, std::chrono::steady_clock::now() + slice);
    return;
  }
  log::pause(stop, pause.at_most);
}

void LeaseKeeper::tell_changes() {
  const Lease::Figures figures = lease_.figures();
  const bool is_first_failure = !has_told_ && figures.failures > 0;
  if (figures.holds == was_fresh_ && !is_first_failure) return;
  has_told_ = true;
  was_fresh_ = figures.holds;
  if (figures.holds) {
    became_fresh_.notify_all();
    logger_.info("this node validates");
  } else {
    logger_.error("this node doesn't validate: it can't tell that it is at the log's end",
                  {{"error", figures.last_error}});
  }
}

bool LeaseKeeper::wait_until_fresh(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return became_fresh_.wait_for(lock, timeout, [this] { return fresh(); });
}

void LeaseKeeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  if (const auto ended = lease_.end(); !ended) {
    logger_.warn("the others count this node until its lease has run out",
                 {{"error", ended.error().message}});
  }
}

}  // namespace keyledger::replicas
