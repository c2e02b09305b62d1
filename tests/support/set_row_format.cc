// Makes the read model of a data directory on which no node runs one of another row format, as an
// older or a newer program would have left it. usage: set_row_format DATA_DIR FORMAT

#include <cstdio>
#include <filesystem>
#include <string>

#include "projections/rows.h"
#include "projections/store.h"

int main(int argc, char** argv) {
  using namespace keyledger::projections;
  if (argc != 3) {
    std::fprintf(stderr, "usage: set_row_format DATA_DIR FORMAT\n");
    return 2;
  }
  const std::filesystem::path directory = std::filesystem::path(argv[1]) / "read-model";
  const auto store = Store::open(directory, Store::Mode::serve, std::size_t{1} << 20U);
  if (!store) {
    std::fprintf(stderr, "set_row_format: %s\n", store.error().message.c_str());
    return 1;
  }
  const auto written =
      (*store)->write({{Family::meta, Change::Kind::put, std::string(kFormatKey), argv[2]}});
  return written ? 0 : 1;
}
