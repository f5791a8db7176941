#include "dataplane/trace.h"

#include "dataplane/wire/tcp.h"

namespace lapse {

Event packet_event(EventKind kind, const Packet& packet, const Now& now) {
  Event event;
  event.kind = kind;
  event.time = now.now;
  event.real = now.real;
  event.tuple = packet.tuple;
  event.frame_length = packet.length;
  event.payload_length = packet.payload_length();
  if (packet.kind == PacketKind::kTcp) {
    const auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
    event.tcp_flags = packet.tcp_flags;
    event.sequence = tcp.sequence.host();
    event.acknowledgement = tcp.acknowledgement.host();
  }
  return event;
}

}  // namespace lapse
