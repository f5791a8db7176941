"""What every conversation has: its flow, and packets of either end of it as steps."""

from dataclasses import dataclass
from typing import Callable

from scapy.layers.inet import IP
from scapy.packet import Raw

from ground import GATEWAY, OUTSIDE

EIP = GATEWAY[OUTSIDE]
STRANGER = "203.0.113.66"


@dataclass
class Step:
    """Packets of one side. A kind says what they are, in words of the table of differences: "tcp rst inside: exact"."""
    side: str
    kind: str
    flow: "Flow"
    packets: Callable  # of the translated port or identifier: the IP packets


@dataclass
class Flow:
    """One conversation, by what its client sends. 'port' is an identifier for ICMP."""
    number: int
    protocol: str
    client: str
    port: int
    server: str
    server_port: int

    def made_up_port(self):
        """One that neither translator has given to anybody: both give none below 1024 to ports above."""
        return 1 + self.number % 1000


class Conversation:
    """What both ends of a flow may say next. Subclasses offer (weight, step) pairs."""

    def __init__(self, random, flow):
        self.random = random
        self.flow = flow

    def next(self):
        offers = list(self.offers())
        return self.random.choices([offer for _, offer in offers], [weight for weight, _ in offers])[0]()

    def step(self, side, kind, packets):
        return Step(side, f"{self.flow.protocol} {kind}", self.flow, packets)

    def data(self, most=400):
        return Raw(self.random.randbytes(self.random.randint(1, most)))

    def out(self, layer, **ip):
        """From the client, as an IP packet."""
        return self.packet(layer, {"src": self.flow.client, "dst": self.flow.server, "ttl": 61, **ip})

    def back(self, layer, **ip):
        """To the client, by way of the translator's outside address."""
        return self.packet(layer, {"src": self.flow.server, "dst": EIP, "ttl": 57, **ip})

    def packet(self, layer, fields):
        """One that may not be fragmented, as most are that hosts send."""
        return IP(**{"id": self.random.getrandbits(16), "flags": "DF", **fields}) / layer
