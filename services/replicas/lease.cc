#include "services/replicas/lease.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace keyledger::replicas {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Renewals are so many to a lease: one may fail, and the next be in time.
constexpr int kRenewals = 3;
/// What clocks may drift apart, of a lease: one hundredth.
constexpr int kDriftMargin = 100;
/// No oftener than this a position is published.
constexpr milliseconds kPublishEvery{50};
/// How soon after a failure it is tried again, and at least ten times to a lease.
constexpr milliseconds kTryAgainAfter{200};
constexpr int kTriesToALease = 10;

Error too_late(Position applied, Position target) {
  return {Errc::not_caught_up,
          "the read model is at position " + std::to_string(applied.value) +
              ", and did not reach the log's end at " + std::to_string(target.value) +
              " within its lease",
          {}};
}

Error halted() { return {Errc::unavailable, "the read model has halted", {}}; }

}  // namespace

Lease::Lease(Parts parts, Options options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      valid_for_(options_.length - nanoseconds(options_.length) / kDriftMargin),
      announced_at_(options_.now() - options_.length),
      next_publication_(options_.now()),
      until_(std::numeric_limits<Clock::rep>::min()) {}

Lease::Pause Lease::step() {
  switch (state_) {
    case State::catching_up:
      return catch_up();
    case State::announcing:
      return announce();
    case State::confirming:
      return confirm();
    case State::applying:
      return apply();
    case State::resting:
      return rest();
  }
  std::unreachable();
}

Lease::Pause Lease::catch_up() {
  if (!target_) {
    const auto end = parts_.log_end();
    if (!end) return start_over(end.error());
    target_ = *end;
  }
  if (parts_.applied() < *target_) return {options_.length / kRenewals, target_};
  state_ = State::announcing;
  return {};
}

Lease::Pause Lease::announce() {
  if (parts_.is_halted()) return start_over(halted());
  const auto sent_at = options_.now();
  if (const auto announced = publish(); !announced) return start_over(announced.error());
  announced_at_ = sent_at;
  state_ = State::confirming;
  return {};
}

Lease::Pause Lease::confirm() {
  const auto end = parts_.log_end();
  if (!end) return start_over(end.error());
  target_ = *end;
  state_ = State::applying;
  return {};
}

Lease::Pause Lease::apply() {
  if (parts_.applied() >= *target_) {
    if (parts_.is_halted()) return start_over(halted());
    grant();
    return {};
  }
  const auto left = announced_until() - options_.now();
  if (left <= nanoseconds{0}) return start_over(too_late(parts_.applied(), *target_));
  const Pause until_target{left, target_};
  const auto publication = publish_if_due();
  if (!publication) return until_target;
  return {std::min(left, publication->at_most), target_};
}

void Lease::grant() {
  until_.store(announced_until().time_since_epoch().count(), std::memory_order_release);
  state_ = State::resting;
  const std::scoped_lock lock(mutex_);
  confirmed_at_ = announced_at_;
  ++figures_.renewals;
  figures_.last_error.clear();
}

Lease::Pause Lease::rest() {
  const auto left = announced_at_ + options_.length / kRenewals - options_.now();
  if (left <= nanoseconds{0}) {
    state_ = State::announcing;
    return {};
  }
  if (const auto publication = publish_if_due()) {
    return {std::min<nanoseconds>(left, publication->at_most), publication->position};
  }
  return {left, Position{published_.value + 1}};
}

/// A moved position is told soon after, since somebody may wait for it.
std::optional<Lease::Pause> Lease::publish_if_due() {
  if (parts_.applied() <= published_) return std::nullopt;
  const auto now = options_.now();
  if (now < next_publication_) return Pause{next_publication_ - now};
  if (const auto published = publish(); !published) {
    count_failure(published.error());
    return Pause{kTryAgainAfter};
  }
  const std::scoped_lock lock(mutex_);
  ++figures_.publications;
  return Pause{};
}

Result<void> Lease::publish() {
  const Position position = parts_.applied();
  auto announced = parts_.registry.announce(
      {options_.node, position, options_.length, options_.url, options_.roles});
  next_publication_ = options_.now() + (announced ? kPublishEvery : kTryAgainAfter);
  if (announced) published_ = position;
  return announced;
}

/// Whoever lost the permission doesn't announce itself before it is at the log's end: so that
/// nobody waits for a node that can't get there.
Lease::Pause Lease::start_over(const Error& why) {
  count_failure(why);
  target_.reset();
  state_ = holds() ? State::announcing : State::catching_up;
  return {std::min<nanoseconds>(kTryAgainAfter, options_.length / kTriesToALease)};
}

void Lease::count_failure(const Error& why) {
  const std::scoped_lock lock(mutex_);
  ++figures_.failures;
  figures_.last_error = why.message;
}

Result<void> Lease::end() {
  until_.store(std::numeric_limits<Clock::rep>::min(), std::memory_order_seq_cst);
  return parts_.registry.withdraw(options_.node);
}

Lease::Figures Lease::figures() const {
  const bool may_validate = holds();
  const std::scoped_lock lock(mutex_);
  Figures figures = figures_;
  figures.holds = may_validate;
  if (confirmed_at_) figures.staleness = options_.now() - *confirmed_at_;
  return figures;
}

}  // namespace keyledger::replicas
