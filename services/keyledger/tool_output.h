#pragma once

#include <string>
#include <string_view>

#include "events/result.h"

namespace keyledger {

// How the commands that are no node end. Each returns the process's exit code.

/// Says on standard error what went wrong. Returns 1.
int failed(const Error& error);

/// Says on standard error what was wrong in the command line. Returns 2.
int misused(std::string_view text);

/// On standard output; the second with a line feed behind it.
void print(std::string_view text);
void print_line(std::string_view text);

/// For what was printed to standard output, which must have taken all of it: a full disk behind a
/// redirection is a failure.
int finished();

/// Where the complaints of a command's Kafka clients go: to standard error.
void complain(const std::string& line);

}  // namespace keyledger
