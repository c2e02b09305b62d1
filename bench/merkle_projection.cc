// How long the Merkle projection takes for an embedded log, without the rest of the fold: reading,
// hashing, and tiles and positions in a RocksDB of its own, a batch a page. For bench/merkle.
// usage: merkle_projection DATA_DIR WORK_DIR. Prints events, their bytes, seconds and CPU seconds.

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>

#include "events/log/embedded/embedded_log.h"
#include "projections/changes.h"
#include "projections/store.h"
#include "projections/tree_growth.h"

int main(int argc, char** argv) {
  using namespace keyledger;
  using projections::Store;
  constexpr std::size_t kPageEvents = 4096;
  if (argc != 3) return 2;
  const auto log = log::open_embedded_log_for_reading(std::filesystem::path(argv[1]) / "log");
  const auto store = Store::open(argv[2], Store::Mode::serve, std::size_t{64} << 20U);
  if (!log || !store) return 1;

  const auto began = std::chrono::steady_clock::now();
  const std::clock_t cpu_began = std::clock();
  projections::TreeGrowth growth(**store);
  std::uint64_t size = 0;
  std::uint64_t bytes = 0;
  Position position;
  for (;;) {
    const auto events = (*log)->read_after(position, kPageEvents);
    if (!events) return 1;
    if (events->empty()) break;
    projections::Changes changes(**store);
    if (!growth.grow(changes, size, *events, {})) return 1;
    if (!(*store)->write(changes.take())) return 1;
    size += events->size();
    for (const auto& event : *events) bytes += event.bytes.size();
    position = events->back().position;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  const double cpu = static_cast<double>(std::clock() - cpu_began) / CLOCKS_PER_SEC;
  std::printf("%ju %ju %.3f %.3f\n", static_cast<std::uintmax_t>(size),
              static_cast<std::uintmax_t>(bytes), seconds.count(), cpu);
  return 0;
}
