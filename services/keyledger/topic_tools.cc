#include "services/keyledger/topic_tools.h"

#include <chrono>
#include <cstdio>
#include <system_error>

#include "events/log/embedded/embedded_log.h"
#include "events/log/kafka/copy.h"
#include "events/log/kafka/topics.h"
#include "services/keyledger/data_dir.h"
#include "services/keyledger/progress.h"
#include "services/keyledger/tool_output.h"

namespace keyledger {
int create_topics(const TopicsArguments& arguments) {
  const auto made = log::create_topics(arguments.log.kafka("keyledger-tool"),
                                       {.replication = arguments.replication}, complain);
  if (!made) return failed(made.error());
  for (const std::string& topic : *made) std::printf("made %s\n", topic.c_str());
  if (made->empty()) std::printf("all topics are there\n");
  return finished();
}

int check_topics(const TopicsArguments& arguments) {
  const auto fit = log::check_topics(arguments.log.kafka("keyledger-tool"), complain);
  if (!fit) return failed(fit.error());
  std::printf("all topics are there, and as they must be\n");
  return finished();
}

int copy_log_into_kafka(const CopyArguments& arguments) {
  const DataDir data(arguments.data_dir);
  std::error_code ec;
  if (!std::filesystem::exists(data.log() / "CURRENT", ec)) {
    return failed({Errc::not_found,
                   "there is no log in " + data.log().string() + ": name the right --data-dir",
                   {}});
  }
  // For writing, so that no node appends to it meanwhile.
  const auto source = log::open_embedded_log(data.log());
  if (!source) return failed(source.error());
  const auto options = arguments.log.kafka("keyledger-tool");
  if (auto fit = log::check_topics(options, complain); !fit) return failed(fit.error());
  const auto began = std::chrono::steady_clock::now();
  ProgressLine line("copying");
  const auto report = line.callback();
  const auto copy =
      log::copy_into_kafka(**source, options, complain, [&](Position done, Position end) {
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
        report({done, end, static_cast<double>(done.value) / passed.count(), {}});
      });
  line.end();
  if (!copy) return failed(copy.error());
  std::printf("{\"end\":%llu,\"there\":%llu,\"copied\":%llu,\"envelopes\":%llu}\n",
              static_cast<unsigned long long>(copy->end.value),
              static_cast<unsigned long long>(copy->there),
              static_cast<unsigned long long>(copy->copied),
              static_cast<unsigned long long>(copy->envelopes));
  return finished();
}

}  // namespace keyledger
