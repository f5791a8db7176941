#include "control/story/text.h"

#include "gtest/gtest.h"

#include "control/story/canvas.h"

namespace lapse::story {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Text, DurationsReadAsPeopleSayThem) {
  EXPECT_EQ(seconds_text(milliseconds(350'002)), "350.002");
  EXPECT_EQ(seconds_text(milliseconds(-1)), "-0.001");
  EXPECT_EQ(about(milliseconds(363'040)), "363.0 s");
  EXPECT_EQ(about(milliseconds(2)), "0.002 s");
  EXPECT_EQ(about(hours(24 * 5)), "5.0 d");
  EXPECT_EQ(exact(seconds(350)), "350 s");
  EXPECT_EQ(exact(milliseconds(120)), "0.12 s");
  EXPECT_EQ(exact(seconds(432'000)), "5 d");
}

TEST(Text, SizesAndCountsHaveUnitsAndSeparators) {
  EXPECT_EQ(bytes_text(120), "120 B");
  EXPECT_EQ(bytes_text(1448), "1,448 B");
  EXPECT_EQ(bytes_text(uint64_t{1} << 30), "1.0 GiB");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
  EXPECT_EQ(counted(1, "packet"), "1 packet");
}

TEST(Text, WidthCountsColumnsAndNotBytes) {
  EXPECT_EQ(width("──>"), 3u);
  EXPECT_EQ(width("東京"), 4u);
  EXPECT_EQ(width("e\u0301"), 1u);
  EXPECT_EQ(width("\xff\xfe"), 2u);  // no UTF-8: a column each
  EXPECT_EQ(shortened("keepalive", 6), "keepa…");
  EXPECT_EQ(shortened("東京都", 4), "東…");
  EXPECT_EQ(shortened("ok", 2), "ok");
  EXPECT_EQ(shortened("no", 0), "");
}

TEST(Canvas, NothingStandsOutsideOfTheLine) {
  Line line(6);
  line.put(4, "abc");
  line.put(9, "x");
  EXPECT_EQ(line.text(false), "    ab");
  Line wide(5);
  wide.put(0, "東京都");
  EXPECT_EQ(wide.text(false), "東京");
}

TEST(Canvas, ColourIsEndedOnEachLine) {
  Line line(10);
  line.put(0, "plain ");
  line.put(6, "red", Ink::kRed);
  EXPECT_EQ(line.text(true), "plain \x1b[1;31mred\x1b[0m");
  EXPECT_EQ(line.text(false), "plain red");
}

}  // namespace
}  // namespace lapse::story
