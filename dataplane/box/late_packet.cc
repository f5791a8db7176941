#include "dataplane/box/late_packet.h"

#include <cassert>

#include "dataplane/trace.h"
#include "dataplane/wire/emit.h"
#include "dataplane/wire/tcp.h"

namespace lapse {
namespace {

void end_late(Packet* packet, Side side, DropReason reason, Told told, const Now& now, Output& out) {
  Event event = packet_event(EventKind::kLatePacket, *packet, now);
  event.side = side;
  event.reason = reason;
  event.told = told;
  out.emit(event);
  out.drop(packet, reason);
}

}  // namespace

void handle_late(Packet* packet, Side side, LatePacket behaviour, const Now& now, Output& out) {
  assert(packet->kind != PacketKind::kTcp || (packet->tcp_flags & kTcpRst) == 0);
  if (behaviour == LatePacket::kDrop || packet->kind != PacketKind::kTcp) {
    end_late(packet, side, DropReason::kLate, Told::kNobody, now, out);
    return;
  }
  Packet* rst = out.allocate();
  if (rst == nullptr) {
    end_late(packet, side, DropReason::kPoolEmpty, Told::kNobody, now, out);
    return;
  }
  write_rst(*packet, *rst);
  end_late(packet, side, DropReason::kAnswered, Told::kSender, now, out);
  Event event = packet_event(EventKind::kRstSent, *rst, now);
  event.side = side;
  event.told = Told::kSender;
  out.emit(event);
  out.send_originated(rst, side);
}

}  // namespace lapse
