#include "tests/services/commands/simulation/simulated_node.h"

#include <deque>
#include <utility>

namespace keyledger::commands::simulation {
namespace {

constexpr std::size_t kMaxQueue = 16;
constexpr std::size_t kMaxBatch = 5;
constexpr int kMaxIdleSteps = 3;

}  // namespace

/// All that is lost when the process ends.
struct SimulatedNode::Process {
  explicit Process(SimulatedNode& node)
      : tail(node.world_.cluster),
        log(node.number_, node.world_.cluster, tail, node.world_.trace, node.interlude_),
        projector(tail, *node.model_,
                  [&node](const Error& why) {
                    node.record_.wrongs.push_back("the projector halts: " + why.message);
                  }),
        queue(kMaxQueue),
        leader({log, *node.model_, projector.gate(), node.world_.ring, node.world_.logger, queue},
               {.node = std::to_string(node.number_),
                .max_batch = kMaxBatch,
                .clocks = node.clocks(),
                .run_elsewhere = [this](auto task) { tasks.push_back(std::move(task)); }}) {
    log.stand([this] { is_woken = true; });
  }

  SimulatedTail tail;
  SimulatedLog log;
  projections::Projector projector;
  CommandQueue queue;
  std::deque<std::move_only_function<void()>> tasks;
  Leader leader;
  Wait wait;
  VirtualTime::TimePoint wait_until;
  bool is_woken = false;
};

SimulatedNode::SimulatedNode(std::size_t number, const World& world, ModelPool::Lease model,
                             std::function<void()> interlude)
    : number_(number), world_(world), model_(std::move(model)), interlude_(std::move(interlude)) {}

SimulatedNode::~SimulatedNode() = default;

void SimulatedNode::start() {
  if (world_.cluster.is_away) return;
  process_ = std::make_unique<Process>(*this);
  apply();
}

void SimulatedNode::kill() {
  bury();
  process_.reset();
}

/// Remembers what is to be told of the process after its end.
void SimulatedNode::bury() {
  const auto& misuses = process_->log.misuses();
  record_.wrongs.insert(record_.wrongs.end(), misuses.begin(), misuses.end());
  record_.settled_written += process_->leader.stats().settled_written;
  record_.settled_unwritten += process_->leader.stats().settled_unwritten;
}

void SimulatedNode::elect(bool is_elected) {
  if (process_) process_->log.elect(is_elected);
}

bool SimulatedNode::is_elected() const { return process_ && process_->log.is_elected(); }

void SimulatedNode::submit(Pending pending) {
  if (const auto refusal = process_->queue.push(pending)) pending.answer(fail(*refusal));
}

bool SimulatedNode::is_due() const {
  if (!process_) return false;
  const Process& process = *process_;
  const bool is_late = world_.time.now() >= process.wait_until;
  const bool is_reached = process.projector.gate().position() >= process.wait.position;
  switch (process.wait.what) {
    case Wait::For::nothing:
      return true;
    case Wait::For::commands:
      return is_late || process.is_woken || process.queue.size() >= process.wait.commands ||
             (process.wait.position > Position{} && is_reached);
    case Wait::For::change:
      return is_late || process.is_woken;
    case Wait::For::position:
      return is_late || is_reached;
  }
  std::unreachable();
}

std::optional<VirtualTime::TimePoint> SimulatedNode::due_at() const {
  if (!process_) return std::nullopt;
  return process_->wait_until;
}

SimulatedNode::Progress SimulatedNode::progress() const {
  return {process_->leader.state(), world_.cluster.events().size(), stats().commands.load()};
}

bool SimulatedNode::step() {
  const Progress before = progress();
  if (process_->wait.what != Wait::For::position) process_->is_woken = false;
  ++record_.steps;
  is_in_step_ = true;
  try {
    process_->wait = process_->leader.step();
    is_in_step_ = false;
  } catch (const Killed&) {
    is_in_step_ = false;
    return false;
  }
  process_->wait_until = world_.time.now() + process_->wait.at_most;
  const bool waits = process_->wait.what != Wait::For::nothing;
  idle_steps_ = waits || progress() != before ? 0 : idle_steps_ + 1;
  if (idle_steps_ == kMaxIdleSteps) {
    record_.wrongs.emplace_back("steps do nothing, and wait for nothing");
  }
  if (waits && process_->wait.at_most <= std::chrono::nanoseconds{}) {
    record_.wrongs.emplace_back("a wait takes no time");
  }
  return true;
}

void SimulatedNode::receive(std::size_t transactions) {
  process_->tail.move(transactions);
  apply();
}

void SimulatedNode::apply() {
  auto& projector = process_->projector;
  const Position before = projector.gate().position();
  if (process_->tail.known_end() <= before && before > Position{}) return;
  const auto applied = projector.catch_up([](const auto&) {});
  if (!applied) record_.wrongs.push_back("the projector fails: " + applied.error().message);
  // It counts anew whenever it catches up.
  if (projector.gate().position() > before) {
    record_.rejected_runs += projector.stats().rejected_runs;
  }
}

void SimulatedNode::run_task() {
  if (process_->tasks.empty()) return;
  auto task = std::move(process_->tasks.front());
  process_->tasks.pop_front();
  task();
}

bool SimulatedNode::is_at_end() const {
  return process_->tail.is_at_end() &&
         process_->projector.gate().position() == world_.cluster.end();
}

bool SimulatedNode::has_tasks() const { return !process_->tasks.empty(); }

bool SimulatedNode::leads() const { return process_ && process_->leader.leads(); }

bool SimulatedNode::has_unanswered() const {
  return process_->leader.has_unanswered() || !process_->queue.empty();
}

Position SimulatedNode::position() const {
  return process_ ? process_->projector.gate().position() : Position{};
}

const Leader::Stats& SimulatedNode::stats() const { return process_->leader.stats(); }

}  // namespace keyledger::commands::simulation
