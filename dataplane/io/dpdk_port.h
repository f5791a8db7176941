// dpdk_port.h - a DPDK ethdev as a Port, and mbufs as packets.
//
// Owner:    the instance; each queue is used by one worker thread, which called register_worker_thread().
// Memory:   one mempool for all ports; a Packet lives in its mbuf's private area.
// Time:     none.
// Bytes:    whole frames.
// Cost:     as the driver; per packet a dozen stores.
// Lifetime: the pool outlives the ports, EAL outlives both.
// Spec:     DPDK Programmer's Guide, "Poll Mode Driver", "Mbuf Library".
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "dataplane/io/device_plan.h"
#include "dataplane/net/port.h"

struct rte_mempool;

namespace lapse::io {

class DpdkPacketPool final : public PacketPool {
 public:
  static absl::StatusOr<std::unique_ptr<DpdkPacketPool>> make(size_t count, size_t frame_size);
  ~DpdkPacketPool() override;

  Packet* allocate() override;
  void release(std::span<Packet* const> packets) override;

  rte_mempool* mempool() const { return mempool_; }

 private:
  explicit DpdkPacketPool(rte_mempool* mempool) : mempool_(mempool) {}
  rte_mempool* mempool_;
};

struct LinkState {
  bool up = false;
  uint32_t megabits = 0;  // 0: unknown
};

class DpdkPort final : public Port {
 public:
  // 'device' is the name of a device that EAL knows, as "net_tap0". Fails when it is not there, or refuses what is
  // wished for by name; nothing is left open then.
  static absl::StatusOr<std::unique_ptr<DpdkPort>> open(const std::string& device, const PortWish& wish,
                                                        DpdkPacketPool& pool);
  ~DpdkPort() override;

  const std::string& driver() const { return driver_; }
  const DevicePlan& plan() const { return plan_; }
  // As the driver says, or the kernel where the device stands on an interface of its; asked for by control: a system
  // call or a few registers.
  LinkState link() const;

  uint16_t receive_queues() const override { return plan_.queues; }
  uint16_t transmit_queues() const override { return plan_.queues; }

  size_t receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) override;
  size_t transmit(uint16_t queue, std::span<Packet* const> packets) override;
  int wait_descriptor(uint16_t queue) const override;

 private:
  DpdkPort(uint16_t port, std::string driver, unsigned interface, DevicePlan plan, DpdkPacketPool& pool)
      : port_(port), driver_(std::move(driver)), interface_(interface), plan_(std::move(plan)), pool_(&pool) {}

  absl::Status configure(const std::string& device);
  absl::Status set_up_queues(const std::string& device);
  absl::Status start(const std::string& device);

  uint16_t port_;
  std::string driver_;
  unsigned interface_;  // the kernel's index of the interface that the device stands on; 0: it stands on none
  DevicePlan plan_;
  DpdkPacketPool* pool_;
};

// Gives the calling thread an lcore id, so that the mempool's cache serves it, and lets it take the signals by which
// net_tap announces frames. Called by every worker thread first.
absl::Status register_worker_thread();
void unregister_worker_thread();

}  // namespace lapse::io
