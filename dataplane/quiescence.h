// quiescence.h - when every reader has let go: the grace period of the lock-free structures.
//
// Owner:    one for each instance or simulation; workers and control readers register a slot each.
// Memory:   allocated in the constructor.
// Time:     none; wait() yields, it reads no clock.
// Bytes:    none.
// Cost:     quiescent(): one store; passed(): one load per registered slot.
// Lifetime: outlives every table and every reader.
// Spec:     DPDK rte_rcu_qsbr, whose core works without EAL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/ids.h"

struct rte_rcu_qsbr;

namespace lapse {

class Quiescence {
 public:
  // Workers use their own id as slot; control readers take slots from kMaxWorkers on.
  enum class Slot : uint8_t {};
  static constexpr size_t kSlots = kMaxWorkers + 8;
  static constexpr Slot slot(WorkerId worker) { return Slot{static_cast<uint8_t>(worker)}; }

  struct Token {
    uint64_t value = 0;
  };

  Quiescence();
  ~Quiescence();
  Quiescence(const Quiescence&) = delete;
  Quiescence& operator=(const Quiescence&) = delete;

  // A slot that is online holds up every grace period until it reports or goes offline.
  void online(Slot slot);
  void offline(Slot slot);
  void quiescent(Slot slot);

  // passed(start()) becomes true once every slot that was online at start() has reported since, or gone offline.
  Token start();
  bool passed(Token token) const;

  // Control only: returns when passed(start()). The caller's own slot must be offline.
  void wait();

 private:
  struct Free {
    void operator()(rte_rcu_qsbr* state) const;
  };
  std::unique_ptr<rte_rcu_qsbr, Free> state_;
};

}  // namespace lapse
