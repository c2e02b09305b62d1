#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "projections/fold.h"
#include "projections/read_model.h"
#include "tests/projections/few_cases.h"
#include "tests/projections/folded.h"
#include "tests/projections/random_history.h"

namespace keyledger::projections {
namespace {

/// A read model of a random history, which may be folded piece by piece and by several processes.
class Folding {
 public:
  explicit Folding(const RandomHistory& history) : history_(history) {}

  void reopen() {
    fold_.reset();
    model_.reset();
    model_ = opened(directory_ / "read-model");
    fold_.emplace(model_->store(), must(model_->meta()));
  }

  /// Hands up to `events` of what is next to the fold.
  void fold(std::size_t events) {
    const std::size_t begin = fold_->position().value;
    const std::size_t end = std::min(begin + events, history_.entries.size());
    must(fold_->apply(stored_after(fold_->position(), history_.bytes(begin, end))));
  }

  void fold_all() { fold(history_.entries.size()); }
  bool is_done() const { return fold_->position().value == history_.entries.size(); }
  const Fold& fold() const { return *fold_; }
  const ReadModel& model() const { return *model_; }
  std::string checksum() const { return must(model_->checksum()).hex; }

 private:
  const RandomHistory& history_;
  TemporaryDirectory directory_;
  std::unique_ptr<ReadModel> model_ = opened(directory_ / "read-model");
  std::optional<Fold> fold_{std::in_place, model_->store(), MetaRow{}};
};

/// What is kept of a key: of a deleted one, none of its texts.
KeyState as_kept(KeyState key) {
  if (key.status != KeyState::Status::deleted) return key;
  KeyState tombstone;
  tombstone.status = key.status;
  tombstone.id = key.id;
  tombstone.version = key.version;
  tombstone.created_at = key.created_at;
  tombstone.digest = key.digest;
  return tombstone;
}

std::optional<Grant> expected_grant(const AccountId& account, const AccountState& state,
                                    const KeyState& key) {
  if (key.status != KeyState::Status::live) return std::nullopt;
  return Grant{account, state.username, key.id, key.name, key.enabled, key.expires_at, key.version};
}

std::vector<KeyId> listed(const ReadModel& model, const AccountId& account, KeySort sort) {
  KeyQuery query;
  query.account = account;
  query.sort = sort;
  query.limit = 1'000;
  std::vector<KeyId> ids;
  for (const KeyState& key : must(model.list_keys(query)).keys) ids.push_back(key.id);
  return ids;
}

void check_same(const ReadModel& model, const NaiveFold& naive) {
  std::map<AccountId, std::vector<KeyId>> live;
  for (const auto& [account, state] : naive.accounts) {
    RC_ASSERT(must(model.account(account)) == state);
    live[account];
  }
  for (const auto& [name, key] : naive.keys) {
    const auto& [account, id] = name;
    RC_ASSERT(must(model.key(account, id)) == as_kept(key));
    RC_ASSERT(must(model.grant(key.digest)) ==
              expected_grant(account, naive.accounts.at(account), key));
    if (key.status == KeyState::Status::live) live[account].push_back(id);
  }
  for (auto& [account, ids] : live) {
    RC_ASSERT(listed(model, account, KeySort::created_at) == ids);
    auto by_name = listed(model, account, KeySort::name);
    std::ranges::sort(by_name);
    RC_ASSERT(by_name == ids);
  }
}

TEST(FoldProperties, InAnyPagesOverAnyRestarts_MakesTheModelThatOneGoMakes) {
  EXPECT_TRUE(holds_in_few_cases([] {
    const RandomHistory history = random_history(*rc::gen::inRange(1, 60));
    Folding in_one_go(history);
    in_one_go.fold_all();
    RC_ASSERT(in_one_go.is_done());
    RC_ASSERT(in_one_go.fold().rejected_runs() == history.rejected_runs);

    Folding in_pages(history);
    int restarts = *rc::gen::inRange(0, 4);
    while (!in_pages.is_done()) {
      const Position before = in_pages.fold().position();
      std::size_t events = *rc::gen::inRange<std::size_t>(1, 20);
      // A page that ends within the first run applies nothing.
      do in_pages.fold(events++);
      while (in_pages.fold().position() == before);
      if (restarts > 0 && *rc::gen::inRange(0, 4) == 0) {
        in_pages.reopen();
        --restarts;
      }
    }
    RC_ASSERT(in_pages.checksum() == in_one_go.checksum());
    in_one_go.reopen();
    RC_ASSERT(in_pages.checksum() == in_one_go.checksum());
  }));
}

TEST(FoldProperties, AfterEachRun_AnswersAsANaiveFoldDoes) {
  EXPECT_TRUE(holds_in_few_cases([] {
    const RandomHistory history = random_history(*rc::gen::inRange(1, 40));
    Folding folding(history);
    NaiveFold naive;
    std::size_t run = 0;
    for (const auto& entry : history.entries) {
      ++run;
      if (entry.event) naive.apply(*entry.event);
      if (!entry.ends_run) continue;
      folding.fold(std::exchange(run, 0));
      check_same(folding.model(), naive);
    }
    RC_ASSERT(folding.is_done());
  }));
}

TEST(FoldProperties, AtEachPosition_TellsTheStateThatANaiveFoldHadThere) {
  EXPECT_TRUE(holds_in_few_cases([] {
    const RandomHistory history = random_history(*rc::gen::inRange(1, 40));
    Folding folding(history);
    folding.fold_all();
    NaiveFold end;
    for (const auto& entry : history.entries) {
      if (entry.event) end.apply(*entry.event);
    }
    NaiveFold naive;
    for (std::uint64_t at = 0; at <= history.entries.size(); ++at) {
      if (at > 0 && history.entries[at - 1].event) naive.apply(*history.entries[at - 1].event);
      for (const auto& [account, ignored] : end.accounts) {
        const auto state = must(folding.model().state_at(account, std::nullopt, Position{at}));
        RC_ASSERT(state.account == naive.accounts[account]);
      }
      for (const auto& [name, last] : end.keys) {
        const auto state = must(folding.model().state_at(name.first, name.second, Position{at}));
        RC_ASSERT(state.key == naive.keys[name]);
        const auto grant = must(folding.model().grant_at(last.digest, Position{at}));
        RC_ASSERT(grant == expected_grant(name.first, naive.accounts[name.first], state.key));
      }
    }
  }));
}

}  // namespace
}  // namespace keyledger::projections
