// timeouts.h - the idle timeouts of a box, one for each class of flow, changeable while packets pass.
//
// Owner:    a flow table; control writes, workers read.
// Memory:   fixed.
// Time:     durations are virtual.
// Bytes:    none.
// Cost:     one relaxed load.
// Lifetime: as its table.
// Spec:     aws-behaviour section 1; design, "timeouts of every kind".
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/time.h"

namespace lapse {

// X(enumerator, key in the topology file)
#define LAPSE_TIMEOUT_CLASSES(X)        \
  X(kTcpSyn, "tcp_syn")                 \
  X(kTcpEstablished, "tcp_established") \
  X(kTcpClosing, "tcp_closing")         \
  X(kTcpClosed, "tcp_closed")           \
  X(kUdp, "udp")                        \
  X(kUdpStream, "udp_stream")           \
  X(kIcmp, "icmp")                      \
  X(kOther, "other")

enum class TimeoutClass : uint8_t {
#define LAPSE_TIMEOUT_CLASS(name, key) name,
  LAPSE_TIMEOUT_CLASSES(LAPSE_TIMEOUT_CLASS)
#undef LAPSE_TIMEOUT_CLASS
};
#define LAPSE_TIMEOUT_CLASS(name, key) +1
inline constexpr size_t kTimeoutClassCount = 0 LAPSE_TIMEOUT_CLASSES(LAPSE_TIMEOUT_CLASS);
#undef LAPSE_TIMEOUT_CLASS

inline constexpr std::array<std::string_view, kTimeoutClassCount> kTimeoutClassNames{
#define LAPSE_TIMEOUT_CLASS(name, key) key,
    LAPSE_TIMEOUT_CLASSES(LAPSE_TIMEOUT_CLASS)
#undef LAPSE_TIMEOUT_CLASS
};
constexpr std::string_view name(TimeoutClass timeout_class) {
  return kTimeoutClassNames[static_cast<size_t>(timeout_class)];
}

// Whether a flow that has been idle for exactly its timeout is dead: NAT gateways say yes, load balancers no.
enum class Comparator : uint8_t { kAtLeast, kMoreThan };

class Timeouts {
 public:
  explicit Timeouts(Comparator comparator) : comparator_(comparator) {}

  // 'timeout' is at most kLongestTimeout.
  void set(TimeoutClass timeout_class, Duration timeout) {
    const auto ticks = static_cast<uint32_t>(timeout / kTick);
    if (milliseconds_[static_cast<size_t>(timeout_class)].exchange(ticks, std::memory_order_seq_cst) > ticks) {
      shortened_.fetch_add(1, std::memory_order_seq_cst);
    }
  }
  uint32_t milliseconds(TimeoutClass timeout_class) const {
    return milliseconds_[static_cast<size_t>(timeout_class)].load(std::memory_order_relaxed);
  }

  // Whether a flow that moves on is over sooner than it was filed for. Sequentially consistent with set(): whoever moves
  // a flow on sees the shorter timeout here, or whoever files it again sees the move.
  bool is_shorter(TimeoutClass after, TimeoutClass before) const {
    return milliseconds_[static_cast<size_t>(after)].load(std::memory_order_seq_cst) <
           milliseconds_[static_cast<size_t>(before)].load(std::memory_order_seq_cst);
  }

  // Idle ticks from which on a flow of this class is dead.
  uint32_t dead_after(TimeoutClass timeout_class) const {
    return milliseconds(timeout_class) + (comparator_ == Comparator::kMoreThan ? 1 : 0);
  }

  // How often a timeout was made shorter: whoever filed flows under a longer one has to look at them again.
  uint32_t shortened() const { return shortened_.load(std::memory_order_seq_cst); }

 private:
  std::array<std::atomic<uint32_t>, kTimeoutClassCount> milliseconds_{};
  std::atomic<uint32_t> shortened_{0};
  Comparator comparator_;
};

}  // namespace lapse
