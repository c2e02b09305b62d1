#include "services/feed/frames.h"

#include <gtest/gtest.h>

namespace keyledger::feed {
namespace {

TEST(Frames, AnEvent_IsItsPositionAndItsBytes) {
  std::string out = "before";
  append_event(out, Position{12}, R"({"a":1})");
  EXPECT_EQ(out, "beforeid: 12\ndata: {\"a\":1}\n\n");
}

TEST(Frames, LineEnds_NeverEndAnEvent) {
  std::string out;
  append_event(out, Position{1}, "a\nid: 9\r\n\r\n\rb");
  EXPECT_EQ(out, "id: 1\ndata: a\ndata: id: 9\ndata: \ndata: \ndata: b\n\n");
}

TEST(Frames, OpeningAndHeartbeat_SayWhereItIsWithoutAnEvent) {
  std::string out;
  append_opening(out, Position{7});
  append_heartbeat(out, Position{8});
  EXPECT_EQ(out, "retry: 2000\nid: 7\n\n: heartbeat\nid: 8\n\n");
}

TEST(Frames, TheEnd_IsATypeOfItsOwn) {
  std::string out;
  append_end(out, {"all is over", "over"});
  EXPECT_EQ(out, "event: end\ndata: {\"reason\":\"all is over\",\"code\":\"over\"}\n\n");
}

}  // namespace
}  // namespace keyledger::feed
