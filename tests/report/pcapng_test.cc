// The capture, read by libpcap and libtins, and block by block: interfaces, virtual time, comments.
#include "control/report/pcapng.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/report/played.h"
#include "tins/tins.h"

namespace lapse::report {
namespace {

using testing::HasSubstr;

// A file of its own, gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content)
      : path_(std::filesystem::temp_directory_path() / ("lapse-" + std::to_string(getpid()) + ".pcapng")) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct ReadPacket {
  uint32_t interface = 0;
  uint64_t nanoseconds = 0;
  std::string comment;
};
struct ReadFile {
  std::vector<std::string> interfaces;
  std::vector<ReadPacket> packets;
};

template <typename Number>
Number number_at(const std::string& file, size_t at) {
  Number number{};
  EXPECT_LE(at + sizeof number, file.size());
  std::memcpy(&number, file.data() + at, sizeof number);
  return number;
}

// The options between 'at' and 'end': the value of 'code', or nothing.
std::string option(const std::string& file, size_t at, size_t end, uint16_t code) {
  while (at + 4 <= end) {
    const auto found = number_at<uint16_t>(file, at);
    const auto size = number_at<uint16_t>(file, at + 2);
    if (found == code) {
      return file.substr(at + 4, size);
    }
    at += 4 + (size + 3) / 4 * 4;
  }
  return "";
}

// Walks the blocks as the specification has them: each begins and ends with its length.
ReadFile blocks_of(const std::string& file) {
  ReadFile read;
  for (size_t at = 0; at < file.size();) {
    const auto type = number_at<uint32_t>(file, at);
    const auto length = number_at<uint32_t>(file, at + 4);
    EXPECT_EQ(length % 4, 0);
    EXPECT_EQ(number_at<uint32_t>(file, at + length - 4), length);
    const size_t end = at + length - 4;
    if (type == 1) {
      EXPECT_EQ(number_at<uint16_t>(file, at + 8), 1) << "Ethernet";
      EXPECT_EQ(option(file, at + 16, end, 9), "\x09") << "nanoseconds";
      read.interfaces.push_back(option(file, at + 16, end, 2));
    } else if (type == 6) {
      const uint64_t time = uint64_t{number_at<uint32_t>(file, at + 12)} << 32 | number_at<uint32_t>(file, at + 16);
      const uint32_t captured = number_at<uint32_t>(file, at + 20);
      EXPECT_LE(captured, number_at<uint32_t>(file, at + 24));
      read.packets.push_back(
          {number_at<uint32_t>(file, at + 8), time, option(file, at + 28 + (captured + 3) / 4 * 4, end, 1)});
    } else {
      EXPECT_EQ(type, 0x0a0d0d0a);
      EXPECT_EQ(at, 0);
    }
    at += length;
  }
  return read;
}

std::vector<std::string> comments(const ReadFile& file) {
  std::vector<std::string> all;
  for (const ReadPacket& packet : file.packets) {
    if (!packet.comment.empty()) {
      all.push_back(packet.comment);
    }
  }
  return all;
}

TEST(Pcapng, HasAnInterfaceForEachLinkAndVirtualTime) {
  const ReportedRun run = played("S0.1");
  const ReadFile file = blocks_of(pcapng_report(run));
  EXPECT_EQ(file.interfaces, (std::vector<std::string>{"private", "internet"}));
  ASSERT_FALSE(file.packets.empty());
  EXPECT_EQ(file.packets.front().nanoseconds, 0);
  for (const ReadPacket& packet : file.packets) {
    EXPECT_LT(packet.interface, 2);
  }
  // The answer of the story, at its time to the nanosecond.
  EXPECT_TRUE(std::any_of(file.packets.begin(), file.packets.end(),
                          [](const ReadPacket& packet) { return packet.nanoseconds == 363'627'000'000; }));
}

TEST(Pcapng, LateAndDroppedPacketsSayTheirReason) {
  const std::vector<std::string> all = comments(blocks_of(pcapng_report(played("S0.1"))));
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front(), "natgw: late packet: it met no living flow; dropped in silence (LATE-DROP)");
}

TEST(Pcapng, AResetThatABoxMadeSaysSo) {
  const ReportedRun run = played("S0.11");
  const std::vector<std::string> all = comments(blocks_of(pcapng_report(run)));
  EXPECT_THAT(all, testing::Contains("RST made by natgw, by neither end (LATE-RST)"));
  EXPECT_THAT(all, testing::Contains(HasSubstr("answered with a RST to its sender")));
}

class EveryCapture : public testing::TestWithParam<std::string> {};

TEST_P(EveryCapture, IsTheSameTwice) {
  EXPECT_EQ(pcapng_report(played(GetParam())), pcapng_report(played(GetParam())));
}

// libpcap opens it, and libtins finds in the frames what the recorder saw: as many packets, as many RSTs.
TEST_P(EveryCapture, IsReadByOthers) {
  const ReportedRun run = played(GetParam());
  size_t crossings = 0;
  size_t resets = 0;
  bool folded = false;
  run.record->recorder().visit([&](const story::Conversation& conversation) {
    for (const story::Entry& entry : conversation.entries) {
      if (entry.kind == story::EntryKind::kCrossing) {
        ++crossings;
        resets += (entry.tcp_flags & kTcpRst) != 0 ? 1 : 0;
      } else if (entry.kind == story::EntryKind::kFold) {
        folded = true;  // which counts a packet once, on however many links it was seen
      }
    }
  });
  const TemporaryFile file(pcapng_report(run));
  Tins::FileSniffer sniffer(file.path());
  size_t read = 0;
  size_t read_resets = 0;
  sniffer.sniff_loop([&](const Tins::PDU& pdu) {
    ++read;
    const auto* const tcp = pdu.find_pdu<Tins::TCP>();
    read_resets += tcp != nullptr && tcp->get_flag(Tins::TCP::RST) != 0 ? 1 : 0;
    return true;
  });
  if (folded) {
    EXPECT_GT(read, crossings);
  } else {
    EXPECT_EQ(read, crossings);
  }
  EXPECT_EQ(read_resets, resets);
}

bool has_tshark() {
  return std::system("command -v tshark >/dev/null 2>&1") == 0;
}

// What tshark prints of the frames that pass 'filter', a line each, and everything that it says about the file.
std::string tshark(const TemporaryFile& file, const std::string& filter) {
  const std::string command =
      "tshark -r " + file.path() + " -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -Y '" + filter + "' 2>&1";
  std::FILE* const output = popen(command.c_str(), "r");
  std::string text;
  for (int letter = 0; (letter = std::fgetc(output)) != EOF;) {
    text += static_cast<char>(letter);
  }
  EXPECT_EQ(pclose(output), 0) << text;
  // The one thing that it says to root whatever the file.
  const std::string about_root = "Running as user \"root\" and group \"root\". This could be dangerous.\n";
  return text.starts_with(about_root) ? text.substr(about_root.size()) : text;
}

// Its own analysis finds keepalives and RSTs where the story has them, and it complains about nothing.
TEST_P(EveryCapture, IsUnderstoodByTshark) {
  if (!has_tshark()) {
    GTEST_SKIP() << "tshark is not installed";
  }
  const ReportedRun run = played(GetParam());
  bool keepalives = false;
  bool resets = false;
  run.record->recorder().visit([&](const story::Conversation& conversation) {
    for (const story::Entry& entry : conversation.entries) {
      keepalives |= entry.role == story::Role::kKeepalive || entry.keepalives > 0;
      resets |= entry.kind == story::EntryKind::kCrossing && (entry.tcp_flags & kTcpRst) != 0;
    }
  });
  const TemporaryFile file(pcapng_report(run));
  EXPECT_EQ(tshark(file,
                   "_ws.malformed || _ws.expert.severity == error || tcp.checksum.status == 0 || "
                   "udp.checksum.status == 0"),
            "");
  const std::string found = tshark(file, "tcp.analysis.keep_alive || tcp.flags.reset == 1");
  EXPECT_EQ(found.find("[TCP Keep-Alive]") != std::string::npos, keepalives) << found;
  EXPECT_EQ(found.find("[RST") != std::string::npos, resets) << found;
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryCapture, testing::ValuesIn(sim::shipped_scenarios()), test_name);

TEST(Pcapng, TsharkShowsTheCommentOnAResetThatABoxMade) {
  if (!has_tshark()) {
    GTEST_SKIP() << "tshark is not installed";
  }
  const TemporaryFile file(pcapng_report(played("S0.11")));
  EXPECT_THAT(tshark(file, "frame.comment contains \"RST made by natgw\""), HasSubstr("[RST"));
}

TEST(Capture, KeepsTheBeginningAndTheEnd) {
  Capture capture;
  const size_t all = Capture::kFirst + Capture::kLast + 7;
  for (size_t id = 1; id <= all; ++id) {
    CapturedFrame frame;
    frame.id = id;
    frame.time = Instant(std::chrono::milliseconds(id));
    capture.add(frame);
  }
  const std::vector<CapturedFrame> kept = capture.frames();
  EXPECT_EQ(kept.size(), Capture::kFirst + Capture::kLast);
  EXPECT_EQ(capture.left_out(), 7);
  EXPECT_EQ(kept[Capture::kFirst - 1].id, Capture::kFirst);
  EXPECT_EQ(kept[Capture::kFirst].id, Capture::kFirst + 8);
  EXPECT_EQ(kept.back().id, all);
}

TEST(FrameRing, KeepsTheBeginningOfALongFrameAndCountsWhatItLost) {
  std::vector<uint8_t> bytes(1500, 0xab);
  Packet packet;
  packet.data = bytes.data();
  packet.length = 1500;
  FrameRing ring(3, 2);
  const Now now{.now = Instant(std::chrono::seconds(5)), .real = Instant(std::chrono::seconds(1))};
  const uint64_t first = ring.push(packet, LinkId{1}, now);
  EXPECT_NE(first, kNoFrame);
  EXPECT_EQ(ring.push(packet, LinkId{1}, now), first + 1);
  EXPECT_EQ(ring.push(packet, LinkId{1}, now), kNoFrame);
  EXPECT_EQ(ring.lost(), 1);
  CapturedFrame frame;
  ASSERT_TRUE(ring.pop(frame));
  EXPECT_EQ(frame.id, first);
  EXPECT_EQ(frame.length, 1500);
  EXPECT_EQ(frame.captured, kSnapLength);
  EXPECT_EQ(frame.bytes.back(), 0xab);
  EXPECT_EQ(frame.time, now.now);
  EXPECT_TRUE(ring.pop(frame));
  EXPECT_FALSE(ring.pop(frame));
}

}  // namespace
}  // namespace lapse::report
