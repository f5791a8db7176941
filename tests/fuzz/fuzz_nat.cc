// libFuzzer target: bytes as packets and pauses for a NAT gateway.
//
// The input is a list of steps. A step whose first byte is below 0x80 is a packet: the byte's bits choose side (0), a
// right IPv4 checksum (1) and an empty pool (2); then one byte of length and the IPv4 packet. Otherwise time passes and
// housekeeping is done.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"
#include "tests/fuzz/nat_harness.h"

namespace lapse::test {
namespace {

constexpr uint8_t kOutsideBit = 1;
constexpr uint8_t kRepairBit = 2;
constexpr uint8_t kEmptyPoolBit = 4;
constexpr uint8_t kPauseBit = 0x80;
constexpr size_t kIp = 14;

NatGateway::Config config() {
  NatGateway::Config config;
  config.outside_addresses = {be32(0xc6336407), be32(0xc6336408)};
  config.capacity = 8;
  config.ports_per_destination = 2;
  config.hash_key = {1, 2};
  config.late_outside = LatePacket::kRst;
  config.timeouts.fill(std::chrono::seconds(30));
  return config;
}

void require(const std::optional<std::string>& problem) {
  if (problem) {
    std::fprintf(stderr, "%s\n", problem->c_str());
    std::abort();
  }
}

NatHarness::Frame frame_of(std::span<const uint8_t> packet, bool repair) {
  NatHarness::Frame frame(kIp);
  frame[12] = 0x08;
  frame.insert(frame.end(), packet.begin(), packet.end());
  if (repair && packet.size() >= sizeof(Ipv4Header)) {
    const size_t size = std::min(size_t{4} * (packet[0] & 0x0f), packet.size());
    frame[kIp + 10] = frame[kIp + 11] = 0;
    const uint16_t checksum = ChecksumSum().add({frame.data() + kIp, size}).complement().host();
    frame[kIp + 10] = static_cast<uint8_t>(checksum >> 8);
    frame[kIp + 11] = static_cast<uint8_t>(checksum);
  }
  return frame;
}

void run(std::span<const uint8_t> input) {
  NatHarness harness(config());
  while (!input.empty()) {
    const uint8_t step = input.front();
    input = input.subspan(1);
    if ((step & kPauseBit) != 0) {
      harness.pass_time(std::chrono::milliseconds(500) * (step & ~kPauseBit));
      require(harness.advance(16));
      continue;
    }
    if (input.empty()) {
      return;
    }
    const size_t size = std::min<size_t>(input.front(), input.size() - 1);
    const auto frame = frame_of(input.subspan(1, size), (step & kRepairBit) != 0);
    require(harness.feed({&frame, 1}, (step & kOutsideBit) != 0 ? NatGateway::kOutside : NatGateway::kInside,
                         (step & kEmptyPoolBit) != 0 ? NatHarness::PoolState::kEmpty : NatHarness::PoolState::kFull));
    harness.take_sent();
    input = input.subspan(1 + size);
  }
}

}  // namespace
}  // namespace lapse::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::test::run({data, size});
  return 0;
}
