#include "services/keyledger/progress.h"

#include <cstdint>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace keyledger {

namespace {
constexpr std::chrono::seconds kLogInterval{10};
}  // namespace

ProgressLine::ProgressLine(std::string what, logging::Logger* logger)
    : what_(std::move(what)),
      logger_(logger),
      logged_(std::chrono::steady_clock::now()),
      terminal_(isatty(STDERR_FILENO) == 1) {}

std::function<void(const projections::Progress&)> ProgressLine::callback() {
  return [this](const projections::Progress& progress) { show(progress); };
}

void ProgressLine::show(const projections::Progress& progress) {
  if (!terminal_) return log(progress);
  shown_ = true;
  std::fprintf(stderr, "\r\033[K%s: position %ju of %ju, %.0f events/s", what_.c_str(),
               static_cast<std::uintmax_t>(progress.position.value),
               static_cast<std::uintmax_t>(progress.end.value), progress.events_per_second);
  if (progress.time_left) {
    std::fprintf(stderr, ", %lld s left", static_cast<long long>(progress.time_left->count()));
  }
}

void ProgressLine::log(const projections::Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (logger_ == nullptr || now - logged_ < kLogInterval) return;
  logged_ = now;
  logger_->info(what_,
                {{"position", progress.position.value},
                 {"log_end", progress.end.value},
                 {"events_per_second", progress.events_per_second},
                 {"seconds_left", progress.time_left.value_or(std::chrono::seconds{-1}).count()}});
}

void ProgressLine::end() {
  if (shown_) std::fputc('\n', stderr);
  shown_ = false;
}

}  // namespace keyledger
