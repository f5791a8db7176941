"""Random conversations through a translator, as steps: packets of one side whose translated port is not known yet."""

from scapy.layers.inet import (ICMP, IP, UDP, IPOption_EOL, IPOption_LSRR, IPOption_NOP, IPOption_RR,
                               IPOption_Router_Alert, IPOption_SSRR, fragment)
from scapy.packet import Raw

from conversation import EIP, STRANGER, Conversation, Flow, Step
from ground import CLIENTS, GATEWAY, INSIDE, OUTSIDE, SERVERS
from tcp_traffic import Tcp

ROUTER = "203.0.113.1"


class Udp(Conversation):
    def __init__(self, random, flow):
        super().__init__(random, flow)
        self.spoken = False

    def offers(self):
        yield 5 if self.spoken else 12, lambda: self.say(INSIDE, "datagram inside")
        yield 4 if self.spoken else 1, lambda: self.say(OUTSIDE, "datagram outside" + self.of_no_flow())
        yield 0.7, lambda: self.say(INSIDE, "datagram inside: no checksum", chksum=0)
        yield 0.7, lambda: self.say(OUTSIDE, "datagram outside: no checksum" + self.of_no_flow(), chksum=0)
        yield 0.5, lambda: self.say(INSIDE, "datagram inside: empty", payload=b"")
        yield 0.5, lambda: self.say(INSIDE, "datagram inside: may be fragmented", flags=0)
        yield 0.5, lambda: self.say(OUTSIDE, "datagram outside: may be fragmented" + self.of_no_flow(), flags=0)
        yield 0.4, lambda: self.say(INSIDE, "datagram inside: bad checksum", chksum=0xdead, speaks=False)
        yield 0.4, lambda: self.say(INSIDE, "datagram inside: too long for its packet", len=2000, speaks=False)
        yield 0.4, lambda: self.say(INSIDE, "datagram inside: length of 4", len=4, speaks=False)
        yield 0.5, lambda: self.say(OUTSIDE, "datagram outside: other port", sport=4444)
        yield 0.5, lambda: self.say(OUTSIDE, "datagram outside: stranger", src=STRANGER)
        yield 0.4, lambda: self.say(INSIDE, "ttl of one inside", ttl=1, speaks=False)
        yield 0.4, lambda: self.say(INSIDE, "to the inside address", dst=GATEWAY[INSIDE], speaks=False)
        yield 0.4, lambda: self.say(INSIDE, "to the outside address", dst=EIP, speaks=False)
        yield 0.4, lambda: self.say(OUTSIDE, "datagram outside: to the client itself", dst=self.flow.client)
        yield 0.3, lambda: self.fragments(INSIDE)
        if self.spoken:
            yield 0.3, lambda: self.fragments(OUTSIDE)

    def of_no_flow(self):
        return "" if self.spoken else ": no flow"

    def say(self, side, kind, payload=None, speaks=True, **fields):
        flow = self.flow
        ports = (flow.port, flow.server_port) if side == INSIDE else (flow.server_port, 0)
        header = {"sport": ports[0], "dport": ports[1],
                  **{name: fields.pop(name) for name in ("chksum", "len", "sport") if name in fields}}
        layer = UDP(**header) / (self.data() if payload is None else Raw(payload))
        if side == INSIDE:
            self.spoken |= speaks
            packet = self.out(layer, **fields)
            return self.step(side, kind, lambda _: [packet])
        packet = self.back(layer, **fields)

        def packets(port):
            answer = packet.copy()
            answer[UDP].dport = port
            return [answer]
        return self.step(side, kind, packets)

    def fragments(self, side):
        order = self.random.choice(["in order", "backwards"])
        whole = self.say(side, f"fragments {side}: {order}", payload=self.random.randbytes(1500), flags=0)

        def packets(port):
            # The datagram's checksum has to be that of the whole.
            pieces = fragment(IP(bytes(whole.packets(port)[0])), fragsize=600)
            return pieces if order == "in order" else pieces[::-1]
        return Step(whole.side, whole.kind, whole.flow, packets)


class Echo(Conversation):
    def __init__(self, random, flow):
        super().__init__(random, flow)
        self.asked = False

    def offers(self):
        yield 5, lambda: self.ask("request inside")
        yield 3 if self.asked else 1, lambda: self.answer("reply outside" if self.asked else "reply outside: no flow")
        yield 0.5, lambda: self.ask("request inside: bad checksum", chksum=0xdead)
        yield 0.5, lambda: self.ask("reply inside: nobody asked", type="echo-reply")
        yield 0.5, lambda: self.ask("timestamp inside", type="timestamp-request")
        yield 0.5, lambda: self.answer("request outside", type="echo-request")
        yield 0.5, lambda: self.answer("reply outside: stranger", src=STRANGER)
        yield 0.4, lambda: self.ask("to the inside address", dst=GATEWAY[INSIDE])
        yield 0.4, lambda: self.ask("to the outside address", dst=EIP)
        yield 0.4, lambda: self.ask("ttl of one inside", ttl=1)
        yield 0.4, lambda: self.fragments()

    def echo(self, fields, kind):
        names = [name for name in ("type", "chksum") if name in fields]
        return ICMP(**{"type": kind, "seq": self.random.getrandbits(16), **{name: fields.pop(name) for name in names}})

    def ask(self, kind, **fields):
        self.asked |= kind == "request inside"
        packet = self.out(self.echo(fields, "echo-request") / self.data(), **fields)
        packet[ICMP].id = self.flow.port
        return self.step(INSIDE, kind, lambda _: [packet])

    def answer(self, kind, **fields):
        packet = self.back(self.echo(fields, "echo-reply") / self.data(), **fields)

        def packets(identifier):
            answer = packet.copy()
            answer[ICMP].id = identifier
            return [answer]
        return self.step(OUTSIDE, kind, packets)

    def fragments(self):
        packet = self.out(ICMP(type="echo-request", id=self.flow.port) / Raw(self.random.randbytes(1500)), flags=0)
        return self.step(INSIDE, "fragments inside", lambda _: fragment(packet, fragsize=600))


