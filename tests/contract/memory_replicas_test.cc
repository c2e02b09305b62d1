#include "tests/support/memory_replicas.h"

#include <string>

#include "tests/contract/replica_registry_contract.h"

namespace keyledger::log {
namespace {

// The contract of every registry, of the one that other tests rest on.

class MemoryRegistryUnderTest final : public RegistryUnderTest {
 public:
  std::unique_ptr<ReplicaRegistry> open() override {
    auto registry = std::make_unique<MemoryReplicas>(topic_, "run-" + std::to_string(++runs_));
    registry->read();
    return registry;
  }

 private:
  ReplicaTopic topic_;
  int runs_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Memory, ReplicaRegistryContract,
                         testing::Values(RegistryAdapter{
                             "Memory",
                             []() -> std::unique_ptr<RegistryUnderTest> {
                               return std::make_unique<MemoryRegistryUnderTest>();
                             }}),
                         name_of_registry);

}  // namespace
}  // namespace keyledger::log
