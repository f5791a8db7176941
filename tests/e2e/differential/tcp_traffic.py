"""A TCP connection with everything that may befall it."""

from scapy.layers.inet import TCP

from conversation import STRANGER, Conversation
from ground import INSIDE, OUTSIDE

WINDOW = 20000  # of both ends, unscaled


class Tcp(Conversation):
    """Follows what it has said itself. What a translator makes of it does not change what comes next."""

    def __init__(self, random, flow):
        super().__init__(random, flow)
        self.stage = "new"
        self.begin()

    def begin(self):
        self.next_number = {INSIDE: self.random.getrandbits(32), OUTSIDE: self.random.getrandbits(32)}
        self.finished = set()
        # What they offer is not used: windows stay as they are written.
        self.options = self.random.choice([[], [("MSS", 1400)], [("NOP", None), ("MSS", 8960), ("SAckOK", b"")]])

    def offers(self):
        yield from {"new": self.offers_new, "syn": self.offers_syn, "answered": self.offers_answered,
                    "crossed": self.offers_crossed, "open": self.offers_open, "over": self.offers_over}[self.stage]()
        yield 0.3, lambda: self.stranger()
        if self.stage in ("new", "open"):
            yield 0.3, lambda: self.ttl_of_one()

    def offers_new(self):
        yield 8, lambda: self.syn("syn")
        yield 1, lambda: self.say(INSIDE, "data inside: no flow", "PA", payload=self.data())
        yield 0.5, lambda: self.say(INSIDE, "ack inside: no flow", "A")
        yield 0.5, lambda: self.say(INSIDE, "fin inside: no flow", "FA")
        yield 0.5, lambda: self.say(INSIDE, "syn+ack inside: no flow", "SA")
        yield 0.5, lambda: self.say(INSIDE, "rst inside: no flow", "R")
        yield 0.5, lambda: self.say(OUTSIDE, "syn outside: no flow", "S")
        yield 0.5, lambda: self.say(OUTSIDE, "data outside: no flow", "PA", payload=self.data())
        yield 0.3, lambda: self.say(OUTSIDE, "rst outside: no flow", "R")

    def offers_syn(self):
        yield 8, lambda: self.syn_ack("syn+ack outside")
        yield 1, lambda: self.syn("syn inside: again")
        yield 1, lambda: self.say(OUTSIDE, "rst outside: refused", "RA", seq=0, then="over")
        yield 0.7, lambda: self.say(OUTSIDE, "rst outside: refuses another syn", "RA", seq=0, ack=self.guess(INSIDE))
        yield 0.7, lambda: self.simultaneous_syn()
        yield 0.5, lambda: self.say(OUTSIDE, "ack outside: before the answer", "A")

    def offers_answered(self):
        yield 8, lambda: self.say(INSIDE, "ack inside: third", "A", then="open")
        yield 1, lambda: self.syn("syn inside: again")
        yield 1, lambda: self.syn_ack("syn+ack outside: again")
        yield 0.5, lambda: self.say(INSIDE, "rst inside: exact", "R", then="over")

    def offers_crossed(self):
        yield 1, lambda: self.carried(INSIDE, "syn+ack inside: crossing", self.crossed_answer())

    def offers_open(self):
        for side in (INSIDE, OUTSIDE):
            yield 5, lambda side=side: self.say(side, f"data {side}", "PA", payload=self.data())
            yield 2, lambda side=side: self.say(side, f"ack {side}", "A")
            yield 1, lambda side=side: self.say(side, f"keepalive {side}", "A", seq=self.next_number[side] - 1)
            yield 1, lambda side=side: self.fin(side)
            yield 0.5, lambda side=side: self.say(side, f"rst {side}: exact", "R", then="over")
            yield 0.5, lambda side=side: self.say(side, f"rst {side}: in window", "R", then="over",
                                                  seq=self.next_number[side] + self.random.randint(1, WINDOW // 2))
            yield 0.7, lambda side=side: self.say(side, f"rst {side}: out of window", "R", seq=self.guess(side))
            yield 0.7, lambda side=side: self.say(side, f"data {side}: out of window", "PA", seq=self.guess(side),
                                                  payload=self.data())
            yield 0.5, lambda side=side: self.say(side, f"data {side}: impossible ack", "PA", payload=self.data(),
                                                  ack=self.guess(self.other(side)))
            yield 0.5, lambda side=side: self.say(side, f"syn {side}: open connection", "S", seq=self.guess(side))
            yield 0.4, lambda side=side: self.say(side, f"flags {side}: {self.pick_flags()}", self.flags)
            yield 0.4, lambda side=side: self.say(side, f"data {side}: bad checksum", "PA", chksum=0xdead,
                                                  payload=self.data())
            yield 0.3, lambda side=side: self.say(side, f"header {side}: data offset too large", "PA", dataofs=15)
            yield 0.3, lambda side=side: self.say(side, f"header {side}: data offset too small", "PA", dataofs=4)

    def offers_over(self):
        yield 2, lambda: self.reopen()
        for side in (INSIDE, OUTSIDE):
            yield 1, lambda side=side: self.say(side, f"ack {side}: over", "A")
            yield 1, lambda side=side: self.say(side, f"fin {side}: over", "FA", seq=self.next_number[side] - 1)
            yield 0.5, lambda side=side: self.say(side, f"rst {side}: over", "R")
        yield 0.5, lambda: self.say(OUTSIDE, "syn outside: over", "S", seq=self.guess(OUTSIDE))

    # ---- the steps

    @staticmethod
    def other(side):
        return OUTSIDE if side == INSIDE else INSIDE

    def guess(self, side):
        """A number far from what is expected of a side."""
        far = self.random.choice([1 << 20, 1 << 28, 1 << 30, -(1 << 21), -(1 << 29)])
        return (self.next_number[side] + far) & 0xffffffff

    def pick_flags(self):
        self.flags = self.random.choice(["", "SF", "SR", "FSRPAU", "F", "FPU"])
        return self.flags or "none"

    def say(self, side, kind, flags, then=None, payload=None, **fields):
        """A segment of 'side'. Only what keeps to the conversation moves its numbers on."""
        seq = fields.pop("seq", self.next_number[side])
        ack = fields.pop("ack", self.next_number[self.other(side)]) if "A" in flags else 0
        segment = TCP(flags=flags, seq=seq & 0xffffffff, ack=ack, window=WINDOW, **fields)
        if payload is not None:
            segment /= payload
        if payload is not None and kind in (f"data {INSIDE}", f"data {OUTSIDE}"):
            self.next_number[side] = (self.next_number[side] + len(payload)) & 0xffffffff
        if then is not None:
            self.stage = then
        return self.carried(side, kind, segment)

    def carried(self, side, kind, segment, **ip):
        flow = self.flow
        packet = self.out(segment, **ip) if side == INSIDE else self.back(segment, **ip)
        packet[TCP].sport, packet[TCP].dport = flow.port, flow.server_port
        if side == INSIDE:
            return self.step(side, kind, lambda _: [packet])

        def packets(port):
            answer = packet.copy()
            answer[TCP].sport, answer[TCP].dport = flow.server_port, port
            return [answer]
        return self.step(side, kind, packets)

    def syn(self, kind):
        if kind == "syn":
            self.isn = self.next_number[INSIDE]
            self.next_number[INSIDE] = (self.isn + 1) & 0xffffffff
            self.stage = "syn"
        return self.carried(INSIDE, kind, TCP(flags="S", seq=self.isn, window=WINDOW, options=self.options))

    def syn_ack(self, kind):
        if kind == "syn+ack outside":
            self.server_isn = self.next_number[OUTSIDE]
            self.next_number[OUTSIDE] = (self.server_isn + 1) & 0xffffffff
            self.stage = "answered"
        return self.carried(OUTSIDE, kind, TCP(flags="SA", seq=self.server_isn, ack=self.next_number[INSIDE],
                                               window=WINDOW, options=self.options))

    def simultaneous_syn(self):
        """Both have sent a SYN; the client's SYN+ACK is next, and the server's may follow."""
        self.server_isn = self.next_number[OUTSIDE]
        self.next_number[OUTSIDE] = (self.server_isn + 1) & 0xffffffff
        self.stage = "crossed"
        return self.carried(OUTSIDE, "syn outside: crossing", TCP(flags="S", seq=self.server_isn, window=WINDOW,
                                                                 options=self.options))

    def crossed_answer(self):
        self.stage = "open"
        return TCP(flags="SA", seq=self.isn, ack=self.next_number[OUTSIDE], window=WINDOW, options=self.options)

    def fin(self, side):
        if side in self.finished:
            return self.say(side, f"fin {side}: again", "FA", seq=self.next_number[side] - 1)
        self.finished.add(side)
        step = self.say(side, f"fin {side}", "FA")
        self.next_number[side] = (self.next_number[side] + 1) & 0xffffffff
        if len(self.finished) == 2:
            self.stage = "over"
        return step

    def reopen(self):
        last = self.next_number[INSIDE]
        self.begin()
        self.next_number[INSIDE] = (last + 100000) & 0xffffffff
        step = self.syn("syn")
        step.kind = "tcp syn inside: after the end"
        return step

    def stranger(self):
        """Somebody else speaks to the mapping."""
        address, port = self.random.choice([(STRANGER, self.flow.server_port), (self.flow.server, 4444)])
        flags = self.random.choice(["S", "A", "R"])
        packet = self.back(TCP(sport=port, flags=flags, seq=self.random.getrandbits(32)), src=address)

        def packets(translated):
            segment = packet.copy()
            segment[TCP].dport = translated
            return [segment]
        return self.step(OUTSIDE, f"stranger: {flags}", packets)

    def ttl_of_one(self):
        side = self.random.choice([INSIDE, OUTSIDE])
        segment = TCP(flags="A", seq=self.next_number[side], ack=self.next_number[self.other(side)], window=WINDOW)
        return self.carried(side, f"ttl of one {side}: {self.stage}", segment, ttl=1)
