#include "projections/projector.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <variant>

#include "events/log/codec.h"

namespace keyledger::projections {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kPageEvents = 4096;
constexpr std::chrono::seconds kWait{1};
constexpr std::chrono::milliseconds kProgressInterval{250};

/// The id in the log's first event; empty for an empty log.
Result<std::string> read_log_id(const log::LogReader& log) {
  const auto first = log.read_after(Position{}, 1);
  if (!first) return fail(first.error());
  if (first->empty()) return std::string{};
  const auto decoded = log::decode(first->front().bytes);
  if (!decoded) return fail(decoded.error());
  const auto* event = std::get_if<Event>(&*decoded);
  const auto* created = event != nullptr ? std::get_if<LedgerCreated>(&event->fact) : nullptr;
  if (created == nullptr) return fail(Errc::damaged, "the log's first event is no LedgerCreated");
  return created->log_id;
}

}  // namespace

Projector::Projector(const log::LogReader& log, ReadModel& model,
                     std::function<void(const Error&)> on_halt, std::function<void()> on_resume)
    : log_(log), model_(model), on_halt_(std::move(on_halt)), on_resume_(std::move(on_resume)) {}

Projector::~Projector() { stop(); }

Result<void> Projector::catch_up(const OnProgress& on_progress) {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  if (auto fits = check_log(); !fits) return fits;
  fold_.emplace(model_.store(), *meta);
  gate_.advance(meta->position);
  const auto end = log_.end();
  if (!end) return fail(end.error());
  quarantines_.look_on(log_, meta->position, *end);

  const auto began = steady_clock::now();
  auto reported = began;
  ReadAhead pages(log_, kPageEvents);
  Page used;
  for (;;) {
    auto page = pages.read_after(fold_->position(), std::exchange(used, {}));
    const auto applied = apply_page(page);
    if (page) used = std::move(*page);
    if (!applied) {
      halt(applied.error());
      return fail(applied.error());
    }
    if (!*applied) {
      resume();
      return {};
    }
    const auto now = steady_clock::now();
    if (now - reported < kProgressInterval) continue;
    reported = now;
    const double seconds = std::chrono::duration<double>(now - began).count();
    const auto done = static_cast<double>(fold_->position().value - meta->position.value);
    Progress progress{fold_->position(), std::max(*end, fold_->position()), done / seconds, {}};
    if (done > 0) {
      const auto left = static_cast<double>(progress.end.value - progress.position.value);
      progress.time_left =
          std::chrono::seconds(static_cast<std::int64_t>(left / progress.events_per_second));
    }
    on_progress(progress);
  }
}

Result<void> Projector::check_log() const {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  if (meta->position == Position{}) return {};
  const auto end = log_.end();
  if (!end) return fail(end.error());
  if (*end < meta->position) {
    return fail(Errc::damaged,
                "the log ends at position " + std::to_string(end->value) +
                    ", but the read model has applied " + std::to_string(meta->position.value) +
                    ": events are lost. Restore the log from a backup that has them");
  }
  const auto log_id = read_log_id(log_);
  if (!log_id) return fail(log_id.error());
  if (*log_id == meta->log_id) return {};
  return fail(Errc::incompatible, "the read model was folded from the log " + meta->log_id +
                                      ", and this log is " + *log_id +
                                      ": put the right log in place, or rebuild the read model "
                                      "with keyledger projection rebuild");
}

Result<bool> Projector::apply_page(Result<Page>& page) {
  bad_event_.reset();
  if (!page) return fail(page.error());
  const auto& events = page->stored;
  if (events.empty()) return false;
  const Position before = fold_->position();
  auto applied = fold_->apply(events, quarantines_, page->decoded, page->leaves);
  stats_.applied_events.fetch_add(fold_->position().value - before.value,
                                  std::memory_order_relaxed);
  stats_.rejected_runs.store(fold_->rejected_runs(), std::memory_order_relaxed);
  gate_.advance(fold_->position());
  if (applied && fold_->position() > before) return true;
  if (applied || fold_->failed_for_an_event()) {
    const auto next = std::ranges::find_if(
        events, [&](const auto& event) { return event.position > fold_->position(); });
    // Without the log's first event there is no log.
    if (fold_->position() > Position{}) bad_event_ = next->position;
  }
  if (!applied) return fail(std::move(applied.error()));
  return fail(Errc::damaged, "position " + std::to_string(events.front().position.value) +
                                 ": the command that begins here has no end");
}

Result<Page> Projector::read_page() const {
  auto events = log_.read_after(fold_->position(), kPageEvents);
  if (!events) return fail(std::move(events.error()));
  return Page{std::move(*events), {}, {}};
}

void Projector::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
}

void Projector::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  gate_.close();
}

void Projector::follow(const std::stop_token& stop) {
  bool at_end = !halted();
  while (!stop.stop_requested()) {
    if (at_end) {
      if (log_.wait_beyond(fold_->position(), stop, kWait)) at_end = apply_all();
      continue;
    }
    const Position end = log_.end().value_or(Position{UINT64_MAX});
    quarantines_.look_on(log_, fold_->position(), end);
    at_end = apply_all();
    if (at_end) {
      resume();
    } else {
      log_.wait_beyond(end, stop, kWait);
    }
  }
}

bool Projector::apply_all() {
  for (;;) {
    auto page = read_page();
    // A log that can't be reached says nothing about its events: what is told of it is how old the
    // model is.
    if (!page && page.error().code == Errc::unavailable) return !halted();
    const auto applied = apply_page(page);
    if (!applied) {
      halt(applied.error());
      return false;
    }
    if (!*applied) return true;
  }
}

void Projector::halt(const Error& error) {
  {
    const std::scoped_lock lock(mutex_);
    const bool known = halted_ && halted_->why.message == error.message;
    halted_ = Halt{error, bad_event_};
    if (known) return;
  }
  gate_.halted();
  on_halt_(error);
}

void Projector::resume() {
  {
    const std::scoped_lock lock(mutex_);
    if (!halted_) return;
    halted_.reset();
  }
  on_resume_();
}

std::optional<Halt> Projector::halted() const {
  const std::scoped_lock lock(mutex_);
  return halted_;
}

}  // namespace keyledger::projections
