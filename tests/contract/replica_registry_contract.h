#pragma once

#include <memory>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "events/log/replica_registry.h"

namespace keyledger::log {

/// A deployment's registry, as one of its processes after the other opens it.
class RegistryUnderTest {
 public:
  virtual ~RegistryUnderTest() = default;
  virtual std::unique_ptr<ReplicaRegistry> open() = 0;
};

struct RegistryAdapter {
  const char* name;
  std::unique_ptr<RegistryUnderTest> (*make)();

  friend void PrintTo(const RegistryAdapter& adapter, std::ostream* out) { *out << adapter.name; }
};

/// What holds of every registry of replicas.
class ReplicaRegistryContract : public testing::TestWithParam<RegistryAdapter> {
 protected:
  std::unique_ptr<ReplicaRegistry> open() { return deployment_->open(); }

 private:
  std::unique_ptr<RegistryUnderTest> deployment_ = GetParam().make();
};

inline std::string name_of_registry(const testing::TestParamInfo<RegistryAdapter>& info) {
  return info.param.name;
}

}  // namespace keyledger::log
