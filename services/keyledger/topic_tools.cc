#include "services/keyledger/topic_tools.h"

#include <cstdio>

#include "events/log/kafka/topics.h"

namespace keyledger {
namespace {

int failed(const Error& error) {
  std::fprintf(stderr, "keyledger: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int create_topics(const TopicsArguments& arguments) {
  const auto made = log::create_topics(arguments.log.kafka("keyledger-tool"),
                                       {.replication = arguments.replication}, complain);
  if (!made) return failed(made.error());
  for (const std::string& topic : *made) std::printf("made %s\n", topic.c_str());
  if (made->empty()) std::printf("all topics are there\n");
  return 0;
}

int check_topics(const TopicsArguments& arguments) {
  const auto fit = log::check_topics(arguments.log.kafka("keyledger-tool"), complain);
  if (!fit) return failed(fit.error());
  std::printf("all topics are there, and as they must be\n");
  return 0;
}

}  // namespace keyledger
