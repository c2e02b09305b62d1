#include "services/logging/logger.h"

#include <array>
#include <chrono>
#include <cmath>
#include <future>
#include <limits>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace keyledger::logging {
namespace {

using Json = nlohmann::ordered_json;

/// What `write` writes on standard error, a line each.
template <typename Write>
std::vector<std::string> lines_of(Write write) {
  testing::internal::CaptureStderr();
  write();
  std::istringstream captured(testing::internal::GetCapturedStderr());
  std::vector<std::string> lines;
  for (std::string line; std::getline(captured, line);) lines.push_back(line);
  return lines;
}

/// The one line that `write` writes to a logger of every level, as JSON.
template <typename Write>
Json line_of(Write write) {
  const auto lines = lines_of([&write] {
    Logger logger(Level::debug);
    write(logger);
  });
  EXPECT_EQ(lines.size(), 1U);
  Json line = lines.empty() ? Json() : Json::parse(lines[0], nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(line.is_object()) << (lines.empty() ? "" : lines[0]);
  return line;
}

std::string every_byte() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

TEST(Logger, OfAMessageWithFields_WritesThemInOrder) {
  const auto lines = lines_of([] {
    Logger logger(Level::info);
    logger.warn("slow", {{"request_id", "r1"}, {"milliseconds", 12}, {"ok", true}});
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(R"(Z","level":"warn","message":"slow","request_id":"r1",)"
                          R"("milliseconds":12,"ok":true})"),
            std::string::npos)
      << lines[0];
  EXPECT_TRUE(lines[0].starts_with(R"({"time":")"));
}

TEST(Logger, OfAnyMessage_TellsTheTimeInUtcMicroseconds) {
  const std::string time = line_of([](Logger& logger) { logger.info("hello"); })["time"];
  std::string form = time;
  for (char& c : form) c = c >= '0' && c <= '9' ? '0' : c;
  EXPECT_EQ(form, "0000-00-00T00:00:00.000000Z") << time;
}

TEST(Logger, OfFieldsOfEachType_WritesThemAsJsonOfThatType) {
  const Json line = line_of([](Logger& logger) {
    const std::string owned = "owned";
    logger.info("types", {{"text", owned},
                          {"literal", "literal"},
                          {"least", std::numeric_limits<std::int64_t>::min()},
                          {"most", std::numeric_limits<std::uint64_t>::max()},
                          {"short", short{-7}},
                          {"size", std::size_t{7}},
                          {"double", 0.25},
                          {"yes", true},
                          {"no", false}});
  });
  EXPECT_EQ(line["text"], "owned");
  EXPECT_EQ(line["literal"], "literal");
  EXPECT_EQ(line["least"].get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(line["most"].get<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(line["short"], -7);
  EXPECT_EQ(line["size"], 7);
  EXPECT_EQ(line["double"], 0.25);
  EXPECT_EQ(line["yes"], true);
  EXPECT_EQ(line["no"], false);
}

TEST(Logger, OfANumberThatIsNotFinite_WritesNull) {
  const Json line = line_of([](Logger& logger) {
    logger.info("numbers", {{"nan", std::nan("")},
                            {"more", std::numeric_limits<double>::infinity()},
                            {"less", -std::numeric_limits<double>::infinity()}});
  });
  EXPECT_TRUE(line["nan"].is_null());
  EXPECT_TRUE(line["more"].is_null());
  EXPECT_TRUE(line["less"].is_null());
}

TEST(Logger, OfAnyValidText_WritesOneLineThatHoldsIt) {
  for (const std::string& text :
       {std::string(), std::string("\"quoted\" \\ /"), std::string("two\nlines\r\nand a tab\t"),
        std::string("a\0b", 3), std::string("\x01\x1f\x7f"), std::string("zoë ☃ 😀"),
        std::string("\xe2\x80\xa8\xe2\x80\xa9"), std::string("{} {0} {:d} %v %t %s %n %"),
        std::string(R"(","level":"error","x":")"), std::string(100'000, 'x')}) {
    const Json line =
        line_of([&text](Logger& logger) { logger.info(text, {{"text", text}, {text, 1}}); });
    EXPECT_EQ(line["message"], text);
    EXPECT_EQ(line["text"], text);
    EXPECT_EQ(line["level"], "info");
    EXPECT_EQ(line[text], 1);
  }
}

TEST(Logger, OfBytesThatAreNotUtf8_WritesReplacementCharacters) {
  const Json line = line_of([](Logger& logger) {
    logger.info(
        "a\xff"
        "b",
        {{"cut", "\xe2\x98"}, {"\xc0", 1}, {"all", every_byte()}});
  });
  EXPECT_EQ(line["message"],
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(line["cut"], "\xef\xbf\xbd");
  EXPECT_EQ(line["\xef\xbf\xbd"], 1);
  EXPECT_EQ(line["all"].get<std::string>().substr(0, 128), every_byte().substr(0, 128));
}

TEST(Logger, OfALevel_WritesThatLevelAndAbove) {
  const std::vector<std::pair<Level, std::string>> levels = {{Level::debug, "debug"},
                                                             {Level::info, "info"},
                                                             {Level::warn, "warn"},
                                                             {Level::error, "error"}};
  for (std::size_t least = 0; least < levels.size(); ++least) {
    const auto lines = lines_of([&] {
      Logger logger(levels[least].first);
      logger.debug("m");
      logger.info("m");
      logger.warn("m");
      logger.error("m");
    });
    ASSERT_EQ(lines.size(), levels.size() - least);
    const Logger logger(levels[least].first);
    for (std::size_t i = 0; i < levels.size(); ++i) {
      EXPECT_EQ(logger.enabled(levels[i].first), i >= least);
      if (i >= least) EXPECT_EQ(Json::parse(lines[i - least])["level"], levels[i].second);
    }
  }
}

TEST(Logger, ThatWasMoved_GoesOnWriting) {
  const auto lines = lines_of([] {
    Logger first(Level::error);
    Logger second(Level::info);
    first = std::move(second);
    const Logger third(std::move(first));
    EXPECT_TRUE(third.enabled(Level::info));
    Logger fourth(Level::error);
    fourth = Logger(Level::debug);
    fourth.debug("still here");
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(Json::parse(lines[0])["message"], "still here");
}

TEST(Logger, UsedByManyThreads_NeverMixesLines) {
  constexpr int kThreads = 8;
  constexpr int kLines = 300;
  const auto lines = lines_of([] {
    Logger shared(Level::info);
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&shared, thread] {
        Logger own(Level::info);
        const std::string padding(static_cast<std::size_t>(200 * thread), 'x');
        for (int line = 0; line < kLines; ++line) {
          Logger& logger = line % 2 == 0 ? shared : own;
          logger.info(padding, {{"thread", thread}, {"line", line}});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  std::set<std::pair<int, int>> seen;
  for (const std::string& text : lines) {
    const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(line.is_object()) << text;
    const int thread = line["thread"];
    EXPECT_EQ(line["message"].get<std::string>().size(), static_cast<std::size_t>(200 * thread));
    EXPECT_TRUE(seen.insert({thread, line["line"]}).second);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kThreads * kLines));
}

/// Standard error as a pipe that nobody reads until drain().
class UnreadStandardError {
 public:
  UnreadStandardError() : saved_(dup(STDERR_FILENO)) {
    if (pipe(ends_.data()) == 0) dup2(ends_[1], STDERR_FILENO);
  }
  ~UnreadStandardError() {
    dup2(saved_, STDERR_FILENO);
    for (const int file : {saved_, ends_[0]}) close(file);
  }
  UnreadStandardError(const UnreadStandardError&) = delete;
  UnreadStandardError& operator=(const UnreadStandardError&) = delete;

  /// Reads until `work` is done, which writes to it, and has the last end of the pipe closed.
  template <typename Work>
  void drain_during(Work work) {
    std::thread reader([this] {
      std::array<char, 4096> bytes{};
      while (read(ends_[0], bytes.data(), bytes.size()) > 0) {
      }
    });
    work();
    dup2(saved_, STDERR_FILENO);
    close(ends_[1]);
    reader.join();
  }

 private:
  int saved_;
  std::array<int, 2> ends_{};
};

TEST(Logger, WhoseLinesNobodyReads_DropsTheOldestAndNeverWaits) {
  constexpr int kLines = 10'000;  // A pipe holds 64 KiB.
  UnreadStandardError unread;
  auto logger = std::make_unique<Logger>(Level::info);
  auto written = std::async(std::launch::async, [&logger] {
    for (int line = 0; line < kLines; ++line) logger->info("credential refused", {{"line", line}});
  });
  const bool waited = written.wait_for(std::chrono::seconds(20)) != std::future_status::ready;
  unread.drain_during([&] {
    written.wait();
    EXPECT_GT(logger->dropped_lines(), 0U);
    logger.reset();
  });
  EXPECT_FALSE(waited);
}

TEST(ParseLevel, OfTheFourNames_FindsThem) {
  EXPECT_EQ(parse_level("debug"), Level::debug);
  EXPECT_EQ(parse_level("info"), Level::info);
  EXPECT_EQ(parse_level("warn"), Level::warn);
  EXPECT_EQ(parse_level("error"), Level::error);
}

TEST(ParseLevel, OfAnythingElse_FindsNone) {
  for (const char* name : {"", "Info", "INFO", "warning", "trace", " info", "info "}) {
    EXPECT_EQ(parse_level(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace keyledger::logging
