#include "tests/services/commands/simulation/simulation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/services/commands/simulation/checks.h"

namespace keyledger::commands::simulation {
namespace {

using namespace std::chrono_literals;

constexpr int kMaxDepth = 2;
/// How long it may take until all is answered, when nothing fails any more.
constexpr auto kSettleWithin = 60s;
constexpr auto kIdleTime = 20s;
/// A step a second is what an idle Leader takes.
constexpr std::uint64_t kMaxIdleSteps = 25;

}  // namespace

void Figures::add(const Figures& other) {
  runs += other.runs;
  attempts += other.attempts;
  acknowledged += other.acknowledged;
  of_unknown_outcome += other.of_unknown_outcome;
  lost += other.lost;
  events += other.events;
  terms += other.terms;
  faults += other.faults;
  fenced_appends += other.fenced_appends;
  rejected_runs += other.rejected_runs;
  settled_written += other.settled_written;
  settled_unwritten += other.settled_unwritten;
}

Simulation::Simulation(std::uint64_t seed, const Options& options, Workshop& workshop)
    : random_(seed),
      trace_(time_, options.is_traced),
      plan_(options.only_usurpations ? Plan::of_usurpations(random_) : Plan::drawn(random_)),
      workshop_(workshop),
      logger_(options.is_traced ? logging::Level::debug : kNoLevel),
      cluster_(random_, time_, trace_, options.promises),
      clients_(
          plan_.clients, plan_.nodes, history_, random_, time_, workshop.ring,
          [this](std::size_t operation, std::size_t node, Submission submission) {
            return send(operation, node, std::move(submission));
          },
          [this] { return find_elected(); }) {
  const SimulatedNode::World world{cluster_, time_, trace_, workshop.ring, logger_};
  for (std::size_t i = 0; i < plan_.nodes; ++i) {
    nodes_.push_back(std::make_unique<SimulatedNode>(i, world, workshop.models.lease(),
                                                     [this, i] { interlude(i); }));
    constexpr std::array<double, 4> kReceptions = {0.4, 0.4, 0.1, 0.03};
    nodes_.back()->receptions = kReceptions[random_.below(kReceptions.size())];
    nodes_.back()->start();
  }
}

Wrongs Simulation::run() {
  nodes_.front()->elect(true);
  // Two can begin a log only where nothing fences them: that no fold can make good.
  if (plan_.has_begun || !cluster_.promises().fences) begin_log();
  cluster_.faults = plan_.appends;
  for (std::size_t i = 0; i < plan_.actions; ++i) act();
  mend_everything();
  settle();
  if (wrongs_.empty()) check_idleness();
  check();
  return std::move(wrongs_);
}

void Simulation::begin_log() {
  is_mended_ = true;
  while (!nodes_.front()->leads()) act();
  is_mended_ = false;
}

/// Something happens somewhere.
void Simulation::act() {
  time_.pass(random_.between(20us, 10ms));
  if (!is_mended_) make_trouble();
  tell_news();
  if (random_.chance(0.2)) return clients_.act();
  if (SimulatedNode* node = any_node()) act_at_node(*node);
}

SimulatedNode* Simulation::any_node() {
  auto& node = *random_.pick(nodes_);
  if (!node.is_up()) {
    node.start();
    // Its clock is set right at the machine's start.
    if (node.is_up()) trace_("node ", node.number(), " starts");
  }
  return node.is_up() && !is_paused(node) ? &node : nullptr;
}

void Simulation::act_at_node(SimulatedNode& node) {
  if (node.has_tasks() && random_.chance(0.5)) node.run_task();
  if (random_.chance(is_mended_ ? 0.4 : node.receptions)) {
    if (time_.now() >= node.deaf_until) node.receive(random_.between(1, 5));
    return;
  }
  if (node.is_in_step()) return;
  if (node.is_due() || (!is_mended_ && random_.chance(plan_.spurious_step))) {
    if (!node.step()) kill(node);
  }
}

void Simulation::make_trouble() {
  const auto occurs = [this](double share) {
    const bool does = random_.chance(share);
    troubles_ += does ? 1 : 0;
    return does;
  };
  SimulatedNode& node = *random_.pick(nodes_);
  if (occurs(plan_.kill) && node.is_up() && !node.is_in_step()) kill(node);
  if (occurs(plan_.pause)) {
    node.paused_until = time_.now() + random_.between(1ms, 3s);
    trace_("node ", node.number(), " is paused");
  }
  if (occurs(plan_.deafness)) {
    node.deaf_until = time_.now() + random_.between(1ms, 15s);
    trace_("node ", node.number(), " receives nothing");
  }
  if (occurs(plan_.clock) && node.is_up()) {
    constexpr std::array<std::chrono::seconds, 6> kAhead = {0s, 1s, 50s, -50s, 1h, -1h};
    node.clock_ahead = kAhead[random_.below(kAhead.size())];
    trace_("node ", node.number(), " has its clock ", node.clock_ahead.count(), " us ahead");
  }
  const bool is_any_elected =
      std::ranges::any_of(nodes_, [](const auto& each) { return each->is_elected(); });
  if (occurs(plan_.election) || (!is_any_elected && random_.chance(0.05))) elect();
  if (occurs(plan_.usurpation)) usurp(*nodes_[find_elected()]);
  if (occurs(plan_.long_wait)) time_.pass(random_.between(10ms, 12s));
  if (random_.chance(0.1)) cluster_.end_an_open_one();
  if (cluster_.is_away ? random_.chance(0.1) : occurs(plan_.outage)) {
    cluster_.is_away = !cluster_.is_away;
    trace_("the cluster ", cluster_.is_away ? "goes away" : "is back");
  }
}

/// Some are elected, or one, or nobody. They hear of it at once, or in a while.
void Simulation::elect() {
  const bool any = random_.chance(0.3);
  const std::size_t one = random_.below(nodes_.size());
  for (auto& node : nodes_) {
    const bool is_elected = any ? random_.chance(0.5) : node->number() == one;
    const auto delay = random_.chance(0.5) ? 0us : random_.between(1ms, 3s);
    node->news = SimulatedNode::News{is_elected, time_.now() + delay};
  }
}

/// One more is elected, and the one who was neither hears of it nor receives what that one writes.
void Simulation::usurp(SimulatedNode& from) {
  const SimulatedNode& by = *random_.pick(nodes_);
  if (!from.is_up() || by.number() == from.number()) return;
  from.deaf_until = time_.now() + random_.between(100ms, 3s);
  from.news = SimulatedNode::News{false, from.deaf_until};
  nodes_[by.number()]->news = SimulatedNode::News{true, time_.now()};
  trace_("node ", from.number(), " is usurped by node ", by.number());
}

/// One of those who believe it, or any.
std::size_t Simulation::find_elected() {
  const std::size_t first = random_.below(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::size_t node = (first + i) % nodes_.size();
    if (nodes_[node]->is_elected()) return node;
  }
  return first;
}

void Simulation::tell_news() {
  for (auto& node : nodes_) {
    if (!node->is_up() || !node->news || node->news->at > time_.now()) continue;
    const bool is_elected = std::exchange(node->news, std::nullopt)->is_elected;
    if (is_elected != node->is_elected()) {
      trace_("node ", node->number(), is_elected ? " is elected" : " is no longer elected");
    }
    node->elect(is_elected);
  }
}

void Simulation::interlude(std::size_t number) {
  if (is_mended_ || depth_ >= kMaxDepth || !random_.chance(plan_.interlude)) return;
  ++troubles_;
  ++depth_;
  trace_("  node ", number, " waits, and meanwhile");
  for (std::size_t i = random_.between(1, 40); i > 0; --i) act();
  --depth_;
  if (random_.chance(plan_.kill_in_interlude)) {
    throw Killed{};
  }
  trace_("  node ", number, " goes on");
}

void Simulation::kill(SimulatedNode& node) {
  trace_("node ", node.number(), " is killed");
  node.kill();
  node.clock_ahead = {};
  history_.lose(node.number());
  if (random_.chance(0.3)) node.lose_model();
}

bool Simulation::send(std::size_t operation, std::size_t number, Submission submission) {
  SimulatedNode& node = *nodes_[number];
  if (!node.is_up()) return false;
  const std::size_t attempt = history_.send(operation, number, std::move(submission)).number;
  Pending pending{history_.attempts()[attempt].submission,
                  [this, attempt, number](Result<Outcome> outcome) {
                    answered(attempt, number, std::move(outcome));
                  }};
  trace_("attempt ", attempt, " of operation ", operation, " goes to node ", number, ": wish ",
         pending.submission.wish.index(), pending.submission.idempotency ? ", safe to repeat" : "");
  node.submit(std::move(pending));
  return true;
}

void Simulation::answered(std::size_t attempt, std::size_t number, Result<Outcome> outcome) {
  trace_("attempt ", attempt, " is answered: ",
         outcome ? "done at " + std::to_string(outcome->position.value) : outcome.error().message);
  if (history_.attempts()[attempt].is_over()) wrongs_.emplace_back("an attempt is answered twice");
  if (outcome && outcome->position > nodes_[number]->position()) {
    wrongs_.push_back("attempt " + std::to_string(attempt) +
                      " is acknowledged by a node that has not applied it");
  }
  history_.answer(attempt, std::move(outcome), cluster_.end());
}

void Simulation::mend_everything() {
  trace_("from here on nothing fails");
  is_mended_ = true;
  cluster_.faults = {};
  cluster_.is_away = false;
  while (cluster_.end_an_open_one()) continue;
  const std::size_t leader = random_.below(nodes_.size());
  for (auto& node : nodes_) {
    if (!node->is_up()) node->start();
    node->clock_ahead = {};
    node->paused_until = node->deaf_until = time_.now();
    node->news.reset();
    node->elect(node->number() == leader);
  }
  clients_.finish();
}

/// Goes on until all is answered, and a new command is carried out.
void Simulation::settle() {
  const auto until = time_.now() + kSettleWithin;
  bool is_probed = false;
  while (time_.now() < until) {
    act();
    if (random_.chance(0.1)) let_pass_until_due();
    if (!is_settled()) continue;
    if (is_probed) return;
    clients_.probe(find_elected());
    is_probed = true;
  }
  wrongs_.emplace_back("not all was answered, or applied, in a minute without faults");
}

bool Simulation::is_settled() const {
  return clients_.are_done() && std::ranges::all_of(nodes_, [](const auto& node) {
           return node->is_at_end() && !node->has_tasks() && !node->has_unanswered() &&
                  node->leads() == node->is_elected();
         });
}

/// Where nobody has anything to do, time passes until somebody has.
void Simulation::let_pass_until_due() {
  std::optional<VirtualTime::TimePoint> next;
  for (const auto& node : nodes_) {
    if (node->is_due() || !node->is_at_end()) return;
    next = std::min(next.value_or(*node->due_at()), *node->due_at());
  }
  if (next && *next > time_.now()) time_.pass(*next - time_.now());
}

/// Nobody does much where nothing happens, once everybody knows who leads.
void Simulation::check_idleness() {
  idle_for(3s);
  std::vector<std::uint64_t> before;
  before.reserve(nodes_.size());
  for (const auto& node : nodes_) before.push_back(node->record().steps);
  const std::size_t events = cluster_.events().size();
  idle_for(kIdleTime);
  for (const auto& node : nodes_) {
    if (node->record().steps - before[node->number()] > kMaxIdleSteps) {
      wrongs_.emplace_back("an idle node is busy");
    }
  }
  if (cluster_.events().size() != events) wrongs_.emplace_back("an idle node writes");
}

void Simulation::idle_for(std::chrono::seconds time) {
  const auto until = time_.now() + time;
  while (time_.now() < until) {
    act();
    let_pass_until_due();
  }
}

void Simulation::check() {
  const ToldLog log(cluster_, history_, wrongs_);
  check_answers(history_, log, wrongs_);
  check_idempotency(history_, log, wrongs_);
  if (cluster_.promises().fences) {
    check_envelopes(cluster_, log, wrongs_);
    if (log.stale_runs() > 0) wrongs_.emplace_back("the log has runs of stale terms");
    if (log.early_runs() > 0) wrongs_.emplace_back("the log's times go back");
  }

  const auto rebuilt = workshop_.models.lease();
  const SimulatedTail tail(cluster_);
  projections::Projector projector(tail, *rebuilt, [](const auto&) {});
  if (!projector.catch_up([](const auto&) {})) wrongs_.emplace_back("a rebuild fails");
  check_model(*rebuilt, log, wrongs_);
  for (auto& node : nodes_) {
    const auto& told = node->record().wrongs;
    wrongs_.insert(wrongs_.end(), told.begin(), told.end());
    if (node->model().checksum()->hex != rebuilt->checksum()->hex) {
      wrongs_.push_back("node " + std::to_string(node->number()) +
                        " has another read model than a rebuild");
    }
    node->kill();
  }
  sum_up(log);
  trace_("plan: ", plan_.nodes, " nodes, ", figures_.attempts, " attempts, ", figures_.events,
         " events, ", figures_.terms, " terms");
}

void Simulation::sum_up(const ToldLog& log) {
  figures_.runs = 1;
  figures_.events = cluster_.events().size();
  figures_.terms = log.terms();
  figures_.faults = cluster_.injected_faults() + troubles_;
  figures_.fenced_appends = cluster_.fenced_appends();
  for (const Attempt& attempt : history_.attempts()) {
    ++figures_.attempts;
    if (attempt.is_lost) ++figures_.lost;
    if (!attempt.answer) continue;
    if (*attempt.answer) {
      ++figures_.acknowledged;
    } else if (attempt.answer->error().code == Errc::outcome_unknown) {
      ++figures_.of_unknown_outcome;
    }
  }
  for (const auto& node : nodes_) {
    figures_.rejected_runs += node->record().rejected_runs;
    figures_.settled_written += node->record().settled_written;
    figures_.settled_unwritten += node->record().settled_unwritten;
  }
}

}  // namespace keyledger::commands::simulation
