#include "dataplane/io/device_plan.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lapse::io {
namespace {

constexpr uint16_t kUsualDescriptors = 1024;
// Ethernet header and checksum, where the driver does not say what it takes a frame to be.
constexpr uint32_t kFrameOverhead = 18;

constexpr size_t kLeastPackets = 8192;
constexpr size_t kHeldPackets = 4096;              // waiting for a neighbour, made by boxes, in work lists
constexpr size_t kPacketsAWorker = 2 * 256 + 256;  // the mempool's cache, and what is in flight in a pass
constexpr size_t kLeastFrame = 2048;
constexpr size_t kFrameMultiple = 64;
constexpr size_t kTagBytes = 8;          // two VLAN tags
constexpr size_t kBufferOverhead = 640;  // mbuf, Packet, headroom, mempool's header

// What is peculiar to drivers of DPDK that stand for something in the kernel or for another process.
struct Driver {
  std::string_view name;
  Distribution distribution;
  uint16_t receive_descriptors;
  std::string_view more_queues;  // what gives it more queues
};
constexpr std::array<Driver, 4> kDrivers{{
    {"net_af_packet", Distribution::kFanout, kUsualDescriptors, "add qpairs=N to its vdev"},
    {"net_af_xdp", Distribution::kPeer, kUsualDescriptors, "add queue_count=N to its vdev"},
    // To net_tap a descriptor is a segment of the one frame that it reads next, and every read pays for all of them.
    {"net_tap", Distribution::kLastSent, 4, ""},
    {"net_memif", Distribution::kPeer, kUsualDescriptors, ""},
}};

const Driver* find_driver(std::string_view name) {
  const auto found =
      std::find_if(kDrivers.begin(), kDrivers.end(), [&](const Driver& driver) { return driver.name == name; });
  return found == kDrivers.end() ? nullptr : &*found;
}

uint16_t fitting(uint16_t wanted, const DescriptorLimits& limits) {
  const uint32_t multiple = std::max<uint32_t>(limits.multiple_of, 1);
  const uint32_t most = limits.most == 0 ? UINT16_MAX : limits.most;
  uint32_t count = (wanted + multiple - 1) / multiple * multiple;
  if (count > most) {
    count = most / multiple * multiple;
  }
  return static_cast<uint16_t>(std::max<uint32_t>(count, limits.least));
}

void plan_queues(const DeviceCapabilities& device, const PortWish& wish, DevicePlan& plan) {
  const uint16_t possible = std::max<uint16_t>(std::min(device.receive_queues, device.transmit_queues), 1);
  const uint16_t wanted = wish.queues.value_or(wish.workers);
  plan.queues = std::min({wish.workers, wanted, possible});
  if (wanted > wish.workers) {
    plan.notes.push_back(absl::StrCat("queues ", wanted, ": ", plan.queues, " are used, one for each worker"));
  }
  if (possible < std::min(wanted, wish.workers)) {
    const Driver* driver = find_driver(device.driver);
    const std::string remedy =
        driver == nullptr || driver->more_queues.empty() ? "" : "; " + std::string(driver->more_queues);
    plan.notes.push_back(absl::StrCat(wish.workers, " workers and ", possible, possible == 1 ? " queue" : " queues",
                                      ": ", device.driver, " has no more", remedy));
  } else if (plan.queues < wish.workers) {
    plan.notes.push_back(absl::StrCat(wish.workers, " workers and ", plan.queues,
                                      plan.queues == 1 ? " queue" : " queues", ", as the file says"));
  }
}

void plan_descriptors(const DeviceCapabilities& device, const PortWish& wish, DevicePlan& plan) {
  const Driver* driver = find_driver(device.driver);
  const uint16_t usual = driver == nullptr ? kUsualDescriptors : driver->receive_descriptors;
  const uint16_t wanted = wish.receive_descriptors.value_or(usual);
  plan.receive_descriptors = fitting(wanted, device.receive_descriptors);
  plan.transmit_descriptors = fitting(kUsualDescriptors, device.transmit_descriptors);
  if (wish.receive_descriptors && plan.receive_descriptors != wanted) {
    plan.notes.push_back(absl::StrCat("rx_desc ", wanted, ": ", device.driver, " takes ", plan.receive_descriptors));
  }
}

absl::Status plan_mtu(const DeviceCapabilities& device, const PortWish& wish, DevicePlan& plan) {
  uint32_t overhead = kFrameOverhead;
  if (device.most_mtu != UINT16_MAX && device.most_frame_bytes > device.most_mtu) {
    overhead = std::min<uint32_t>(device.most_frame_bytes - device.most_mtu, kFrameOverhead + kTagBytes);
  }
  const uint32_t by_frame = device.most_frame_bytes > overhead ? device.most_frame_bytes - overhead : 0;
  const uint32_t most = std::min<uint32_t>(device.most_mtu, by_frame);
  const uint32_t wanted = wish.mtu.value_or(kUsualMtu);
  if (wish.mtu && (wanted < device.least_mtu || wanted > most)) {
    return absl::InvalidArgumentError(
        absl::StrCat("mtu ", wanted, ": ", device.driver, " carries ", device.least_mtu, " to ", most, " bytes"));
  }
  plan.mtu = static_cast<uint16_t>(std::min(std::max<uint32_t>(wanted, device.least_mtu), most));
  plan.set_mtu = wish.mtu.has_value();
  if (plan.mtu < wanted) {
    plan.notes.push_back(absl::StrCat("packets of at most ", plan.mtu, " bytes: ", device.driver, " has no more"));
  }
  return absl::OkStatus();
}

// Both directions of a flow hash alike with this key, so that a box that rewrites nothing finds both on one worker.
std::vector<uint8_t> symmetric_key(size_t bytes) {
  std::vector<uint8_t> key(bytes);
  for (size_t at = 0; at < bytes; ++at) {
    key[at] = at % 2 == 0 ? 0x6d : 0x5a;
  }
  return key;
}

void plan_distribution(const DeviceCapabilities& device, DevicePlan& plan) {
  if (plan.queues == 1) {
    plan.distribution = Distribution::kOneQueue;
    return;
  }
  if (const Driver* driver = find_driver(device.driver)) {
    plan.distribution = driver->distribution;
    return;
  }
  if (!device.rss.any()) {
    plan.distribution = Distribution::kUnknown;
    plan.notes.push_back(
        absl::StrCat(device.driver, " has no receive hash: which queue a frame comes by is its own affair"));
    return;
  }
  plan.distribution = Distribution::kRss;
  plan.rss = device.rss;
  plan.rss_key = symmetric_key(device.rss_key_bytes);
}

// Checksums are checked and corrected by differences, at no cost that a device could save; a box needs whole frames.
void plan_offloads(const DeviceCapabilities& device, DevicePlan& plan) {
  plan.fast_free = device.offloads.fast_free;
  const std::array<std::pair<bool, const char*>, 4> known{{{device.offloads.receive_checksums, "receive checksums"},
                                                           {device.offloads.receive_coalescing, "receive coalescing"},
                                                           {device.offloads.transmit_checksums, "transmit checksums"},
                                                           {device.offloads.transmit_segmentation, "segmentation"}}};
  for (const auto& [has, name] : known) {
    if (has) {
      plan.offloads_unused.emplace_back(name);
    }
  }
}

}  // namespace

