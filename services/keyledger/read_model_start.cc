#include "services/keyledger/read_model_start.h"

#include "projections/rebuild.h"

namespace keyledger {

Result<std::unique_ptr<projections::ReadModel>> open_or_rebuild_read_model(
    const log::LogReader& log, const std::filesystem::path& directory,
    const projections::ReadModelOptions& options, ProgressLine& progress,
    const std::function<void(const Error& why)>& on_rebuild) {
  auto model = projections::open_read_model(directory, options);
  if (model || model.error().code != Errc::incompatible) return model;
  on_rebuild(model.error());
  const auto rebuilt = projections::rebuild_read_model(log, directory, progress.callback(),
                                                       projections::AtBadEvent::stop_there);
  progress.end();
  if (!rebuilt) return fail(rebuilt.error());
  return projections::open_read_model(directory, options);
}

}  // namespace keyledger
