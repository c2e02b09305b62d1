#pragma once

#include "events/events.h"
#include "events/log/event_log.h"
#include "events/result.h"
#include "projections/projector.h"
#include "projections/read_model.h"

namespace keyledger::commands {

/// What somebody wants to be passed over, and why.
struct QuarantineWish {
  Position first;
  Reason reason;
  Actor actor;
};

struct QuarantineDone {
  EventQuarantined fact;
  Position position;  ///< Of the fact itself.
};

/// Appends the fact that the events of the command that begins at `wish.first` are passed over: the
/// only way past an event that can't be read or applied, and the only fact that may be appended
/// while the projector of `model` is `halted` there.
///
/// The command's events are the one at `wish.first` and those right behind it that go on with it,
/// as far as can be told: by place, command, account and key; one that can't be read at all belongs
/// to a command of which others say that it had so many events, else it is by itself.
///
/// Errors: invalid (it isn't halted at `wish.first`; what lies there can't be passed over), and
/// those of append, io, damaged. Thread safety: any thread, beside the log's writer.
Result<QuarantineDone> quarantine(log::EventLog& log, const projections::ReadModel& model,
                                  const std::optional<projections::Halt>& halted,
                                  const QuarantineWish& wish);

}  // namespace keyledger::commands
