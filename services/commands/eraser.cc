#include "services/commands/eraser.h"

#include "events/log/pause.h"

namespace keyledger::commands {

Eraser::Eraser(log::EventLog& log, logging::Logger& logger, std::chrono::milliseconds interval)
    : log_(log), logger_(logger), interval_(interval) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Eraser::~Eraser() = default;

void Eraser::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    purge();
    log::pause(stop, interval_);
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