std::string_view text(Distribution distribution) {
  switch (distribution) {
    case Distribution::kOneQueue:
      return "one queue";
    case Distribution::kRss:
      return "receive hash of the device";
    case Distribution::kFanout:
      return "fanout hash of the kernel";
    case Distribution::kLastSent:
      return "the queue that last sent on the flow";
    case Distribution::kPeer:
      return "the other end";
    case Distribution::kUnknown:
      break;
  }
  return "unknown";
}

std::string text(const RssFields& fields) {
  std::vector<std::string_view> names;
  if (fields.ipv4) {
    names.emplace_back("ipv4");
  }
  if (fields.ipv4_tcp) {
    names.emplace_back("ipv4-tcp");
  }
  if (fields.ipv4_udp) {
    names.emplace_back("ipv4-udp");
  }
  std::string text;
  for (const std::string_view name : names) {
    text.append(text.empty() ? "" : ", ").append(name);
  }
  return text;
}

absl::StatusOr<DevicePlan> plan_device(const DeviceCapabilities& device, const PortWish& wish) {
  DevicePlan plan;
  plan_queues(device, wish, plan);
  plan_descriptors(device, wish, plan);
  if (absl::Status status = plan_mtu(device, wish, plan); !status.ok()) {
    return status;
  }
  plan_distribution(device, plan);
  plan_offloads(device, plan);
  plan.interrupts = wish.interrupts;
  return plan;
}

PoolPlan plan_pool(std::span<const PortWish> ports, size_t workers, size_t held) {
  PoolPlan plan;
  size_t largest = kUsualMtu;
  plan.packets = kHeldPackets + workers * (kPacketsAWorker + held);
  for (const PortWish& port : ports) {
    const size_t queues = std::min(port.queues.value_or(port.workers), port.workers);
    plan.packets += queues * (port.receive_descriptors.value_or(kUsualDescriptors) + kUsualDescriptors);
    largest = std::max<size_t>(largest, port.mtu.value_or(kUsualMtu));
  }
  plan.packets = std::max(plan.packets, kLeastPackets);
  const size_t frame = largest + kFrameOverhead + kTagBytes;
  plan.frame_bytes = std::max(kLeastFrame, (frame + kFrameMultiple - 1) / kFrameMultiple * kFrameMultiple);
  plan.memory_bytes = plan.packets * (plan.frame_bytes + kBufferOverhead);
  return plan;
}

}  // namespace lapse::io
