#include "services/keyledger/audit_tools.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "events/log/outline.h"
#include "projections/read_model.h"
#include "projections/tree.h"
#include "services/audit/checkpoint.h"
#include "services/audit/checkpoint_file.h"
#include "services/audit/export.h"
#include "services/audit/inspection.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/tool_output.h"
#include "services/security/crypto.h"
#include "services/security/key_ring.h"
#include "services/security/note.h"

namespace keyledger {
namespace {

/// The id in the log's first event.
Result<std::string> read_log_id(const log::LogReader& log) {
  const auto first = log.read_after(Position{}, 1);
  if (!first) return fail(first.error());
  if (first->empty()) return fail(Errc::not_found, "the log is empty: it has no checkpoints yet");
  std::string id(log::outline(first->front().bytes).log_id);
  if (id.empty()) return fail(Errc::damaged, "the log's first event does not tell the log's id");
  return id;
}

/// The key that checkpoints of `log` are verified by: the one that was named, else the key ring's.
Result<std::string> find_verifier_key(const AuditArguments& arguments, const log::LogReader& log) {
  if (!arguments.verifier_key.empty()) return arguments.verifier_key;
  const auto file =
      arguments.key_ring.empty() ? DataDir(arguments.data_dir).key_ring() : arguments.key_ring;
  const auto ring = security::KeyRing::load(file);
  if (!ring) return fail(ring.error());
  if (ring->checkpoint_seed().empty()) {
    return fail(Errc::incompatible,
                "the key ring " + file.string() +
                    " has no key for checkpoints: a node makes it in its own data directory, and "
                    "keyledger keyring rotate in any other");
  }
  const auto id = read_log_id(log);
  if (!id) return fail(id.error());
  return security::NoteSigner(audit::origin_of(*id), ring->checkpoint_seed()).verifier_key();
}

/// The checkpoint in `note`, which `file` holds, signed by the holder of `key`.
Result<audit::Checkpoint> open_checkpoint(const std::string& note,
                                          const std::filesystem::path& file,
                                          const std::string& key) {
  const auto text = security::open_note(note, key);
  auto checkpoint =
      text ? audit::parse_checkpoint(*text) : Result<audit::Checkpoint>(fail(text.error()));
  if (checkpoint) return checkpoint;
  return fail(checkpoint.error().code,
              "the checkpoint " + file.string() + ": " + checkpoint.error().message);
}

/// The note that a node signed last in `data`. Errors: not_found, io.
Result<std::string> read_published(const DataDir& data) {
  auto note = audit::read_checkpoint_file(data.checkpoint());
  if (note || note.error().code != Errc::not_found) return note;
  return fail(Errc::not_found,
              note.error().message + ": a node signs one when it serves this directory");
}

nlohmann::ordered_json as_json(std::uint64_t size, const merkle::Hash& root) {
  return {{"size", size}, {"root", security::base64_encode(merkle::bytes_of(root))}};
}

}  // namespace

int print_verifier_key(const AuditArguments& arguments) {
  const auto log = open_log_for_reading(arguments.log, DataDir(arguments.data_dir));
  if (!log) return failed(log.error());
  const auto key = find_verifier_key(arguments, **log);
  if (!key) return failed(key.error());
  print_line(*key);
  return finished();
}

int print_checkpoint(const AuditArguments& arguments) {
  const auto note = read_published(DataDir(arguments.data_dir));
  if (!note) return failed(note.error());
  print(*note);
  return finished();
}

int verify_log(const AuditArguments& arguments) {
  const DataDir data(arguments.data_dir);
  // The log is opened after what it is compared with, so that it can't be the older.
  auto model = projections::open_read_model_for_reading(data.read_model());
  if (!model && model.error().code != Errc::not_found) return failed(model.error());
  std::optional<projections::Tree> tree;
  if (model) tree.emplace(**model);
  const auto published = audit::read_checkpoint_file(data.checkpoint());
  if (!published && published.error().code != Errc::not_found) return failed(published.error());
  const auto log = open_log_for_reading(arguments.log, data);
  if (!log) return failed(log.error());

  std::vector<audit::Claim> claims;
  nlohmann::ordered_json report;
  if (published || !arguments.since.empty()) {
    const auto key = find_verifier_key(arguments, **log);
    if (!key) return failed(key.error());
    const auto claim = [&](const Result<std::string>& note, const std::filesystem::path& file,
                           const char* name) -> Result<void> {
      if (!note) return fail(note.error());
      const auto opened = open_checkpoint(*note, file, *key);
      if (!opened) return fail(opened.error());
      claims.push_back({"the checkpoint " + file.string(), *opened});
      report[name] = as_json(opened->size, opened->root);
      return {};
    };
    if (!arguments.since.empty()) {
      const auto kept = audit::read_checkpoint_file(arguments.since);
      if (auto good = claim(kept, arguments.since, "since"); !good) return failed(good.error());
    }
    if (published) {
      const auto good = claim(published, data.checkpoint(), "checkpoint");
      if (!good) return failed(good.error());
    }
  }
  const auto found = audit::inspect(**log, tree ? &*tree : nullptr, claims);
  if (!found) return failed(found.error());
  nlohmann::ordered_json line{{"verified", as_json(found->events, found->root)},
                              {"position", found->last.value}};
  line.update(report);
  line["read_model"] = tree.has_value();
  print_line(line.dump());
  return finished();
}

int export_log(const AuditArguments& arguments) {
  const DataDir data(arguments.data_dir);
  // The log is opened after the checkpoint, so that it has all that was signed.
  const bool is_named = !arguments.checkpoint.empty();
  const auto file = is_named ? arguments.checkpoint : data.checkpoint();
  const auto note = is_named ? audit::read_checkpoint_file(file) : read_published(data);
  if (!note) return failed(note.error());
  const auto log = open_log_for_reading(arguments.log, data);
  if (!log) return failed(log.error());
  const auto key = find_verifier_key(arguments, **log);
  if (!key) return failed(key.error());
  const auto checkpoint = open_checkpoint(*note, file, *key);
  if (!checkpoint) return failed(checkpoint.error());
  const auto done = audit::export_log(**log, *checkpoint, *note, arguments.directory);
  if (!done) return failed(done.error());
  const auto line = as_json(checkpoint->size, checkpoint->root);
  print_line(line.dump());
  return finished();
}

}  // namespace keyledger
