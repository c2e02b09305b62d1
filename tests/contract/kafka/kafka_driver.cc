#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "events/log/kafka/kafka_log.h"
#include "events/log/kafka/topics.h"
#include "tests/contract/log_words.h"

// For test_broker_faults.py: writes to a log, or reads one, and prints what came of it.
//
// usage: kafka_driver create BOOTSTRAP PREFIX
//        kafka_driver write BOOTSTRAP PREFIX NAME     until standard input ends
//        kafka_driver read BOOTSTRAP PREFIX RECENT_EVENTS

namespace keyledger::log {
namespace {

/// "ok POSITION TEXT", where it was appended; "unavailable TEXT", "outcome_unknown TEXT", where
/// not.
void print(const std::vector<std::string>& texts, const Result<Position>& end) {
  std::string lines;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (end) {
      lines += "ok " + std::to_string(end->value - texts.size() + 1 + i);
    } else {
      lines += end.error().code == Errc::unavailable ? "unavailable" : "outcome_unknown";
    }
    lines += " " + texts[i] + "\n";
  }
  std::cout << lines << std::flush;
}

/// Appends one, two, three, one, … events a time, and takes over whenever it must, as fast as it
/// goes.
void write(const KafkaOptions& options, const std::string& name) {
  const auto log = must(open_kafka_log(options, nullptr));
  std::jthread writing([&](const std::stop_token& stop) {
    std::size_t count = 0;
    for (bool is_writer = false; !stop.stop_requested();) {
      if (!is_writer) is_writer = log->take_over().has_value();
      if (!is_writer) continue;
      std::vector<std::string> texts;
      for (std::size_t i = 0; i <= count % 3; ++i) {
        texts.push_back(name + "-" + std::to_string(count) + "-" + std::to_string(i));
      }
      ++count;
      const auto end = log->append({.events = texts, .envelopes = {}, .erased = {}});
      print(texts, end);
      is_writer = end.has_value();
    }
  });
  while (std::cin.get() != std::char_traits<char>::eof()) {
  }
}

/// "POSITION TEXT" for each event.
void read_all(const KafkaOptions& options) {
  const auto log = must(open_kafka_log_for_reading(options, nullptr));
  for (Position position;;) {
    const auto page = must(log->read_after(position, 500));
    if (page.empty()) break;
    for (const StoredEvent& event : page) {
      std::cout << event.position.value << " " << event.bytes << "\n";
    }
    position = page.back().position;
  }
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) return 2;
  KafkaOptions options{.bootstrap = arguments[1], .prefix = arguments[2]};
  if (arguments[0] == "create") {
    must(create_topics(options, {}, nullptr));
  } else if (arguments[0] == "write" && arguments.size() == 4) {
    write(options, arguments[3]);
  } else if (arguments[0] == "read" && arguments.size() == 4) {
    options.recent_events = std::stoul(arguments[3]);
    read_all(options);
  } else {
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace keyledger::log

int main(int count, char** arguments) {
  try {
    return keyledger::log::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
