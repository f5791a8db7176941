#include "bench/flow_sets.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <unistd.h>

#include "dataplane/box/nat_gateway.h"
#include "dataplane/wire/tcp.h"

namespace lapse::bench {
namespace {

constexpr HashKey kHashKey{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};
// Far beyond the length of a run.
constexpr Duration kTimeout = std::chrono::hours(5 * 24);
// Frames in a stream: more lines than any cache holds, and at the largest size every fourth flow.
constexpr size_t kStreamLength = size_t{1} << 21;

constexpr Ipv4Address kNatAddress = be32(0xc6336407);
constexpr Ipv4Address kInsideAddress = be32(0xc0a80001);
constexpr Ipv4Address kInsideRouter = be32(0xc0a80002);
constexpr Ipv4Address kOutsideRouter = be32(0xc6336401);
constexpr MacAddress kInsideMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kOutsideMac{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress kInsideRouterMac{{2, 0, 0, 0, 1, 1}};
constexpr MacAddress kOutsideRouterMac{{2, 0, 0, 0, 1, 2}};
constexpr Ipv4Prefix kEverywhere{};

FrameTemplate from_client(uint8_t flags) {
  return {kInsideRouterMac, kInsideMac, flags, true};
}
FrameTemplate from_server(uint8_t flags) {
  return {kOutsideRouterMac, kOutsideMac, flags, false};
}

template <typename Tuple>
FrameStream every_flow(uint32_t flows, const FrameTemplate& frame, Tuple&& tuple) {
  FrameStream stream{frame, {}};
  stream.fields.reserve(flows);
  for (uint32_t n = 0; n < flows; ++n) {
    stream.fields.push_back(frame.fields(tuple(n), n));
  }
  return stream;
}

template <typename Tuple>
FrameStream random_flows(uint32_t flows, const FrameTemplate& frame, Tuple&& tuple) {
  FrameStream stream{frame, {}};
  stream.fields.reserve(kStreamLength);
  RandomFlow random(flows);
  while (stream.fields.size() < kStreamLength) {
    const uint32_t n = random.next();
    stream.fields.push_back(frame.fields(tuple(n), n));
  }
  return stream;
}

size_t mapped_bytes() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

FilledTable::FilledTable(uint32_t flows)
    : flows_(flows), numbers_(flows), table_({.capacity = capacity_for(flows), .hash_key = kHashKey}, quiescence_) {
  quiescence_.online(Quiescence::slot(kWorker));
  table_.timeouts().set(TimeoutClass::kTcpEstablished, kTimeout);
  for (uint32_t n = 0; n < flows; ++n) {
    add(n);
    if (n % kBurst == kBurst - 1) {
      end_burst();
    }
  }
  while (end_burst() != 0) {
  }
}

FilledTable::~FilledTable() {
  quiescence_.offline(Quiescence::slot(kWorker));
}

FlowRef FilledTable::add(uint32_t n) {
  FlowRef flow = table_.open(kWorker, now_, listener_);
  assert(flow);
  const FiveTuple original = numbers_.tuple(n);
  const FiveTuple reply = original.reversed();
  flow.record->protocol = original.protocol;
  flow.record->scope = original.scope;
  flow.record->set_original(original);
  flow.record->set_reply(reply);
  table_.put(flow, Direction::kReply, table_.hash(reply), now_, listener_);
  table_.put(flow, Direction::kOriginal, table_.hash(original), now_, listener_);
  table_.publish(flow, TcpState::kEstablished, TimeoutClass::kTcpEstablished, now_);
  return flow;
}

size_t FilledTable::end_burst() {
  const size_t worked = table_.advance(kWorker, now_, Worker::kReclaimPerBurst, listener_);
  quiescence_.quiescent(Quiescence::slot(kWorker));
  return worked;
}

FilledNat::FilledNat(uint32_t flows)
    : flows_(flows),
      numbers_(flows),
      inside_(packets_),
      outside_(packets_),
      network_(1),
      events_(1024),
      outbound_{from_client(kTcpAck), {}},
      replies_{from_server(kTcpAck), {}} {
  const size_t before = mapped_bytes();
  connect_box();
  bytes_a_flow_ = static_cast<double>(mapped_bytes() - before) / capacity_for(flows);
  quiescence_.online(Quiescence::slot(kWorker));
  worker_ = std::make_unique<Worker>(Worker::Options{.id = kWorker, .polling = Polling::kSpin, .trace = Trace::kOff},
                                     network_, packets_, events_, clock_, quiescence_);
  std::vector<Be16> given_ports(flows);
  establish_all(given_ports);
  outbound_ = random_flows(flows, from_client(kTcpAck), [this](uint32_t n) { return numbers_.tuple(n); });
  replies_ = random_flows(flows, from_server(kTcpAck), [&](uint32_t n) { return reply_tuple(n, given_ports[n]); });
}

FilledNat::~FilledNat() {
  quiescence_.offline(Quiescence::slot(kWorker));
}

void FilledNat::connect_box() {
  NatGateway::Config config{.outside_addresses = {kNatAddress}, .capacity = capacity_for(flows_), .hash_key = kHashKey};
  config.timeouts.fill(kTimeout);
  const LinkId inside = network_.add_link();
  const LinkId outside = network_.add_link();
  const BoxId box = network_.add_box(std::make_unique<NatGateway>(config, quiescence_));
  Interface in{.box = box, .side = NatGateway::kInside, .link = inside, .mac = kInsideMac};
  in.addresses = {kInsideAddress};
  in.routes.add({be32(0xc0a80000), 30}, std::nullopt);
  in.routes.add({be32(0x0a000000), 8}, kInsideRouter);
  network_.add_interface(in);
  Interface out{.box = box, .side = NatGateway::kOutside, .link = outside, .mac = kOutsideMac};
  out.addresses = {kNatAddress};
  out.own_addresses = OwnAddresses::kTranslated;
  out.routes.add({be32(0xc6336400), 24}, std::nullopt);
  out.routes.add(kEverywhere, kOutsideRouter);
  network_.add_interface(out);
  network_.neighbours().add_static(inside, kInsideRouter, kInsideRouterMac);
  network_.neighbours().add_static(outside, kOutsideRouter, kOutsideRouterMac);
  network_.set_port(inside, &inside_);
  network_.set_port(outside, &outside_);
}

FiveTuple FilledNat::reply_tuple(uint32_t n, Be16 given_port) const {
  FiveTuple reply = numbers_.tuple(n).reversed();
  reply.destination = kNatAddress;
  reply.destination_port = given_port;
  return reply;
}

// SYN, SYN and ACK, ACK: each of them for every flow, by the way that any packet takes.
void FilledNat::establish_all(std::vector<Be16>& given_ports) {
  const auto note_port = [](void* context, const Packet& packet) {
    uint32_t n = 0;
    std::memcpy(&n, packet.data + kFlowOffset, sizeof(n));
    (*static_cast<std::vector<Be16>*>(context))[n] = packet.header_at<TcpHeader>(kTcpOffset).source_port;
  };
  const auto original = [this](uint32_t n) { return numbers_.tuple(n); };
  const auto reply = [&](uint32_t n) { return reply_tuple(n, given_ports[n]); };
  outside_.tap(note_port, &given_ports);
  pass_all(inside_, outside_, every_flow(flows_, from_client(kTcpSyn), original));
  outside_.tap(nullptr, nullptr);
  pass_all(outside_, inside_, every_flow(flows_, from_server(kTcpSyn | kTcpAck), reply));
  pass_all(inside_, outside_, every_flow(flows_, from_client(kTcpAck), original));
}

// A bench that measures drops would look fast: every frame has to come out at the other side.
void FilledNat::pass_all(RingPort& from, RingPort& to, const FrameStream& stream) {
  const uint64_t before = to.transmitted();
  from.play(&stream);
  for (size_t burst = 0; burst < stream.fields.size() / kBurst; ++burst) {
    pass();
  }
  from.play(nullptr);
  if (to.transmitted() - before != stream.fields.size()) {
    std::fprintf(stderr, "lapse_bench: of %zu frames that open flows %zu came out of the NAT gateway\n",
                 stream.fields.size(), static_cast<size_t>(to.transmitted() - before));
    std::exit(1);
  }
}

}  // namespace lapse::bench
