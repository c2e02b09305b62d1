#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace keyledger::log::kafka {

/// What an event's record says beside its bytes, so that it can be routed unread.
struct RecordHeaders {
  /// The record's key: the account. Empty: an event of the ledger itself, or no event of ours.
  std::string_view account;
  /// `content-type`, and attributes as `ce_…` (CloudEvents, Kafka Protocol Binding 1.0.2, §3.3).
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

/// Reads them from bytes as encode() writes them. Of other bytes: none. An attribute that JSON
/// would write with escapes is left out. The texts are those of `event`.
RecordHeaders record_headers(std::string_view event);

}  // namespace keyledger::log::kafka
