#include "services/keyledger/progress.h"

#include <cstdint>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace keyledger {

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1) {}

std::function<void(const projections::Progress&)> ProgressLine::callback() {
  return [this](const projections::Progress& progress) { show(progress); };
}

void ProgressLine::show(const projections::Progress& progress) {
  if (!terminal_) return;
  shown_ = true;
  std::fprintf(stderr, "\r\033[K%s: position %ju of %ju, %.0f events/s", what_.c_str(),
               static_cast<std::uintmax_t>(progress.position.value),
               static_cast<std::uintmax_t>(progress.end.value), progress.events_per_second);
  if (progress.time_left) {
    std::fprintf(stderr, ", %lld s left", static_cast<long long>(progress.time_left->count()));
  }
}

void ProgressLine::end() {
  if (shown_) std::fputc('\n', stderr);
  shown_ = false;
}

}  // namespace keyledger