class Noise(Conversation):
    """IP packets that no translator is asked to understand. Its flow is that of a datagram."""

    def offers(self):
        yield 1, lambda: self.ip("checksum of ip", chksum=0xdead)
        yield 1, lambda: self.ip("version 5", version=5)
        yield 1, lambda: self.ip("header of 16 bytes", ihl=4)
        yield 1, lambda: self.ip("longer than its frame", len=1400)
        yield 1, lambda: self.ip("shorter than its header", len=12)
        yield 1, lambda: self.ip("from loopback", src="127.0.0.1")
        yield 1, lambda: self.ip("from a group", src="224.0.0.5")
        yield 1, lambda: self.ip("from everybody", src="255.255.255.255")
        yield 1, lambda: self.ip("from nobody", src="0.0.0.0")
        yield 1, lambda: self.ip("to loopback", dst="127.0.0.1")
        yield 1, lambda: self.ip("to a reserved group", dst="224.0.0.5")
        yield 1, lambda: self.ip("from the outside address", src=EIP)
        yield 1, lambda: self.ip("from the inside address", src=GATEWAY[INSIDE])
        yield 1, lambda: self.ip("options that do nothing", options=[IPOption_NOP(), IPOption_NOP(), IPOption_EOL()])
        yield 1, lambda: self.ip("router alert", options=IPOption_Router_Alert())
        yield 1, lambda: self.ip("record route", options=IPOption_RR(length=11, routers=["0.0.0.0"] * 2))
        yield 1, lambda: self.ip("loose source route", options=IPOption_LSRR(routers=[SERVERS[0]]))
        yield 1, lambda: self.ip("strict source route", options=IPOption_SSRR(routers=[SERVERS[0]]))
        yield 1, lambda: self.other(50, "esp")
        yield 1, lambda: self.other(132, "sctp")

    def ip(self, kind, **fields):
        layer = UDP(sport=self.flow.port, dport=self.flow.server_port) / self.data()
        packet = self.out(layer, **fields)
        return self.step(INSIDE, kind, lambda _: [packet])

    def other(self, protocol, name):
        packet = self.out(Raw(self.random.randbytes(40)), proto=protocol)
        return self.step(INSIDE, f"protocol {name}", lambda _: [packet])


class IcmpErrors(Conversation):
    """Errors about a datagram's flow and about one that nobody has."""

    def __init__(self, random, flow):
        super().__init__(random, flow)
        self.stage = "new"

    KINDS = [(3, 0), (3, 1), (3, 3), (3, 13), (11, 0), (12, 0), (5, 1), (4, 0)]

    def offers(self):
        if self.stage == "new":
            yield 1, self.open
            return
        yield 2, lambda: self.error_outside("error outside", self.flow.server_port)
        yield 1, lambda: self.error_outside("error outside: no such flow", 1)
        yield 1, lambda: self.error_inside("error inside", self.flow.server_port)
        yield 1, lambda: self.error_inside("error inside: no such flow", 1)
        yield 1, self.open

    def udp(self):
        return UDP(sport=self.flow.port, dport=self.flow.server_port) / Raw(b"quoted")

    def open(self):
        self.stage = "open"
        packet = self.out(self.udp())
        return self.step(INSIDE, "datagram", lambda _: [packet])

    def error_outside(self, kind, server_port):
        """About what the client sent, from the server or a router on the way."""
        number, code = self.random.choice(self.KINDS)
        source = self.random.choice([self.flow.server, ROUTER])
        flow = self.flow

        def packets(port):
            quoted = IP(src=EIP, dst=flow.server, ttl=1) / UDP(sport=port, dport=server_port) / Raw(b"quoted")
            return [IP(src=source, dst=EIP, ttl=57) / ICMP(type=number, code=code) / quoted]
        return self.step(OUTSIDE, f"{kind}: {number}/{code}", packets)

    def error_inside(self, kind, server_port):
        """About what the server sent, from the client."""
        number, code = self.random.choice(self.KINDS)
        quoted = (IP(src=self.flow.server, dst=self.flow.client, ttl=1) / UDP(sport=server_port, dport=self.flow.port) /
                  Raw(b"quoted"))
        packet = self.out(ICMP(type=number, code=code) / quoted)
        return self.step(INSIDE, f"{kind}: {number}/{code}", lambda _: [packet])


CONVERSATIONS = {"tcp": (Tcp, 6), "udp": (Udp, 3), "icmp": (Echo, 2), "noise": (Noise, 1), "error": (IcmpErrors, 1)}


def sequence(random, number, first_port):
    """The steps of one sequence: up to three conversations, mixed."""
    conversations = []
    for position in range(random.randint(1, 3)):
        protocol = random.choices(list(CONVERSATIONS), [weight for _, weight in CONVERSATIONS.values()])[0]
        port = first_port + position
        flow = Flow(3 * number + position, protocol, random.choice(CLIENTS), port, random.choice(SERVERS),
                    random.choice([53, 443, 8080, 33000]))
        conversations.append(CONVERSATIONS[protocol][0](random, flow))
    for _ in range(random.randint(4, 24)):
        yield random.choice(conversations).next()
