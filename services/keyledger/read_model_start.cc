#include "services/keyledger/read_model_start.h"

#include <optional>
#include <system_error>
#include <utility>

#include "projections/rebuild.h"

namespace keyledger {
namespace {

/// From so many events on, folding them in bulk beats following the log, although what a killed
/// process had folded is lost.
constexpr Position kWorthBulk{100'000};

/// Why there should be a rebuild instead of a model that is opened. Errors: those of `log`.
Result<std::optional<Error>> reason_to_begin_in_bulk(const log::LogReader& log,
                                                     const std::filesystem::path& directory) {
  std::error_code ec;
  if (std::filesystem::exists(directory / "CURRENT", ec)) return std::nullopt;
  const auto end = log.end();
  if (!end) return fail(end.error());
  if (*end < kWorthBulk) return std::nullopt;
  return Error{Errc::not_found, "there is none yet", {}};
}

}  // namespace

Result<std::unique_ptr<projections::ReadModel>> open_or_rebuild_read_model(
    const log::LogReader& log, const std::filesystem::path& directory,
    const projections::ReadModelOptions& options, ProgressLine& progress,
    const std::function<void(const Error& why)>& on_rebuild) {
  auto reason = reason_to_begin_in_bulk(log, directory);
  if (!reason) return fail(std::move(reason.error()));
  if (!*reason) {
    auto model = projections::open_read_model(directory, options);
    if (model || model.error().code != Errc::incompatible) return model;
    *reason = std::move(model.error());
  }
  on_rebuild(**reason);
  const auto rebuilt = projections::rebuild_read_model(log, directory, progress.callback(),
                                                       projections::AtBadEvent::stop_there);
  progress.end();
  if (!rebuilt) return fail(rebuilt.error());
  return projections::open_read_model(directory, options);
}

}  // namespace keyledger
