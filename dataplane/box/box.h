// box.h - the two entry points that every middlebox has.
//
// Owner:    built by control from a topology, shared by all workers; per-worker state is inside, by Output::worker().
// Memory:   allocated in the constructor, never after.
// Time:     callers pass 'now'; nothing here reads a clock.
// Bytes:    packets are parsed; see packet.h.
// Cost:     see each kind.
// Lifetime: outlives its workers.
// Spec:     design, "Boxes".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/flow/flow_table.h"
#include "dataplane/output.h"
#include "dataplane/packet.h"
#include "dataplane/time.h"

namespace lapse {

class Box {
 public:
  virtual ~Box() = default;

  // Takes every packet of 'burst' (at most kBurst, all parsed, all received on 'side'): forwards it, drops it with a
  // reason, answers it, or holds it in a bounded store. The caller has counted the burst as received.
  virtual void process(std::span<Packet* const> burst, Side side, const Now& now, Output& out) = 0;

  // Housekeeping between bursts, at most 'budget' units of it: inboxes, the wheel, held packets.
  virtual void advance(const Now& now, size_t budget, Output& out) = 0;

  // The virtual time before which advance() has nothing to do for this worker; `now` when work is waiting.
  virtual std::optional<Instant> next_deadline(WorkerId worker, const Now& now) const = 0;

  // Real time before which advance() has nothing to do for packets in this worker's bounded stores: they wait for real
  // hosts. See Now::real.
  virtual std::optional<Instant> next_retry(WorkerId /*worker*/, const Now& /*now*/) const { return std::nullopt; }

  // Packets in bounded stores, over all workers.
  virtual size_t held() const { return 0; }
  // Drops those of the worker, for the end.
  virtual void drop_held(Output& /*out*/) {}

  // Whether an address that stands for flows belongs to 'side' at this moment; others are the interface's alone.
  virtual bool owns(Side /*side*/, Ipv4Address /*address*/) const { return false; }

  // Whether a parsed packet that comes in on 'side' is one that the box passes on, for all that can be said before it is
  // processed. Asked for what could not go on from here: only about such a packet does the hop around the box tell its
  // sender, and what is meant for the box itself is for the box to answer or not.
  virtual bool would_pass(const Packet& /*packet*/, Side /*side*/, const Now& /*now*/) const { return true; }

  // Null for a kind that keeps no flows.
  virtual FlowTable* flows() = 0;
  const FlowTable* flows() const { return const_cast<Box*>(this)->flows(); }
};

}  // namespace lapse
