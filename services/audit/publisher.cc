#include "services/audit/publisher.h"

#include <algorithm>
#include <utility>

#include "events/log/pause.h"
#include "services/audit/checkpoint_file.h"

namespace keyledger::audit {
namespace {

constexpr std::chrono::milliseconds kLeastInterval{500};
constexpr std::chrono::seconds kLook{1};
constexpr std::chrono::seconds kAgainAfter{1};

}  // namespace

Publisher::Publisher(const projections::ReadModel& model, projections::PositionGate& gate,
                     logging::Logger& logger, Options options)
    : model_(model), gate_(gate), logger_(logger), options_(std::move(options)) {}

Publisher::~Publisher() { stop(); }

security::NoteSigner& Publisher::signer(const std::string& log_id) {
  if (!signer_) signer_.emplace(origin_of(log_id), options_.seed);
  return *signer_;
}

Result<void> Publisher::resume(bool is_behind) {
  auto note = read_checkpoint_file(options_.file);
  if (!note && note.error().code == Errc::not_found) return {};
  if (!note) return fail(std::move(note.error()));
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  owed_ = std::move(*note);
  if (auto settled = settle(*meta); !settled) return settled;
  if (owed_.empty() || is_behind) return {};
  const std::string what = "the checkpoint that was signed last, " + options_.file.string();
  if (meta->log_id.empty()) {
    return fail(Errc::damaged, what + ", is of a log that had events, and this one is empty");
  }
  const auto last = read(owed_, meta->log_id);
  if (!last) return fail(last.error());
  return fail(Errc::damaged, "the log has " + std::to_string(meta->tree_size) + " events, and " +
                                 what + ", has " + std::to_string(last->size) +
                                 ": events are lost. Restore the log from a backup that has "
                                 "them");
}

Result<Checkpoint> Publisher::read(const std::string& note, const std::string& log_id) {
  const auto text = security::open_note(note, signer(log_id).verifier_key());
  auto checkpoint = text ? parse_checkpoint(*text) : Result<Checkpoint>(fail(text.error()));
  if (checkpoint) return checkpoint;
  return fail(Errc::incompatible,
              "the checkpoint that was signed last, " + options_.file.string() +
                  ", can't be relied on: " + checkpoint.error().message +
                  ". Auditors may hold it: find out why, and put the file out of the way to "
                  "begin anew");
}

Result<void> Publisher::settle(const projections::MetaRow& meta) {
  if (owed_.empty() || meta.log_id.empty()) return {};
  auto last = read(owed_, meta.log_id);
  if (!last) return fail(std::move(last.error()));
  if (meta.tree_size < last->size) return {};
  if (auto same = compare(*last); !same) return same;
  show(std::move(*last), std::exchange(owed_, {}));
  return {};
}

/// Whether the tree begins with the one that was signed last.
Result<void> Publisher::compare(const Checkpoint& last) const {
  const auto root = tree_.root(last.size);
  if (!root) return fail(root.error());
  if (*root == last.root) return {};
  return fail(Errc::damaged,
              "the log's first " + std::to_string(last.size) +
                  " events are not those of the checkpoint that was signed last: history was "
                  "changed. No checkpoint is signed any more; keyledger audit verify tells more");
}

Result<void> Publisher::publish() {
  const auto meta = model_.meta();
  if (!meta) return fail(meta.error());
  if (auto settled = settle(*meta); !settled) return settled;
  if (!owed_.empty()) return {};
  const Latest last = latest();
  if (meta->tree_size <= (last ? last->checkpoint.size : 0)) return {};
  if (last) {
    if (auto same = compare(last->checkpoint); !same) return same;
  }
  const auto root = tree_.root(meta->tree_size);
  if (!root) return fail(root.error());
  Checkpoint checkpoint{origin_of(meta->log_id), meta->tree_size, *root};
  std::string note = signer(meta->log_id).sign(checkpoint_text(checkpoint));
  if (auto kept = write_checkpoint_file(options_.file, note); !kept) return kept;
  show(std::move(checkpoint), std::move(note));
  return {};
}

void Publisher::show(Checkpoint checkpoint, std::string note) {
  const Position size{checkpoint.size};
  {
    const std::scoped_lock lock(mutex_);
    latest_ = std::make_shared<const Published>(std::move(checkpoint), std::move(note));
  }
  sizes_.advance(size);
}

void Publisher::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Publisher::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  sizes_.close();
}

void Publisher::run(const std::stop_token& stop) {
  while (!stop.stop_requested() && !gate_.is_closed()) {
    const Position position = gate_.position();
    const auto published = publish();
    bool is_new = false;
    {
      const std::scoped_lock lock(mutex_);
      is_new = !published && (!failure_ || failure_->message != published.error().message);
      failure_ = published ? std::optional<Error>{} : published.error();
    }
    if (is_new) logger_.error("no checkpoint is published", {{"error", published.error().message}});
    log::pause(stop, published ? kLeastInterval : kAgainAfter);
    while (published && !stop.stop_requested() && !gate_.is_closed()) {
      if (gate_.wait_for(Position{position.value + 1}, Clock::now() + kLook)) break;
    }
  }
}

Publisher::Latest Publisher::latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

std::optional<Error> Publisher::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

boost::asio::awaitable<Result<Publisher::Latest>> Publisher::covering(std::uint64_t index,
                                                                      Clock::time_point deadline) {
  for (;;) {
    const auto look = std::min(deadline, Clock::now() + kLook);
    const auto there = co_await sizes_.reached(Position{index + 1}, look);
    if (there) co_return latest();
    if (there.error().code != Errc::not_caught_up) co_return fail(there.error());
    if (const auto why = failure()) {
      co_return fail(Errc::unavailable, "no checkpoint is published now: " + why->message);
    }
    if (look == deadline) break;
  }
  co_return fail(Errc::not_caught_up, "no checkpoint that has this event was published in time");
}

}  // namespace keyledger::audit
