"""Malformed headers through the gateway of a lab: what scapy's fuzz() makes up, and valid traffic with bytes changed.

Living flows work on, nothing that is not a packet comes out, every packet that went in is accounted for, and the
instance lives. Exits 77, with the reason, where something that it needs is missing.
"""

import argparse
import collections
import importlib.util
import random
import sys

sys.dont_write_bytecode = True  # nothing beside the sources
if importlib.util.find_spec("scapy") is None:
    print("skipped: no scapy for this Python (Debian: apt-get install python3-scapy)")
    sys.exit(77)
# pylint: disable=wrong-import-position
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw, fuzz

import ground
import observed
import traffic
from ground import CLIENTS, GATEWAY, INSIDE, OUTSIDE, SERVERS

BURST = 25
EIP = GATEWAY[OUTSIDE]
# Reasons that have to be met, or the packets were not what they are said to be.
WANTED = ("FRAME-SHORT", "IPV4-HEADER", "IPV4-CHECKSUM", "IPV4-ADDRESS", "TCP-HEADER", "TCP-FLAGS", "UDP-HEADER",
          "PROTOCOL", "UNSOLICITED", "LATE-DROP", "STRAY-RST")


def made_up(chance, side):
    """scapy's own idea of a malformed packet: random fields all over, or only above a valid IP header."""
    layer = fuzz(chance.choice([TCP, UDP, ICMP])())
    if chance.random() < 0.3:
        return fuzz(IP()) / layer
    source, destination = (CLIENTS[0], SERVERS[0]) if side == INSIDE else (SERVERS[0], EIP)
    return IP(src=source, dst=destination) / layer / Raw(chance.randbytes(chance.randrange(40)))


def mutated(chance, packet):
    """A valid packet with some of its bytes changed, cut, repeated or added; often with a right IP checksum again."""
    data = bytearray(packet)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(min(len(data), 60)) if data else 0
        change = chance.randrange(5)
        if change == 0 and data:
            data[place] ^= 1 << chance.randrange(8)
        elif change == 1 and data:
            data[place] = chance.choice([0, 1, 0x0f, 0x40, 0x45, 0x7f, 0x80, 0xff])
        elif change == 2:
            del data[chance.randrange(len(data) + 1):]
        elif change == 3:
            data[place:place] = data[place:place + chance.randint(1, 8)]
        else:
            data += chance.randbytes(chance.randint(1, 30))
    size = 4 * (data[0] & 15) if data else 0
    if chance.random() < 0.7 and 20 <= size <= len(data):
        data[10:12] = b"\0\0"
        data[10:12] = ground.checksum(bytes(data[:size])).to_bytes(2, "big")
    return bytes(data[:1400])


class Steady:
    """Conversations that have to work whatever else comes: TCP, UDP and ping of addresses and ports of their own."""

    CLIENT, SERVER = CLIENTS[1], SERVERS[1]

    def __init__(self, lab):
        self.lab = lab
        self.ports = {}
        self.sequence = 0
        self.both_ways("syn", TCP(sport=700, dport=701, flags="S", seq=1000), TCP(flags="SA", seq=5000, ack=1001))
        self.check()

    def check(self):
        self.sequence += 1
        text = Raw(b"steady %d" % self.sequence)
        self.both_ways("tcp", TCP(sport=700, dport=701, flags="PA", seq=1001, ack=5001) / text,
                       TCP(flags="PA", seq=5001, ack=1001) / text)
        self.both_ways("udp", UDP(sport=702, dport=703) / text, UDP() / text)
        self.both_ways("icmp", ICMP(type=8, id=704, seq=1) / text, ICMP(type=0, seq=1) / text)

    def both_ways(self, name, question, answer):
        """The question goes out by the port that it always had, and the answer comes back."""
        sent = IP(bytes(IP(src=self.CLIENT, dst=self.SERVER) / question))
        seen = self.only(INSIDE, OUTSIDE, sent, name)
        port = seen.id if ICMP in seen else seen.sport
        if self.ports.setdefault("tcp" if name == "syn" else name, port) != port:
            raise AssertionError(f"the steady {name} flow has got another port")
        answer = IP(bytes(IP(src=self.SERVER, dst=EIP) / answer))
        if ICMP in answer:
            answer[ICMP].id = port
        else:
            answer[1].sport, answer[1].dport = sent.dport, port
        answer[1].chksum = None
        self.only(OUTSIDE, INSIDE, IP(bytes(answer)), name)

    def only(self, side, other, packet, name):
        out = self.lab.outcome(side, [bytes(packet)])
        if len(out[other]) != 1 or out[side]:
            raise AssertionError(f"the steady {name} flow did not get through to {other}: {out}")
        seen = IP(out[other][0])
        if not observed.is_copy(packet, seen, other) or not observed.has_right_checksum(seen):
            raise AssertionError(f"the steady {name} flow was changed on its way to {other}: {seen!r}")
        return seen[1]


def well_formed(data):
    """Whether the gateway may send this: a whole IPv4 packet with a right header checksum."""
    size = 4 * (data[0] & 15) if data else 0
    return (len(data) >= 20 and data[0] >> 4 == 4 and 20 <= size <= int.from_bytes(data[2:4], "big") <= len(data) and
            ground.checksum(data[:size]) == 0)


def check_books(status, sent):
    for what in (status, *status["boxes"]):
        books = what["conservation"]
        if not books["holds"] or books["received"] + books["originated"] != (
                books["sent"] + books["dropped"] + books["held"]):
            raise AssertionError(f"{what['name']}: {books}")
    reasons = collections.Counter()
    for what in (*status["boxes"], *status["workers"]):
        reasons.update(what["dropped"])
    if status["conservation"]["received"] < sent:
        raise AssertionError(f"{sent} packets were sent, {status['conservation']} says otherwise")
    return reasons


def packets(chance, number):
    """A burst for each side: half made up, half mutations of a conversation."""
    bursts = {INSIDE: [], OUTSIDE: []}
    for step in traffic.sequence(chance, number, 10000 + number * 4 % 50000):
        for packet in step.packets(chance.randint(1024, 65535)):
            bursts[step.side].append(mutated(chance, bytes(packet)))
    for side, burst in bursts.items():
        while len(burst) < BURST:
            burst.append(bytes(made_up(chance, side))[:1400])
    return bursts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lapse")
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    print(f"{arguments.rounds} rounds, --seed {arguments.seed}", flush=True)
    random.seed(arguments.seed)  # what fuzz() draws from
    chance = random.Random(arguments.seed)
    sent = came_out = 0
    with ground.Ground(arguments.lapse, "gateway") as lab:
        lab.greet()
        steady = Steady(lab)
        for number in range(arguments.rounds):
            lab.greet()
            for side, burst in packets(chance, number).items():
                out = lab.outcome(side, burst)
                sent += len(burst)
                came_out += len(out[INSIDE]) + len(out[OUTSIDE])
                for data in out[INSIDE] + out[OUTSIDE]:
                    if not well_formed(data):
                        raise AssertionError(f"round {number}: not a packet: {data.hex()}")
            steady.check()
        status = lab.status()
        reasons = check_books(status, sent)
        if lab.process.poll() is not None:
            raise AssertionError("the instance has ended")
    print(f"{sent} malformed packets, {came_out} came out; {status['boxes'][0]['flows']} flows; dropped:")
    print("\n".join(f"  {count:6}  {reason}" for reason, count in sorted(reasons.items())))
    lacking = [reason for reason in WANTED if not reasons[reason]]
    if lacking and arguments.rounds >= 100:
        raise AssertionError(f"never met: {', '.join(lacking)}")


if __name__ == "__main__":
    main()
