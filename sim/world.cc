#include "sim/world.h"

#include <algorithm>
#include <array>

#include "absl/strings/numbers.h"

#include "control/network/build.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/parse.h"
#include "dataplane/worker.h"

namespace lapse::sim {
namespace {

constexpr WorkerId kWorker{0};
constexpr size_t kEventCapacity = 65536;
constexpr size_t kUsualFrameSize = 2048;
constexpr size_t kFrameCapacity = 8192;

// Locally administered, and readable in a capture: host and interface are the last two bytes.
MacAddress mac_of(size_t host, size_t interface) {
  return {{0x02, 0x1a, 0x95, 0x01, static_cast<uint8_t>(host), static_cast<uint8_t>(interface)}};
}

LinkId find_link(const topology::Directory& directory, const std::string& name) {
  for (size_t id = 0; id < directory.links.size(); ++id) {
    if (directory.links[id].name == name) {
      return LinkId{static_cast<uint8_t>(id)};
    }
  }
  return kNoLink;
}

// Packets that are under way do not count as in flight among hosts and boxes.
size_t room_on_links(const topology::Topology& topology) {
  const bool any = std::any_of(topology.links.begin(), topology.links.end(),
                               [](const topology::Link& link) { return link.impairments.holds_packets(); });
  return any ? LinkStage::kCapacity : 0;
}

size_t frame_size(const topology::Topology& topology) {
  size_t size = kUsualFrameSize;
  for (const topology::Link& link : topology.links) {
    size = std::max(size, sizeof(EthernetHeader) + link.impairments.mtu);
  }
  return size;
}

}  // namespace

World::World(const topology::Topology& topology, const Options& options, EventSink sink)
    : sink_(std::move(sink)),
      frame_sink_(options.frames),
      engine_(options.seed),
      directory_(topology::make_directory(topology)),
      pool_(options.packets + room_on_links(topology), frame_size(topology)),
      events_(kEventCapacity),
      network_(build_network(topology, {1, [this] { return engine_.random().next(); }}, quiescence_)),
      peaks_(*network_) {
  for (size_t id = 0; id < topology.links.size(); ++id) {
    ports_.push_back(std::make_unique<MemoryPort>(options.packets));
    network_->set_port(LinkId{static_cast<uint8_t>(id)}, ports_.back().get());
  }
  if (frame_sink_) {
    frames_ = std::make_unique<FrameRing>(static_cast<uint8_t>(kWorker), kFrameCapacity);
    events_.keep_frames(frames_.get());
  }
  path_ = std::make_unique<Path>(kWorker, *network_, pool_, &events_, options.trace);
  for (const topology::Host& host : topology.hosts) {
    add_host(host, hosts_.size());
  }
  housekeeping_ = std::make_unique<Timer>(engine_, [] {});
  quiescence_.online(Quiescence::slot(kWorker));
}

World::~World() {
  for (const Frame& frame : between_hosts_) {
    release(frame.packet);
  }
  quiescence_.offline(Quiescence::slot(kWorker));
}

void World::add_host(const topology::Host& host, size_t number) {
  std::vector<Host::Interface> interfaces;
  for (const auto& [name, attachment] : host.interfaces) {
    Host::Interface interface;
    interface.link = find_link(directory_, attachment.link);
    interface.mac = mac_of(number, interfaces.size());
    interface.addresses = attachment.addresses;
    if (const uint16_t mtu = network_->link(interface.link).impairments.mtu; mtu != 0) {
      interface.mtu = mtu;
    }
    interface.routes.add(directory_.links[index(interface.link)].subnet, std::nullopt);
    for (const topology::Route& route : attachment.routes) {
      interface.routes.add(route.to, route.via);
    }
    if (attachment.gateway) {
      interface.routes.add({Ipv4Address{}, 0}, *attachment.gateway);
    }
    interfaces.push_back(std::move(interface));
  }
  Wire& wire = *this;
  hosts_.push_back(std::make_unique<Host>(host.name, engine_, wire, std::move(interfaces), tcp_settings(host.sysctls)));
}

Host* World::host(std::string_view name) const {
  for (const auto& host : hosts_) {
    if (host->name() == name) {
      return host.get();
    }
  }
  return nullptr;
}

bool World::run_until(Instant end, uint64_t most) {
  most_ = most;
  settle();
  while (!exhausted() && engine_.run_next(end)) {
    settle();
  }
  return !exhausted();
}

void World::settle() {
  const Now now = engine_.clock().now();
  if (now.now >= peaks_.window_end()) {
    observe_rates();
  }
  do {
    while (carry_once(now)) {
      pass_events_on();
    }
    path_->advance(now, Worker::kReclaimPerBurst);
  } while (carry_once(now));
  quiescence_.quiescent(Quiescence::slot(kWorker));
  for (const auto& host : hosts_) {
    host->collect_finished();
  }
  pass_events_on();
  arm_housekeeping(now);
}

// Boxes count in settle() alone: what they have counted since the last look happened before its window's end, and nothing
// since. So a window is read once, however long it is quiet afterwards.
void World::observe_rates() {
  const Instant now = engine_.now();
  peaks_.observe(std::min(now, peaks_.window_end()));
  peaks_.pass(now);
}

metrics::Totals World::totals(BoxId box) {
  observe_rates();
  metrics::Totals totals = metrics::totals(*network_, box);
  peaks_.fill_in(box, totals);
  if (const FlowTable* const table = network_->box(box).flows()) {
    metrics::count_flows(*table, to_tick(engine_.now()), totals);
  }
  return totals;
}

// From hosts to boxes, through them, and to hosts; false when nothing moved, or no more may: programs that answer each
// other at once would go on for ever in one instant.
bool World::carry_once(const Now& now) {
  if (exhausted()) {
    return false;
  }
  bool moved = false;
  for (size_t id = 0; id < ports_.size(); ++id) {
    std::array<Packet*, kBurst> burst;
    size_t unusable = 0;
    const size_t count = ports_[id]->receive(0, burst, unusable);
    if (count > 0) {
      path_->receive(LinkId{static_cast<uint8_t>(id)}, {burst.data(), count}, now);
      moved = true;
    }
  }
  path_->run(now);
  for (size_t id = 0; id < ports_.size(); ++id) {
    while (Packet* const packet = ports_[id]->take()) {
      deliver(LinkId{static_cast<uint8_t>(id)}, packet);
      moved = true;
    }
  }
  while (!between_hosts_.empty() && !exhausted()) {
    const Frame frame = between_hosts_.front();
    between_hosts_.pop_front();
    deliver(frame.link, frame.packet);
    moved = true;
  }
  return moved;
}

void World::pass_events_on() {
  while (const size_t count = events_.pop(batch_.data(), batch_.size())) {
    std::for_each(batch_.begin(), batch_.begin() + count, std::ref(sink_));
  }
  for (CapturedFrame frame; frames_ != nullptr && frames_->pop(frame);) {
    frame_sink_(frame);
  }
}

void World::arm_housekeeping(const Now& now) {
  std::optional<Instant> next = path_->next_deadline(now);
  if (const auto retry = path_->next_retry(now); retry && (!next || *retry < *next)) {
    next = retry;
  }
  if (next) {
    // Most events change nothing about it, and the heap of timers is what costs in a simulation of many flows.
    const Instant due = std::max(*next, now.now);
    if (!housekeeping_->armed() || housekeeping_->when() != due) {
      housekeeping_->arm(due);
    }
  } else {
    housekeeping_->cancel();
  }
}

// ---- the wire ----

void World::transmit(LinkId link, Packet* packet) {
  const MacAddress& destination = packet->header_at<EthernetHeader>(0).destination;
  if (network_->find_by_mac(link, destination) == kNoInterface) {
    between_hosts_.push_back({link, packet});
  } else {
    ports_[index(link)]->inject(packet);
  }
}

std::optional<MacAddress> World::station(LinkId link, Ipv4Address address) const {
  if (const InterfaceId box = network_->find_by_address(link, address); box != kNoInterface) {
    return network_->interface(box).mac;
  }
  for (const auto& host : hosts_) {
    for (const Host::Interface& interface : host->interfaces()) {
      if (interface.link == link && host->owns(address)) {
        return interface.mac;
      }
    }
  }
  return std::nullopt;
}

void World::deliver(LinkId link, Packet* packet) {
  ++delivered_;
  if (Host* const host = listener(link, *packet); host != nullptr) {
    host->receive(link, packet);
  } else {
    release(packet);
  }
}

// A question to all is heard by whom it asks for.
Host* World::listener(LinkId link, const Packet& packet) {
  const auto& ethernet = packet.header_at<EthernetHeader>(0);
  const bool asks = ethernet.destination == kBroadcastMac && ethernet.type == kEtherTypeArp;
  for (const auto& host : hosts_) {
    for (const Host::Interface& interface : host->interfaces()) {
      const bool hears = asks ? host->owns(packet.header_at<ArpHeader>(sizeof(EthernetHeader)).target_address)
                              : interface.mac == ethernet.destination;
      if (interface.link == link && hears) {
        return host.get();
      }
    }
  }
  return nullptr;
}

TcpSettings tcp_settings(const std::map<std::string, std::string>& sysctls) {
  TcpSettings settings;
  const auto number = [&sysctls](const char* key, uint32_t fallback) {
    const auto found = sysctls.find(key);
    uint32_t value = 0;
    return found != sysctls.end() && absl::SimpleAtoi(found->second, &value) ? value : fallback;
  };
  const auto seconds = [&number](const char* key, Duration fallback) -> Duration {
    return std::chrono::seconds(
        number(key, static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(fallback).count())));
  };
  settings.keepalive.time = seconds("net.ipv4.tcp_keepalive_time", settings.keepalive.time);
  settings.keepalive.interval = seconds("net.ipv4.tcp_keepalive_intvl", settings.keepalive.interval);
  settings.keepalive.probes = number("net.ipv4.tcp_keepalive_probes", settings.keepalive.probes);
  settings.syn_retries = number("net.ipv4.tcp_syn_retries", settings.syn_retries);
  settings.syn_linear_timeouts = number("net.ipv4.tcp_syn_linear_timeouts", settings.syn_linear_timeouts);
  settings.synack_retries = number("net.ipv4.tcp_synack_retries", settings.synack_retries);
  settings.retries = number("net.ipv4.tcp_retries2", settings.retries);
  // Zero is no setting, but the kernel's own eight.
  if (const uint32_t orphan_retries = number("net.ipv4.tcp_orphan_retries", 0); orphan_retries != 0) {
    settings.orphan_retries = orphan_retries;
  }
  settings.fin_timeout = seconds("net.ipv4.tcp_fin_timeout", settings.fin_timeout);
  return settings;
}

}  // namespace lapse::sim
