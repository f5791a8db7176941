#include "bench/frames.h"

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"

namespace lapse::bench {
namespace {

constexpr uint32_t kClientSequence = 1000;
constexpr uint32_t kServerSequence = 5000;

template <typename Header>
Header& at(uint8_t* frame, size_t offset) {
  return *reinterpret_cast<Header*>(frame + offset);
}

}  // namespace

FrameTemplate::FrameTemplate(MacAddress from, MacAddress to, uint8_t flags, bool from_client) {
  auto& ethernet = at<EthernetHeader>(bytes, 0);
  ethernet = {to, from, kEtherTypeIpv4};
  auto& ip = at<Ipv4Header>(bytes, kIpv4Offset);
  ip.version_and_size = 0x45;
  ip.total_length = be16(kFrameSize - kIpv4Offset);
  ip.ttl = 64;
  ip.protocol = static_cast<uint8_t>(Protocol::kTcp);
  auto& tcp = at<TcpHeader>(bytes, kTcpOffset);
  const uint32_t own = from_client ? kClientSequence : kServerSequence;
  const uint32_t peers = from_client ? kServerSequence : kClientSequence;
  tcp.sequence = be32((flags & kTcpSyn) != 0 ? own : own + 1);
  tcp.acknowledgement = be32((flags & kTcpAck) != 0 ? peers + 1 : 0);
  tcp.data_offset = kTcpOffsetWithoutOptions;
  tcp.flags = flags;
  tcp.window = be16(64240);
}

FrameFields FrameTemplate::fields(const FiveTuple& tuple, uint32_t flow) const {
  FrameFields fields{tuple.source, tuple.destination, tuple.source_port, tuple.destination_port, {}, {}, flow};
  uint8_t frame[sizeof(bytes)];
  write(frame, fields);
  fields.ipv4_checksum = ChecksumSum().add({frame + kIpv4Offset, kTcpOffset - kIpv4Offset}).complement();
  constexpr uint16_t kTcpSize = kFrameSize - kTcpOffset;
  fields.tcp_checksum = pseudo_header(tuple.source, tuple.destination, tuple.protocol, kTcpSize)
                            .add({frame + kTcpOffset, kTcpSize})
                            .complement();
  return fields;
}

}  // namespace lapse::bench
