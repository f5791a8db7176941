#include "dataplane/io/dpdk_port.h"

#include <cstring>
#include <new>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <signal.h>

#include "absl/strings/str_cat.h"

namespace lapse::io {
namespace {

constexpr uint16_t kDescriptors = 1024;
// To net_tap a descriptor is a segment of the one frame that it reads next, and every read pays for all of them.
constexpr uint16_t kTapDescriptors = 4;
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

absl::StatusOr<std::unique_ptr<DpdkPort>> DpdkPort::open(const std::string& device, uint16_t queues,
                                                         DpdkPacketPool& pool) {
  uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(device.c_str(), &port) != 0) {
    return absl::NotFoundError(absl::StrCat("device ", device, " is not there"));
  }
  rte_eth_conf configuration{};
  // Descriptors to sleep on, where the driver has them.
  configuration.intr_conf.rxq = 1;
  int result = rte_eth_dev_configure(port, queues, queues, &configuration);
  if (result != 0) {
    configuration.intr_conf.rxq = 0;
    result = rte_eth_dev_configure(port, queues, queues, &configuration);
  }
  if (result != 0) {
    return port_error(device, "cannot be configured", result);
  }
  std::unique_ptr<DpdkPort> opened(new DpdkPort(port, queues, pool));
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(port, &info);
  uint16_t receive_descriptors = std::strcmp(info.driver_name, "net_tap") == 0 ? kTapDescriptors : kDescriptors;
  uint16_t transmit_descriptors = kDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(port, &receive_descriptors, &transmit_descriptors);
  for (uint16_t queue = 0; queue < queues; ++queue) {
    result = rte_eth_rx_queue_setup(port, queue, receive_descriptors, SOCKET_ID_ANY, nullptr, pool.mempool());
    if (result == 0) {
      result = rte_eth_tx_queue_setup(port, queue, transmit_descriptors, SOCKET_ID_ANY, nullptr);
    }
    if (result != 0) {
      return port_error(device, absl::StrCat("queue ", queue, " cannot be set up").c_str(), result);
    }
  }
  if (result = rte_eth_dev_start(port); result != 0) {
    return port_error(device, "cannot be started", result);
  }
  // Frames for the boxes' own link-layer addresses, which differ from the device's.
  rte_eth_promiscuous_enable(port);
  return opened;
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
