#include "dataplane/io/dpdk_port.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace lapse::io {
namespace {

constexpr unsigned kCacheSize = 256;

// Behind the Packet, so that kHeadroom bytes of our own stand before what drivers take for the start of the buffer.
constexpr size_t kSpareHeadroom = kHeadroom > RTE_PKTMBUF_HEADROOM ? kHeadroom - RTE_PKTMBUF_HEADROOM : 0;
constexpr size_t kPrivateSize = sizeof(Packet) + kSpareHeadroom;
static_assert(kPrivateSize % RTE_MBUF_PRIV_ALIGN == 0 && sizeof(rte_mbuf) % alignof(Packet) == 0);

Packet* packet_of(rte_mbuf* mbuf) {
  return static_cast<Packet*>(rte_mbuf_to_priv(mbuf));
}
rte_mbuf* mbuf_of(Packet* packet) {
  return reinterpret_cast<rte_mbuf*>(packet) - 1;
}

Packet* wrap(rte_mbuf* mbuf, PacketPool* pool) {
  auto* buffer = static_cast<uint8_t*>(mbuf->buf_addr);
  Packet* packet = new (packet_of(mbuf)) Packet;
  packet->pool = pool;
  packet->room = buffer - kSpareHeadroom;
  packet->room_size = static_cast<uint32_t>(mbuf->buf_len + kSpareHeadroom);
  packet->data = buffer + mbuf->data_off;
  packet->length = mbuf->data_len;
  return packet;
}

// A frame that grew into the spare headroom has to move: drivers know nothing of it.
void unwrap(Packet* packet) {
  rte_mbuf* mbuf = mbuf_of(packet);
  auto* buffer = static_cast<uint8_t*>(mbuf->buf_addr);
  if (packet->data < buffer) {
    std::memmove(buffer, packet->data, packet->length);
    packet->data = buffer;
  }
  mbuf->data_off = static_cast<uint16_t>(packet->data - buffer);
  mbuf->data_len = packet->length;
  mbuf->pkt_len = packet->length;
}

constexpr uint64_t kRssIpv4 = RTE_ETH_RSS_IPV4;
constexpr uint64_t kRssTcp = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
constexpr uint64_t kRssUdp = RTE_ETH_RSS_NONFRAG_IPV4_UDP;

uint64_t rss_bits(const RssFields& fields) {
  return (fields.ipv4 ? kRssIpv4 : 0) | (fields.ipv4_tcp ? kRssTcp : 0) | (fields.ipv4_udp ? kRssUdp : 0);
}

DescriptorLimits limits_of(const rte_eth_desc_lim& limits) {
  return {limits.nb_min, limits.nb_max == 0 ? uint16_t{UINT16_MAX} : limits.nb_max,
          std::max<uint16_t>(limits.nb_align, 1)};
}

DeviceCapabilities capabilities_of(const rte_eth_dev_info& info) {
  constexpr uint64_t kReceiveChecksums = RTE_ETH_RX_OFFLOAD_CHECKSUM;
  constexpr uint64_t kTransmitChecksums =
      RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  constexpr uint64_t kSegmentation = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_UDP_TSO;
  DeviceCapabilities device;
  device.driver = info.driver_name;
  device.receive_queues = info.max_rx_queues;
  device.transmit_queues = info.max_tx_queues;
  device.least_mtu = info.min_mtu;
  device.most_mtu = info.max_mtu;
  device.most_frame_bytes = info.max_rx_pktlen;
  device.receive_descriptors = limits_of(info.rx_desc_lim);
  device.transmit_descriptors = limits_of(info.tx_desc_lim);
  device.rss = {(info.flow_type_rss_offloads & kRssIpv4) != 0, (info.flow_type_rss_offloads & kRssTcp) != 0,
                (info.flow_type_rss_offloads & kRssUdp) != 0};
  device.rss_key_bytes = info.hash_key_size;
  device.offloads = {(info.rx_offload_capa & kReceiveChecksums) != 0,
                     (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0,
                     (info.tx_offload_capa & kTransmitChecksums) != 0, (info.tx_offload_capa & kSegmentation) != 0,
                     (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0};
  return device;
}

// These drivers say that their link is up, at a speed that they make up, whatever becomes of the interface.
bool stands_on_interface(const std::string& driver) {
  return driver == "net_af_packet" || driver == "net_af_xdp";
}

bool interface_runs(unsigned index) {
  ifreq request{};
  if (if_indextoname(index, request.ifr_name) == nullptr) {
    return false;
  }
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool answered = ioctl(any, SIOCGIFFLAGS, &request) == 0;
  close(any);
  return answered && (request.ifr_flags & IFF_RUNNING) != 0;
}

absl::Status port_error(const std::string& device, const char* what, int result) {
  return absl::UnavailableError(
      absl::StrCat("device ", device, ": ", what, ": ", std::string(rte_strerror(result < 0 ? -result : result))));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DpdkPacketPool>> DpdkPacketPool::make(size_t count, size_t frame_size) {
  rte_mempool* mempool =
      rte_pktmbuf_pool_create("lapse_packets", static_cast<unsigned>(count), kCacheSize, kPrivateSize,
                              static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + frame_size), SOCKET_ID_ANY);
  if (mempool == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for ", count, " packet buffers: ", std::string(rte_strerror(rte_errno))));
  }
  return std::unique_ptr<DpdkPacketPool>(new DpdkPacketPool(mempool));
}

DpdkPacketPool::~DpdkPacketPool() {
  rte_mempool_free(mempool_);
}

Packet* DpdkPacketPool::allocate() {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(mempool_);
  if (mbuf == nullptr) {
    return nullptr;
  }
  return wrap(mbuf, this);
}

void DpdkPacketPool::release(std::span<Packet* const> packets) {
  for (Packet* packet : packets) {
    rte_pktmbuf_free(mbuf_of(packet));
  }
}

absl::StatusOr<std::unique_ptr<DpdkPort>> DpdkPort::open(const std::string& device, const PortWish& wish,
                                                         DpdkPacketPool& pool) {
  uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(device.c_str(), &port) != 0) {
    return absl::NotFoundError(absl::StrCat("device ", device, " is not there"));
  }
  rte_eth_dev_info info{};
  if (const int result = rte_eth_dev_info_get(port, &info); result != 0) {
    return port_error(device, "does not tell what it can do", result);
  }
  const DeviceCapabilities capabilities = capabilities_of(info);
  auto plan = plan_device(capabilities, wish);
  if (!plan.ok()) {
    return absl::Status(plan.status().code(), absl::StrCat("device ", device, ": ", plan.status().message()));
  }
  const unsigned interface = stands_on_interface(capabilities.driver) ? info.if_index : 0;
  std::unique_ptr<DpdkPort> opened(new DpdkPort(port, capabilities.driver, interface, *std::move(plan), pool));
  for (const auto step : {&DpdkPort::configure, &DpdkPort::set_up_queues, &DpdkPort::start}) {
    if (absl::Status status = (*opened.*step)(device); !status.ok()) {
      return status;
    }
  }
  return opened;
}

absl::Status DpdkPort::configure(const std::string& device) {
  rte_eth_conf configuration{};
  configuration.rxmode.mtu = plan_.mtu;
  configuration.txmode.offloads = plan_.fast_free ? RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE : 0;
  if (plan_.rss.any()) {
    configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    configuration.rx_adv_conf.rss_conf.rss_hf = rss_bits(plan_.rss);
    configuration.rx_adv_conf.rss_conf.rss_key = plan_.rss_key.empty() ? nullptr : plan_.rss_key.data();
    configuration.rx_adv_conf.rss_conf.rss_key_len = static_cast<uint8_t>(plan_.rss_key.size());
  }
  // Descriptors to sleep on, where the driver has them.
  configuration.intr_conf.rxq = plan_.interrupts ? 1 : 0;
  int result = rte_eth_dev_configure(port_, plan_.queues, plan_.queues, &configuration);
  if (result != 0 && plan_.interrupts) {
    configuration.intr_conf.rxq = 0;
    result = rte_eth_dev_configure(port_, plan_.queues, plan_.queues, &configuration);
  }
  if (result != 0) {
    return port_error(device, "cannot be configured", result);
  }
  if (!plan_.set_mtu) {
    return absl::OkStatus();
  }
  // Some drivers have taken it with the configuration and know no other way.
  result = rte_eth_dev_set_mtu(port_, plan_.mtu);
  if (result != 0 && result != -ENOTSUP) {
    return port_error(device, absl::StrCat("refuses the mtu of ", plan_.mtu).c_str(), result);
  }
  return absl::OkStatus();
}

absl::Status DpdkPort::set_up_queues(const std::string& device) {
  rte_eth_dev_adjust_nb_rx_tx_desc(port_, &plan_.receive_descriptors, &plan_.transmit_descriptors);
  for (uint16_t queue = 0; queue < plan_.queues; ++queue) {
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(port_));
    int result = rte_eth_rx_queue_setup(port_, queue, plan_.receive_descriptors, socket, nullptr, pool_->mempool());
    if (result == 0) {
      result = rte_eth_tx_queue_setup(port_, queue, plan_.transmit_descriptors, socket, nullptr);
    }
    if (result != 0) {
      return port_error(device, absl::StrCat("queue ", queue, " cannot be set up").c_str(), result);
    }
  }
  return absl::OkStatus();
}

absl::Status DpdkPort::start(const std::string& device) {
  if (const int result = rte_eth_dev_start(port_); result != 0) {
    // It says no more than that it failed.
    return driver_ == "net_memif" ? absl::UnavailableError(absl::StrCat(
                                        "device ", device, ": there is nobody at the other end; start its ",
                                        "server first, or let this one be the server: role=server"))
                                  : port_error(device, "cannot be started", result);
  }
  // Frames for the boxes' own link-layer addresses, which differ from the device's.
  rte_eth_promiscuous_enable(port_);
  return absl::OkStatus();
}

LinkState DpdkPort::link() const {
  if (interface_ != 0) {
    return {interface_runs(interface_), 0};
  }
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(port_, &link) != 0) {
    return {};
  }
  const bool known = link.link_speed != RTE_ETH_SPEED_NUM_NONE && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
  return {link.link_status == RTE_ETH_LINK_UP, known ? link.link_speed : 0};
}

