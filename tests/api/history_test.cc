#include "control/api/history.h"

#include "gtest/gtest.h"

namespace lapse::api {
namespace {

Event of(EventKind kind) {
  Event event;
  event.kind = kind;
  return event;
}

TEST(History, PacketsDoNotDriveOutWhatMatters) {
  History history(4, 3);
  history.add(of(EventKind::kFlowNew));
  for (int packet = 0; packet < 100; ++packet) {
    history.add(of(EventKind::kPacket));
  }
  history.add(of(EventKind::kFlowExpired));
  const History::Slice slice = history.after(0, true, 100);
  ASSERT_EQ(slice.events.size(), 5u);
  EXPECT_EQ(slice.events.front().sequence, 1u);
  EXPECT_EQ(slice.events[1].sequence, 99u);
  EXPECT_EQ(slice.events.back().sequence, 102u);
  EXPECT_TRUE(slice.lost);
  EXPECT_FALSE(history.after(0, false, 100).lost);
}

TEST(History, ASliceSaysWhereToGoOn) {
  History history(10, 10);
  for (int event = 0; event < 6; ++event) {
    history.add(of(event % 2 == 0 ? EventKind::kFlowNew : EventKind::kPacket));
  }
  History::Slice slice = history.after(0, false, 2);
  EXPECT_EQ(slice.until, 3u);
  slice = history.after(slice.until, false, 2);
  ASSERT_EQ(slice.events.size(), 1u);
  EXPECT_EQ(slice.until, 6u);  // past the packets that were not asked for
  EXPECT_TRUE(history.after(6, true, 2).events.empty());
}

TEST(History, ALossIsToldToWhoMissedIt) {
  History history(2, 2);
  for (int event = 0; event < 5; ++event) {
    history.add(of(EventKind::kFlowNew));
  }
  EXPECT_TRUE(history.after(2, false, 10).lost);
  EXPECT_FALSE(history.after(3, false, 10).lost);
}

}  // namespace
}  // namespace lapse::api
