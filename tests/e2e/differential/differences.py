"""Where the gateway is not a Linux translator, and why. What no row of this table covers has to be the same."""

import re
from dataclasses import dataclass

NOTHING, ONE_OUT, ONE_IN = "nothing", "forwarded to outside", "forwarded to inside"
RST_OUT, RST_IN = "rst to outside", "rst to inside"
UNREACHABLE_OUT, UNREACHABLE_IN = "icmp 3/3 to outside", "icmp 3/3 to inside"
REPLY_OUT, REPLY_IN = "icmp 0 to outside", "icmp 0 to inside"


@dataclass(frozen=True)
class Difference:
    name: str
    row: str  # of the reference (aws-behaviour), or what else decides
    reason: str
    kinds: str  # of the steps, a regular expression
    linux: tuple  # what comes out of the one: regular expressions
    gateway: tuple  # and of the other
    field: str = None  # of what both sent, where that is all that differs
    after: str = ""  # only when a step of this kind came before in the flow
    parts_ways: bool = False  # the two know different things of the flow from here on: it is not followed any further

    def applies(self, contrast, field):
        linux, gateway = contrast.words()
        if not re.fullmatch(self.kinds, contrast.kind) or not any(
                re.fullmatch(one, linux) for one in self.linux) or gateway not in self.gateway:
            return False
        if self.after and not any(re.fullmatch(self.after, kind) for kind in contrast.before):
            return False
        return field == self.field


FORWARDED = (ONE_OUT, ONE_IN)
SIDE = "(inside|outside)"

TABLE = (
    # ---- what belongs to no flow
    Difference("late from inside", "L1",
               "Linux (tcp_loose) takes a connection up in the middle; the gateway answers RST",
               "tcp (data|ack) inside: no flow", (ONE_OUT,), (RST_IN,), parts_ways=True),
    Difference("late FIN or SYN+ACK from inside", "L1",
               "to Linux it is invalid; the gateway answers RST",
               "tcp (fin|syn\\+ack) inside: no flow", (NOTHING,), (RST_IN,)),
    Difference("late or unsolicited TCP from outside", "L2, L8",
               "Linux is a host as well and answers RST",
               "tcp (.* outside: no flow|ttl of one outside: new|stranger: [SA])", (RST_OUT,), (NOTHING,)),
    Difference("late or unsolicited datagram from outside", "L7, L8",
               "Linux is a host as well: port unreachable",
               "udp datagram outside: .*", (UNREACHABLE_OUT,), (NOTHING,)),
    Difference("ping to the outside address", "L8",
               "Linux is a host as well and answers",
               "icmp request outside", (REPLY_OUT,), (NOTHING,)),
    Difference("inside speaks to the gateway", "L8; 3.1, Hairpin",
               "Linux is a host as well and answers",
               "(udp|icmp) to the (inside|outside) address", (UNREACHABLE_IN, REPLY_IN), (NOTHING,)),

    # ---- what Linux takes for invalid
    Difference("out of window", "2.4, Invalid packets; RFC 5961 3 and 5",
               "Linux drops it; the gateway leaves it to the receiver, and learns nothing from it",
               f"tcp (data|rst) {SIDE}: (out of window|impossible ack)", (NOTHING,), FORWARDED),
    Difference("SYN of the responder", "RFC 5961 4",
               "Linux drops it; the gateway leaves the challenge to the receiver",
               "tcp syn outside: (open connection|over)", (NOTHING, RST_OUT), (ONE_IN,)),
    Difference("FIN without ACK", "RFC 9293 3.10.7.4",
               "Linux drops it; the gateway leaves that to the receiver",
               f"tcp flags {SIDE}: (F|FPU)", (NOTHING,), FORWARDED, parts_ways=True),
    Difference("RST with another acknowledgement", "RFC 9293 3.10.7.3",
               "its receiver does not believe it, nor does the gateway; Linux drops it, or believes it and drops what "
               "follows",
               "tcp (rst outside: refuses another syn|ack inside: third|syn\\+ack inside: crossing)", (NOTHING,),
               FORWARDED, after="tcp (syn|syn inside: again|rst outside: refuses another syn)", parts_ways=True),
    Difference("wrong transport checksum", "2.4, Invalid packets",
               "Linux drops it; the gateway keeps it as wrong as it is",
               f"(tcp data {SIDE}|udp datagram inside|icmp request inside): bad checksum", (NOTHING,), FORWARDED,
               parts_ways=True),

    # ---- the end of a connection
    Difference("another port for the next connection", "L4; 3.1, Mapping",
               "Linux keeps the port",
               "tcp syn inside: after the end", (ONE_OUT,), (ONE_OUT,), field="port"),
    Difference("behind the end", "2.4, RST seen, Both FINs",
               "all passes for a short time; Linux is stricter, or has forgotten it",
               f"tcp (ack|fin|rst|syn) {SIDE}: over", (NOTHING, RST_OUT), FORWARDED),
    Difference("what Linux no longer follows", "2.1; design, late packet",
               "it judges a second connection of the same ports, and what follows a simultaneous open or a SYN in the "
               "middle, by what it remembers of before; the gateway passes what belongs to a living flow",
               "tcp .*", (NOTHING, RST_OUT), FORWARDED, parts_ways=True,
               after="tcp syn (inside: after the end|inside: open connection|outside: crossing)"),

    # ---- what is changed on the way
    Difference("MSS clamping", "3.2, MSS clamping",
               "the gateway lowers it to what the way out carries",
               "tcp (syn|syn\\+ack) ?.*", FORWARDED, FORWARDED, field="mss"),
    Difference("new identification", "RFC 6864 5.3.1; RFC 7857 10",
               "what may be fragmented gets one of the gateway's; Linux keeps the host's",
               f"udp (datagram {SIDE}: may be fragmented|fragments {SIDE}: .*)", FORWARDED, FORWARDED, field="id"),

    # ---- what is not carried, or not as a router does
    Difference("other protocols", "3.1, Protocols",
               "Linux carries them",
               "noise protocol esp", (ONE_OUT,), (NOTHING,)),
    Difference("ICMP timestamps", "3.1, Protocols; RFC 5508 REQ-10",
               "Linux carries them",
               "icmp timestamp inside", (ONE_OUT,), (NOTHING,), parts_ways=True),
    Difference("fragments of ICMP", "3.2, TCP and ICMP fragments",
               "Linux carries them",
               "icmp fragments inside", (ONE_OUT,), (NOTHING,), parts_ways=True),
)


def named(contrast, table=TABLE):
    """The differences that explain all of a contrast, or none."""
    fields = contrast.fields()
    found = [next((difference for difference in table if difference.applies(contrast, field)), None)
             for field in ([None] if fields is None else sorted(fields))]
    return [] if None in found else found
