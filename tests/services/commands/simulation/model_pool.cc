#include "tests/services/commands/simulation/model_pool.h"

#include <stdexcept>
#include <string_view>

#include "projections/rows.h"
#include "projections/store.h"

namespace keyledger::commands::simulation {
namespace {

/// What was taken out of a model still has to be passed over by whoever reads it all.
constexpr int kMaxUses = 32;
constexpr std::size_t kCacheBytes = std::size_t{1} << 20U;

}  // namespace

ModelPool::ModelPool() : files_(rocksdb::NewMemEnv(rocksdb::Env::Default())) {}

ModelPool::Lease ModelPool::lease() {
  if (!idle_.empty()) {
    Lease lease(*this, std::move(idle_.back()));
    idle_.pop_back();
    empty(*lease);
    return lease;
  }
  auto store = projections::Store::open(directory_ / std::to_string(++opened_),
                                        projections::Store::Mode::serve, kCacheBytes, files_.get());
  if (!store) throw std::runtime_error(store.error().message);
  Model opened;
  opened.model = std::make_unique<projections::ReadModel>(std::move(*store));
  return {*this, std::move(opened)};
}

void ModelPool::take_back(Model model) {
  if (++model.uses < kMaxUses) idle_.push_back(std::move(model));
}

void empty(projections::ReadModel& model) {
  using projections::Family;
  std::vector<projections::Change> changes;
  const auto read =
      model.store().scan_all([&](Family family, std::string_view key, std::string_view /*value*/) {
        changes.push_back({family, projections::Change::Kind::erase, std::string(key), {}});
      });
  if (!read) throw std::runtime_error(read.error().message);
  if (auto done = model.store().write(std::move(changes)); !done) {
    throw std::runtime_error(done.error().message);
  }
}

}  // namespace keyledger::commands::simulation
