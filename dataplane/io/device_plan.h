// device_plan.h - from what a device can do, and what is wished for, to how it is configured.
//
// Owner:    none; pure functions of plain values.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     once a port, at start.
// Lifetime: none.
// Spec:     DPDK Programmer's Guide, "Poll Mode Driver", "Hardware Offload"; design, "Several workers".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "dataplane/wire/ethernet.h"

namespace lapse::io {

struct DescriptorLimits {
  uint16_t least = 0;
  uint16_t most = UINT16_MAX;
  uint16_t multiple_of = 1;
};

// What a receive hash can be computed over.
struct RssFields {
  bool ipv4 = false;
  bool ipv4_tcp = false;
  bool ipv4_udp = false;

  bool any() const { return ipv4 || ipv4_tcp || ipv4_udp; }
  friend bool operator==(const RssFields&, const RssFields&) = default;
};

struct Offloads {
  bool receive_checksums = false;
  bool receive_coalescing = false;
  bool transmit_checksums = false;
  bool transmit_segmentation = false;
  bool fast_free = false;  // buffers of one pool, nobody else's, are given back without looking at each
};

// What a driver says of its device.
struct DeviceCapabilities {
  std::string driver;  // "net_ixgbe"
  uint16_t receive_queues = 1;
  uint16_t transmit_queues = 1;
  uint16_t least_mtu = 0;
  uint16_t most_mtu = UINT16_MAX;
  uint32_t most_frame_bytes = UINT32_MAX;  // with everything around the packet
  DescriptorLimits receive_descriptors;
  DescriptorLimits transmit_descriptors;
  RssFields rss;
  uint8_t rss_key_bytes = 0;
  Offloads offloads;
};

// What is wanted of a port; what is not said is up to the device.
struct PortWish {
  uint16_t workers = 1;  // each wants a pair of queues of its own
  std::optional<uint16_t> queues;
  std::optional<uint16_t> receive_descriptors;
  std::optional<uint16_t> mtu;
  bool interrupts = true;  // workers may sleep
};

// Who decides which queue a frame comes by.
enum class Distribution : uint8_t {
  kOneQueue,
  kRss,       // the device, by the key below
  kFanout,    // the kernel's hash over the queues' sockets
  kLastSent,  // the kernel: the queue that last sent on the flow
  kPeer,      // whoever is at the other end
  kUnknown,   // the device does not say
};
std::string_view text(Distribution distribution);

struct DevicePlan {
  uint16_t queues = 1;  // of each direction
  uint16_t receive_descriptors = 0;
  uint16_t transmit_descriptors = 0;
  uint16_t mtu = kUsualMtu;
  bool set_mtu = false;  // the file names one: the device is told
  Distribution distribution = Distribution::kOneQueue;
  RssFields rss;                 // hashed over
  std::vector<uint8_t> rss_key;  // empty without RSS
  bool fast_free = false;
  bool interrupts = true;
  std::vector<std::string> offloads_unused;  // what the device has and is left off, by name
  std::vector<std::string> notes;            // where the device gives less than was asked for, and what helps
};

// Fails where the device refuses what was asked for by name: "mtu 9000: net_af_packet carries 68 to 1500 bytes".
absl::StatusOr<DevicePlan> plan_device(const DeviceCapabilities& device, const PortWish& wish);

// "ipv4, ipv4-tcp, ipv4-udp".
std::string text(const RssFields& fields);

// The buffers that the ports need between them, and 'held' packets that each worker may hold on impaired links.
struct PoolPlan {
  size_t packets = 0;
  size_t frame_bytes = 0;
  size_t memory_bytes = 0;  // of the pool
};
PoolPlan plan_pool(std::span<const PortWish> ports, size_t workers, size_t held = 0);

}  // namespace lapse::io