DpdkPort::~DpdkPort() {
  rte_eth_dev_stop(port_);
  rte_eth_dev_close(port_);
}

size_t DpdkPort::receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) {
  rte_mbuf* mbufs[kBurst];
  const uint16_t wanted = static_cast<uint16_t>(std::min(out.size(), kBurst));
  const uint16_t received = rte_eth_rx_burst(port_, queue, mbufs, wanted);
  size_t count = 0;
  dropped = 0;
  for (uint16_t i = 0; i < received; ++i) {
    if (mbufs[i]->nb_segs > 1 && rte_pktmbuf_linearize(mbufs[i]) != 0) {
      rte_pktmbuf_free(mbufs[i]);
      ++dropped;
      continue;
    }
    out[count++] = wrap(mbufs[i], pool_);
  }
  return count;
}

size_t DpdkPort::transmit(uint16_t queue, std::span<Packet* const> packets) {
  rte_mbuf* mbufs[kBurst];
  const size_t count = std::min(packets.size(), kBurst);
  for (size_t i = 0; i < count; ++i) {
    unwrap(packets[i]);
    mbufs[i] = mbuf_of(packets[i]);
  }
  return rte_eth_tx_burst(port_, queue, mbufs, static_cast<uint16_t>(count));
}

int DpdkPort::wait_descriptor(uint16_t queue) const {
  return rte_eth_dev_rx_intr_ctl_q_get_fd(port_, queue);
}

absl::Status register_worker_thread() {
  if (rte_thread_register() != 0) {
    return absl::UnavailableError(
        absl::StrCat("DPDK has no lcore id for another worker: ", std::string(rte_strerror(rte_errno))));
  }
  // Only workers take net_tap's signals: other threads' system calls would be cut short for each packet.
  sigset_t announcements;
  sigemptyset(&announcements);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
    sigaddset(&announcements, signal);
  }
  pthread_sigmask(SIG_UNBLOCK, &announcements, nullptr);
  return absl::OkStatus();
}

void unregister_worker_thread() {
  rte_thread_unregister();
}

}  // namespace lapse::io
