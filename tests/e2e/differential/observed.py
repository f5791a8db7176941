"""What came out of a translator, in words that do not depend on the port that it chose."""

from dataclasses import dataclass

from scapy.layers.inet import ICMP, IP, TCP, UDP

from ground import INSIDE, OUTSIDE, checksum


@dataclass
class Seen:
    side: str
    what: str  # "forwarded", "rst", "icmp 3/3", ...
    fields: dict

    def words(self):
        return f"{self.what} to {self.side}"


def transport(packet):
    """The bytes behind the IP header."""
    return bytes(packet.payload)


def port_offset(protocol, side):
    """Where the translated port stands in the transport header of a packet that is on 'side', or None."""
    if protocol in (6, 17):
        return 0 if side == OUTSIDE else 2
    return 4 if protocol == 1 else None


def checksum_offset(protocol):
    return {1: 2, 6: 16, 17: 6}.get(protocol)


def has_right_checksum(packet):
    body = transport(packet)
    if packet.proto == 17 and body[6:8] == b"\0\0":
        return True
    addresses = bytes(packet)[12:20]
    pseudo = b"" if packet.proto == 1 else addresses + bytes([0, packet.proto]) + len(body).to_bytes(2, "big")
    padded = pseudo + body + b"\0" * (len(body) % 2)
    return checksum(padded) == 0


def mss_offset(body):
    """Where the value of the MSS option stands in a TCP segment, or None."""
    place, end = 20, (body[12] >> 4) * 4 if len(body) >= 20 else 0
    while place + 4 <= end:
        if body[place] == 2:
            return place + 2
        place += 1 if body[place] == 1 else max(body[place + 1], 2)
    return None


def masked(body, protocol, side):
    """The transport header and payload without what a translator may change: port, checksum, MSS."""
    body = bytearray(body)
    for offset in (port_offset(protocol, side), checksum_offset(protocol), mss_offset(body) if protocol == 6 else None):
        if offset is not None and len(body) >= offset + 2:
            body[offset:offset + 2] = b"\0\0"
    return bytes(body)


class Mappings:
    """The translated ports of one translator, learnt from what it sends out."""

    def __init__(self):
        self.ports = {}

    def port(self, flow):
        return self.ports.get(flow.number, flow.made_up_port())

    def learn(self, flow, port):
        """Whether this port is the flow's first, the same again, or another one."""
        before = self.ports.get(flow.number)
        self.ports[flow.number] = port
        return "first" if before is None else "same" if before == port else "another"


def observe(step, sent, out, mappings):
    """'out' as Seen, in order, the side that the packet came from last."""
    other = OUTSIDE if step.side == INSIDE else INSIDE
    originals = [original for original, _ in whole(sent)]
    seen = []
    for side in (other, step.side):
        for packet, pieces in whole([IP(data) for data in out[side]]):
            seen.append(describe(step, originals, packet, side, mappings))
            seen[-1].fields["pieces"] = pieces
    return seen


def whole(packets):
    """The packets with fragments put together, each with the places of its pieces. What lacks one stays a fragment."""
    datagrams = {}
    for number, packet in enumerate(packets):
        packet = IP(bytes(packet))
        key = (packet.src, packet.dst, packet.proto, packet.id) if packet.frag or "MF" in packet.flags else number
        datagrams.setdefault(key, []).append(packet)
    for pieces in datagrams.values():
        pieces.sort(key=lambda piece: piece.frag)
        first = pieces[0]
        if len(pieces) > 1 and "MF" not in pieces[-1].flags:
            body = b"".join(transport(piece) for piece in pieces)
            first = IP(bytes(first)[:first.ihl * 4] + body)
            first.flags, first.frag, first.len, first.chksum = 0, 0, None, None
            first = IP(bytes(first))
        yield first, [(piece.frag, len(piece)) for piece in pieces]


def describe(step, originals, packet, side, mappings):
    if side != step.side and any(is_copy(original, packet, side) for original in originals):
        return forwarded(step, packet, side, mappings)
    fields = {"src": packet.src, "dst": packet.dst}
    if TCP in packet:
        tcp = packet[TCP]
        fields.update(seq=tcp.seq, ack=tcp.ack, flags=str(tcp.flags), payload=bytes(tcp.payload))
        return Seen(side, "rst" if "R" in tcp.flags else "a segment", fields)
    if ICMP in packet and packet[ICMP].type in (3, 4, 5, 11, 12):
        fields.update(quotation(step.flow, bytes(packet[ICMP].payload), side, mappings))
        fields["checksum"] = "right" if has_right_checksum(packet) else "wrong"
        return Seen(side, f"icmp {packet[ICMP].type}/{packet[ICMP].code}", fields)
    if ICMP in packet:
        return Seen(side, f"icmp {packet[ICMP].type}", fields)
    return Seen(side, f"protocol {packet.proto}", {**fields, "bytes": bytes(packet)})


def quotation(flow, data, side, mappings):
    """What an ICMP error says of the packet that it is about; its translated port stands there as such."""
    quoted = IP(data)
    fields = {f"quoted {name}": getattr(quoted, name) for name in ("src", "dst", "proto", "id", "ttl")}
    fields["quoted ip checksum"] = "right" if checksum(data[:quoted.ihl * 4]) == 0 else "wrong"
    if quoted.proto in (6, 17):
        ports = [int.from_bytes(transport(quoted)[place:place + 2], "big") for place in (0, 2)]
        translated = mappings.port(flow) if side == OUTSIDE else None
        fields["quoted ports"] = ["translated" if port == translated else port for port in ports]
    return fields


def is_copy(sent, packet, side):
    return sent.proto == packet.proto and (
        masked(transport(sent), sent.proto, side) == masked(transport(packet), packet.proto, side))


def forwarded(step, packet, side, mappings):
    body = transport(packet)
    offset = port_offset(packet.proto, side)
    fields = {name: getattr(packet, name) for name in ("src", "dst", "tos", "id", "ttl", "frag", "proto")}
    fields["ip flags"] = str(packet.flags)
    fields["ip options"] = bytes(packet)[20:packet.ihl * 4]
    fields["checksum"] = "right" if has_right_checksum(packet) else "wrong"
    if offset is not None:
        port = int.from_bytes(body[offset:offset + 2], "big")
        fields["port"] = mappings.learn(step.flow, port) if side == OUTSIDE else port
    fields["transport"] = masked(body, packet.proto, side)
    place = mss_offset(body) if packet.proto == 6 else None
    fields["mss"] = place and int.from_bytes(body[place:place + 2], "big")
    return Seen(side, "forwarded", fields)
