// fake_instance.h - an instance without a data plane: its flows and its clock are what the test says.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     moves when it is told to.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlives the servers on it.
// Spec:     the contract of InstanceView.
#pragma once

#include <map>
#include <mutex>

#include "control/instance/instance.h"
#include "control/metrics/metrics.h"
#include "tests/story/stage.h"

namespace lapse::api {

class FakeInstance final : public InstanceView {
 public:
  FakeInstance() : directory_(story::nat_directory()) { topology_.name = "nat-gateway"; }

  // A flow of 350 s that has been idle for 'idle', with gaps of about a minute when it is 'kept_alive'.
  void add_flow(Duration idle, bool kept_alive) {
    const std::lock_guard lock(mutex_);
    FlowView view;
    view.box = story::kNat;
    view.flow.id = FlowId{17};
    view.flow.control = {.generation = 3,
                         .life = FlowLife::kLive,
                         .tcp_state = TcpState::kEstablished,
                         .timeout_class = TimeoutClass::kTcpEstablished};
    view.flow.original = stage_.original;
    view.flow.reply = stage_.reply();
    view.flow.cadence = kept_alive ? 15 : 0;
    view.idle = idle;
    view.timeout = std::chrono::seconds(350);
    view.left = view.timeout - idle;
    flows_.push_back(view);
  }

