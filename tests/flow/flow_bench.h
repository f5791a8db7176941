// flow_bench.h - a flow table with everything around it that a test needs, and short words for what a box does with it.
#pragma once

#include <optional>
#include <vector>

#include "gtest/gtest.h"

#include "dataplane/flow/flow_table.h"

namespace lapse::test {

using namespace std::chrono_literals;

inline constexpr WorkerId kWorker{0};
inline constexpr HashKey kTestKey{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};

struct Death {
  FiveTuple original;
  Tick expired = 0;
};

class RecordingListener final : public ExpiryListener {
 public:
  void on_expired(const FlowRef& flow, Tick expired) override { deaths.push_back({flow.record->original(), expired}); }
  std::vector<Death> deaths;
};

inline FiveTuple tcp(uint32_t client, uint16_t port, uint16_t web_port = 443) {
  return {be32(0x0a000000 + client), be32(0xcb007150), be16(port), be16(web_port), 6};
}

// The n-th of many different flows.
inline FiveTuple nth(uint32_t n) {
  return tcp(n >> 12, static_cast<uint16_t>(1024 + (n & 4095)));
}

// What the answering packets carry when 'original' was translated to port 'port' of the box's address.
inline FiveTuple translated(const FiveTuple& original, uint16_t port) {
  return {original.destination, be32(0xcb00710a), original.destination_port, be16(port), original.protocol};
}

struct FlowBench {
  explicit FlowBench(FlowTable::Options options = {}) : FlowBench(options, 350s) {}
  FlowBench(FlowTable::Options options, Duration timeout) : table(with_key(options), quiescence) {
    for (size_t i = 0; i < kTimeoutClassCount; ++i) {
      table.timeouts().set(static_cast<TimeoutClass>(i), timeout);
    }
  }

  static FlowTable::Options with_key(FlowTable::Options options) {
    options.hash_key = kTestKey;
    return options;
  }

  FlowRef find(const FiveTuple& key) const { return table.find(key, table.hash(key)); }
  // Found and not over, as a box sees it.
  bool alive(const FiveTuple& key, Tick now) const {
    const FlowRef flow = find(key);
    return flow && !table.is_over(flow, now);
  }
  FlowTable::Put put(const FlowRef& opening, Direction direction, Tick now, FlowRef* holder = nullptr) {
    return table.put(opening, direction, table.hash(opening.record->tuple(direction)), now, listener, holder);
  }
  FlowRef open(const FiveTuple& original, const FiveTuple& reply, Tick now, WorkerId worker = kWorker) {
    FlowRef flow = table.open(worker, now, listener);
    if (flow) {
      flow.record->protocol = original.protocol;
      flow.record->scope = original.scope;
      flow.record->set_original(original);
      flow.record->set_reply(reply);
    }
    return flow;
  }
  // A flow whose reply tuple is the mirror of its original, as a firewall keeps it; none when anything refuses.
  FlowRef add(const FiveTuple& original, Tick now, TimeoutClass timeout_class = TimeoutClass::kTcpEstablished,
              WorkerId worker = kWorker) {
    FlowRef flow = open(original, original.reversed(), now, worker);
    if (!flow) {
      return {};
    }
    if (put(flow, Direction::kReply, now) == FlowTable::Put::kTaken ||
        put(flow, Direction::kOriginal, now) == FlowTable::Put::kTaken) {
      table.roll_back(flow);
      return {};
    }
    table.publish(flow, TcpState::kEstablished, timeout_class, now);
    return flow;
  }
  size_t advance(Tick now, size_t budget = 1 << 20, WorkerId worker = kWorker) {
    return table.advance(worker, now, budget, listener);
  }

  Quiescence quiescence;
  FlowTable table;
  RecordingListener listener;
};

}  // namespace lapse::test
