"""Two hosts with a translator between them, as `lapse lab` makes them, and the test in the place of their kernels."""

import array
import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60.0  # seconds: for what always comes, only later on a busy machine
ETHERTYPE_IPV4 = 0x0800
INSIDE, OUTSIDE = "inside", "outside"
GATEWAY = {INSIDE: "10.77.1.1", OUTSIDE: "198.18.7.10"}
CLIENTS = ("10.77.1.10", "10.77.1.11")
SERVERS = ("198.18.7.80", "198.18.7.81")
MARKER_PORT = 9
PR_SET_PDEATHSIG = 1


class Wire:
    """A host's interface: whole frames in and out, past its kernel."""

    def __init__(self, packets, host, gateway):
        self.packets = packets
        self.mac = packets.getsockname()[4]
        self.header = self.ask_for(gateway, host) + self.mac + struct.pack("!H", ETHERTYPE_IPV4)

    def ask_for(self, address, host):
        """The MAC address that answers for an IP address."""
        asked = struct.pack("!6s6sHHHBBH6s4s6s4s", b"\xff" * 6, self.mac, 0x0806, 1, ETHERTYPE_IPV4, 6, 4, 1,
                            self.mac, socket.inet_aton(host), bytes(6), socket.inet_aton(address))
        for _ in range(10):
            self.packets.send(asked)
            for frame in self.frames(PATIENCE / 10):
                if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02" and frame[28:32] == asked[38:42]:
                    return frame[22:28]
        raise TimeoutError(f"nobody answers for {address}")

    def send(self, packet):
        self.packets.send(self.header + packet)

    def frames(self, patience=PATIENCE):
        """What comes in, frame by frame; ends when nothing came for so long."""
        while select.select([self.packets], [], [], patience)[0]:
            frame, origin = self.packets.recvfrom(65536)
            if origin[2] != socket.PACKET_OUTGOING:
                yield frame

    def until(self, marker, patience=PATIENCE):
        """The IPv4 packets in front of the one that ends with 'marker', and that one."""
        before = []
        for frame in self.frames(patience):
            if frame[12:14] != b"\x08\x00":
                continue
            packet = frame[14:14 + struct.unpack_from("!H", frame, 16)[0]] if len(frame) >= 34 else frame[14:]
            if packet.endswith(marker):
                return before, packet
            before.append(packet)
        raise TimeoutError("the marker did not come through")


def end_with_the_test():
    """Makes this process end when the test does, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Ground:
    """A running lab. What the translator makes of packets is told by what comes out before a marker."""

    def __init__(self, lapse, topology):
        self.lapse = lapse
        self.topology = topology
        self.name = f"{topology}{os.getpid()}"
        self.process = None
        self.wires = {}
        self.markers = 0
        self.marker_port = None

    def __enter__(self):
        self.process = subprocess.Popen([self.lapse, "lab", str(HERE / f"{self.topology}.yaml"), "--name", self.name],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=end_with_the_test)
        try:
            # The first line on standard output says that it is up.
            if not self.process.stdout.readline():
                raise RuntimeError(f"lab {self.name} did not start")
            for host in (INSIDE, OUTSIDE):
                self.run(host, "nft", "-f", str(HERE / "mute.nft"))
            self.wires = {INSIDE: self.wire(INSIDE, CLIENTS[0]), OUTSIDE: self.wire(OUTSIDE, SERVERS[0])}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def inside(self, host, *command):
        return [self.lapse, "exec", "--root", "-t", self.name, host, "--", *command]

    def run(self, host, *command):
        subprocess.run(self.inside(host, *command), check=True, stdin=subprocess.DEVNULL)

    def status(self):
        done = subprocess.run([self.lapse, "ctl", "-t", self.name, "status", "--json"], check=True, text=True,
                              stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def wire(self, host, address):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            subprocess.run(self.inside(host, sys.executable, str(HERE / "open_interface.py")), check=True, stdin=theirs)
            _, ancillary, _, _ = ours.recvmsg(16, socket.CMSG_SPACE(4))
            descriptor = array.array("i", ancillary[0][2])[0]
        return Wire(socket.socket(fileno=descriptor), address, GATEWAY[host])

    def greet(self):
        """Brings a datagram both ways between all addresses, so that everybody knows everybody's MAC address."""
        for client in CLIENTS:
            for server in SERVERS:
                self.exchange(client, server, f"greeting {client} {server}".encode())
        self.exchange(CLIENTS[0], SERVERS[0], b"marker")

    def exchange(self, client, server, payload):
        for _ in range(10):
            self.wires[INSIDE].send(datagram((client, MARKER_PORT), (server, MARKER_PORT), payload))
            try:
                _, seen = self.wires[OUTSIDE].until(payload, PATIENCE / 10)
                self.marker_port = struct.unpack_from("!H", seen, 20)[0]
                answer = datagram((server, MARKER_PORT), (GATEWAY[OUTSIDE], self.marker_port), payload)
                self.wires[OUTSIDE].send(answer)
                self.wires[INSIDE].until(payload, PATIENCE / 10)
                return
            except TimeoutError:
                continue
        raise TimeoutError(f"{client} and {server} do not reach each other")

    def outcome(self, side, packets):
        """What comes out for each side when these packets go in on 'side', in order. Markers go both ways behind."""
        for packet in packets:
            self.wires[side].send(packet)
        out = self.marked(side)
        if len(packets) > 1:
            # What waited for the first fragment of its datagram goes on in a later pass, and a marker may overtake it.
            for where, late in self.marked(side).items():
                out[where] += late
        return out

    def marked(self, side):
        """What comes out for each side before a marker from 'side', and one that follows it back."""
        self.markers += 1
        marker = b"marker %08d" % self.markers
        there = datagram((CLIENTS[0], MARKER_PORT), (SERVERS[0], MARKER_PORT), marker)
        back = datagram((SERVERS[0], MARKER_PORT), (GATEWAY[OUTSIDE], self.marker_port), marker)
        other = OUTSIDE if side == INSIDE else INSIDE
        self.wires[side].send(there if side == INSIDE else back)
        out = {other: self.wires[other].until(marker)[0]}
        self.wires[other].send(back if side == INSIDE else there)
        out[side] = self.wires[side].until(marker)[0]
        return out


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(source, destination, payload):
    """UDP without a checksum; scapy is slower, and these are most of all packets."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0, socket.inet_aton(source[0]),
                     socket.inet_aton(destination[0]))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return ip + struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
