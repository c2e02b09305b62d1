#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/env.h>

#include "projections/read_model.h"
#include "tests/support/temporary_directory.h"

namespace keyledger::commands::simulation {

/// Read models that are opened once and emptied again and again: opening one takes longer than a
/// whole run.
class ModelPool {
  struct Model {
    std::unique_ptr<projections::ReadModel> model;
    int uses = 0;
  };

 public:
  /// A model of somebody's own, until this goes.
  class Lease {
   public:
    Lease(ModelPool& pool, Model model) : pool_(&pool), model_(std::move(model)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (model_.model) pool_->take_back(std::move(model_));
    }

    projections::ReadModel& operator*() const { return *model_.model; }
    projections::ReadModel* operator->() const { return model_.model.get(); }

   private:
    ModelPool* pool_;
    Model model_;
  };

  ModelPool();

  /// An empty model.
  Lease lease();

 private:
  void take_back(Model model);

  TemporaryDirectory directory_;  ///< Of empty directories: the files are in memory.
  std::unique_ptr<rocksdb::Env> files_;
  std::vector<Model> idle_;
  int opened_ = 0;
};

/// Takes all that was folded out of `model`.
void empty(projections::ReadModel& model);

}  // namespace keyledger::commands::simulation
