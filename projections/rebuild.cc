#include "projections/rebuild.h"

#include <memory>
#include <string>
#include <utility>

#include "projections/read_model.h"
#include "projections/rows.h"
#include "projections/store.h"

namespace keyledger::projections {
namespace {

constexpr std::size_t kCacheBytes = std::size_t{256} << 20U;

std::unexpected<Error> io_error(const std::string& what, const std::error_code& ec) {
  return fail(Errc::io, what + ": " + ec.message());
}

/// A directory's name with something behind it: data/read-model and ".new".
std::filesystem::path beside(const std::filesystem::path& directory, const char* suffix) {
  return directory.parent_path() / (directory.filename().string() + suffix);
}

Result<void> fold_anew(const log::LogReader& log, const std::filesystem::path& directory,
                       const OnProgress& on_progress, AtBadEvent at_bad_event) {
  auto store = Store::open(directory, Store::Mode::bulk, kCacheBytes);
  if (!store) return fail(std::move(store.error()));
  const auto begun = (*store)->write(
      {{Family::meta, Change::Kind::put, std::string(kFormatKey), std::to_string(kRowFormat)}});
  if (!begun) return begun;
  ReadModel model(std::move(*store));
  Projector projector(log, model, [](const Error&) {});
  if (auto folded = projector.catch_up(on_progress); !folded) {
    const auto halted = projector.halted();
    const bool stop_there = at_bad_event == AtBadEvent::stop_there && halted && halted->event;
    if (!stop_there) return folded;
  }
  return model.store().flush();
}

}  // namespace

Result<void> rebuild_read_model(const log::LogReader& log, const std::filesystem::path& directory,
                                const OnProgress& on_progress, AtBadEvent at_bad_event) {
  std::error_code ec;
  const auto fresh = beside(directory, ".new");
  const auto old = beside(directory, ".old");

  // Held until the swap, so that no node opens the model meanwhile.
  std::unique_ptr<Store> held;
  if (std::filesystem::exists(directory / "CURRENT", ec)) {
    auto opened = Store::open(directory, Store::Mode::serve, kCacheBytes);
    if (!opened && opened.error().code == Errc::locked) return fail(std::move(opened.error()));
    if (opened) held = std::move(*opened);  // A damaged one is what a rebuild is for.
  }
  std::filesystem::remove_all(fresh, ec);
  if (ec) return io_error("can't remove " + fresh.string(), ec);
  if (auto folded = fold_anew(log, fresh, on_progress, at_bad_event); !folded) return folded;

  held.reset();
  std::filesystem::remove_all(old, ec);
  if (ec) return io_error("can't remove " + old.string(), ec);
  if (std::filesystem::exists(directory, ec)) {
    std::filesystem::rename(directory, old, ec);
    if (ec) return io_error("can't rename " + directory.string(), ec);
  }
  std::filesystem::rename(fresh, directory, ec);
  if (ec) return io_error("can't rename " + fresh.string(), ec);
  std::filesystem::remove_all(old, ec);
  return {};
}

}  // namespace keyledger::projections
