#include "services/commands/eraser.h"

#include <condition_variable>
#include <mutex>

namespace keyledger::commands {

Eraser::Eraser(log::EventLog& log, logging::Logger& logger, std::chrono::milliseconds interval)
    : log_(log), logger_(logger), interval_(interval) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Eraser::~Eraser() = default;

void Eraser::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    purge();
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, interval_, [] { return false; });
  }
}

void Eraser::purge() {
  const auto purged = log_.purge();
  if (!purged) {
    stats_.failures.fetch_add(1, std::memory_order_relaxed);
    logger_.error("erased values may still be on disk; it is tried again",
                  {{"error", purged.error().message}});
  } else if (*purged) {
    stats_.purges.fetch_add(1, std::memory_order_relaxed);
    logger_.info("erased values are gone from the disk");
  }
}

}  // namespace keyledger::commands