  // Hands 'event' to the subscribers, as the drain thread would.
  void tell(const Event& event) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, handler] : handlers_) {
      handler(event);
    }
  }
  size_t subscribers() const {
    const std::lock_guard lock(mutex_);
    return handlers_.size();
  }

  void take_frames(const FrameHandler&) override {}

  const topology::Topology& topology() const override { return topology_; }
  const topology::Directory& directory() const override { return directory_; }
  InstanceStatus status() const override {
    InstanceStatus status;
    status.now = now();
    status.scale = scale();
    BoxStatus box;
    box.box = story::kNat;
    box.flows = static_cast<uint32_t>(flows().size());
    box.capacity = 65536;
    box.memory_bytes = 8 << 20;
    box.conservation = {.received = 10, .originated = 1, .sent = 8, .dropped = 3, .held = 0};
    box.received = {{"inside", 6}, {"outside", 4}};
    box.sent = {{"inside", 4}, {"outside", 4}};
    box.dropped = {{DropReason::kLate, 3}};
    box.events = {{EventKind::kFlowNew, 1}};
    box.timeouts[static_cast<size_t>(TimeoutClass::kTcpEstablished)] = std::chrono::seconds(350);
    box.living[static_cast<size_t>(TimeoutClass::kTcpEstablished)] = flows().size();
    // 101 for the first of the table, 102 for the second.
    for (const metrics::Metric& metric : metrics::metrics_of("nat-gateway")) {
      box.metrics.emplace(metric.name, 101 + box.metrics.size());
    }
    status.boxes.push_back(box);
    status.links.push_back({.link = story::kPrivate, .device = "lapse0", .received_packets = 6, .received_bytes = 600});
    PortStatus port{.driver = "net_ixgbe", .state = {.up = true, .megabits = 10'000}};
    port.plan.queues = 2;
    port.plan.receive_descriptors = port.plan.transmit_descriptors = 1024;
    port.plan.distribution = io::Distribution::kRss;
    port.plan.rss = {.ipv4 = true, .ipv4_tcp = true};
    port.plan.rss_key.resize(40);
    port.plan.fast_free = true;
    port.plan.offloads_unused = {"segmentation"};
    port.plan.notes = {"3 workers and 2 queues: net_ixgbe has no more"};
    status.links.back().port = port;
    status.links.back().impairments = {.delay = std::chrono::milliseconds(50), .loss = Probability(0.01)};
    status.links.back().seed = 0xabc;
    status.links.back().held = 3;
    status.workers.push_back({.polls = 5,
                              .bursts = 4,
                              .packets = 8,
                              .handed = 2,
                              .busy_cycles = 2500,
                              .core = 3,
                              .dropped = {{DropReason::kLate, 3}}});
    status.workers.push_back({.polls = 7, .asleep = true});
    status.workers.push_back({.polls = 1, .core = 5, .stalled_for = std::chrono::milliseconds(1500)});
    return status;
  }
  std::vector<FlowView> flows(bool with_dead = false) const override {
    const std::lock_guard lock(mutex_);
    std::vector<FlowView> result;
    for (const FlowView& view : flows_) {
      if (with_dead || view.left > Duration{}) {
        result.push_back(view);
      }
    }
    return result;
  }

  [[nodiscard]] std::unique_ptr<Subscription> subscribe(EventHandler handler) override {
    const std::lock_guard lock(mutex_);
    handlers_[++last_handler_] = std::move(handler);
    return std::make_unique<Handle>(*this, last_handler_);
  }
  void flush_events() override {}

  Now now() const override {
    const std::lock_guard lock(mutex_);
    return {.now = now_, .real = Instant{std::chrono::seconds(2)}, .last_jump = {}};
  }
  double scale() const override {
    const std::lock_guard lock(mutex_);
    return scale_;
  }
  absl::StatusOr<ClockMove> advance(Duration duration, bool force) override {
    ClockMove move;
    for (const FlowView& view : flows()) {
      if (!force && view.flow.cadence > 0 && view.left <= duration) {
        duration = view.left - kTick;
        move.stopped_by = view;
      }
    }
    move_by(duration);
    move.moved = duration;
    move.now = now();
    return move;
  }
  absl::StatusOr<ClockMove> advance_to_next_expiry() override {
    const std::vector<FlowView> living = flows();
    if (living.empty()) {
      return absl::NotFoundError("no flow");
    }
    ClockMove move{.moved = living.front().left, .stopped_by = living.front()};
    move_by(move.moved);
    move.now = now();
    return move;
  }
  // One address that is there for good, one that can come and go.
  absl::StatusOr<std::vector<NatAddresses::Entry>> addresses(std::string_view box) const override {
    if (box != "natgw") {
      return absl::NotFoundError("no NAT gateway is called " + std::string(box));
    }
    std::vector<NatAddresses::Entry> list;
    for (const NatAddresses::Entry& entry : addresses_.entries()) {
      if (entry.state != NatAddresses::State::kUnused) {
        list.push_back(entry);
      }
    }
    return list;
  }
  absl::Status associate_address(std::string_view, Ipv4Address address) override {
    return addresses_.associate(address) == NatAddresses::Outcome::kDone ? absl::OkStatus()
                                                                         : absl::FailedPreconditionError("taken");
  }
  absl::Status disassociate_address(std::string_view, Ipv4Address address, std::optional<Duration> drain) override {
    const Tick end = to_tick(now().now + drain.value_or(std::chrono::seconds(350)));
    return addresses_.disassociate(address, end) == NatAddresses::Outcome::kDone
               ? absl::OkStatus()
               : absl::FailedPreconditionError("not there, or primary");
  }
  absl::Status set_scale(double scale) override {
    const std::lock_guard lock(mutex_);
    scale_ = scale;
    return absl::OkStatus();
  }

 private:
  struct Handle final : Subscription {
    Handle(FakeInstance& owner, int id) : instance(owner), handler(id) {}
    ~Handle() override {
      const std::lock_guard lock(instance.mutex_);
      instance.handlers_.erase(handler);
    }
    FakeInstance& instance;
    int handler;
  };

  void move_by(Duration duration) {
    const std::lock_guard lock(mutex_);
    now_ += duration;
    for (FlowView& view : flows_) {
      view.idle += duration;
      view.left -= duration;
    }
  }

  mutable std::mutex mutex_;
  topology::Topology topology_;
  topology::Directory directory_;
  story::Stage stage_;
  std::vector<FlowView> flows_;
  std::map<int, EventHandler> handlers_;
  int last_handler_ = 0;
  Instant now_{std::chrono::seconds(100)};
  double scale_ = 1.0;
  NatAddresses addresses_{std::array{*parse_ipv4("203.0.113.10")}};
};

}  // namespace lapse::api
