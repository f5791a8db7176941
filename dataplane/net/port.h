// port.h - where frames enter and leave the process: two burst calls a queue.
//
// Owner:    the instance; each queue is used by one worker.
// Memory:   frames come from and return to the port's pool.
// Time:     none.
// Bytes:    whole Ethernet frames, contiguous.
// Cost:     receive() and transmit(): see the implementation.
// Lifetime: outlives its workers.
// Spec:     none.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/counters.h"
#include "dataplane/packet.h"

namespace lapse {

class Port {
 public:
  virtual ~Port() = default;

  // How many queues each direction has, at least 1; they are numbered from 0.
  virtual uint16_t receive_queues() const = 0;
  virtual uint16_t transmit_queues() const = 0;

  // Fills 'out' with received frames, not parsed; returns how many. Frames that cannot be taken in one piece are dropped
  // here, added to 'dropped' and counted by the caller as received: 'dropped' is never more than out.size().
  virtual size_t receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) = 0;

  // Takes the first packets of 'packets', as many as it returns; the rest stay the caller's.
  virtual size_t transmit(uint16_t queue, std::span<Packet* const> packets) = 0;

  // A descriptor that becomes readable when frames wait on the queue, or -1: then a sleeping worker polls.
  virtual int wait_descriptor(uint16_t queue) const = 0;
};

}  // namespace lapse
