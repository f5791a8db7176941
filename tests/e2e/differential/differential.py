"""Random conversations through a Linux translator and through the gateway; what comes out has to be the same.

Exits 77, with the reason, where something that it needs is missing.
"""

import argparse
import collections
import importlib.util
import os
import random
import shutil
import sys

sys.dont_write_bytecode = True  # nothing beside the sources
if importlib.util.find_spec("scapy") is None:
    print("skipped: no scapy for this Python (Debian: apt-get install python3-scapy)")
    sys.exit(77)
# pylint: disable=wrong-import-position
import differences
import ground
import observed
import traffic

SHOWN = 10  # differences, then the others are only counted


class Contrast:
    """One step through both translators."""

    def __init__(self, step, linux, gateway, before):
        self.step = step
        self.kind = step.kind
        self.linux = linux
        self.gateway = gateway
        self.before = before  # the kinds of the steps of this flow that came before

    def words(self):
        return tuple([", ".join(seen.words() for seen in side) or "nothing" for side in (self.linux, self.gateway)])

    def fields(self):
        """The names of the fields that differ, where the same kinds of packet came out in the same order."""
        if [seen.words() for seen in self.linux] != [seen.words() for seen in self.gateway]:
            return None
        return {name for left, right in zip(self.linux, self.gateway) for name in left.fields
                if left.fields[name] != right.fields[name]}

    def is_same(self):
        return self.fields() == set()


class Translator:
    def __init__(self, lab):
        self.lab = lab
        self.mappings = observed.Mappings()

    def take(self, step):
        packets = step.packets(self.mappings.port(step.flow))
        out = self.lab.outcome(step.side, [bytes(packet) for packet in packets])
        return observed.observe(step, packets, out, self.mappings)


class Run:
    def __init__(self, linux, gateway, seed, table=differences.TABLE):
        self.linux, self.gateway = Translator(linux), Translator(gateway)
        self.table = table
        self.seed = seed
        self.kinds = collections.Counter()
        self.named = collections.Counter()
        self.unnamed = []
        self.steps = 0

    def sequence(self, number):
        for translator in (self.linux, self.gateway):
            translator.lab.greet()
        parted = set()
        story = []
        before = collections.defaultdict(set)
        chance = random.Random(f"{self.seed} {number}")
        for step in traffic.sequence(chance, number, 10000 + 4 * number % 50000):
            if step.flow.number in parted:
                continue
            kinds = before[step.flow.number]
            contrast = Contrast(step, self.linux.take(step), self.gateway.take(step), frozenset(kinds))
            kinds.add(step.kind)
            self.steps += 1
            self.kinds[step.kind] += 1
            story.append(f"{step.flow.number} {step.kind}: {' | '.join(contrast.words())}")
            if contrast.is_same():
                continue
            names = differences.named(contrast, self.table)
            self.named.update(difference.name for difference in names)
            if not names:
                self.unnamed.append((number, list(story), contrast))
            if not names or any(difference.parts_ways for difference in names):
                parted.add(step.flow.number)

    def tell(self):
        print(f"{self.steps} steps of {len(self.kinds)} kinds; differences that have a name:")
        for difference in self.table:
            print(f"  {self.named[difference.name]:6}  {difference.name} ({difference.row}): {difference.reason}")
        for difference in self.table:
            if self.named[difference.name] == 0:
                print(f"did not occur: {difference.name}")
        for number, story, contrast in self.unnamed[:SHOWN]:
            print(f"\nDIFFERENT, and without a name: sequence {number} (--seed {self.seed} --only {number})")
            print("  flow and packet: what Linux made of it | what the gateway made of it")
            print("\n".join(f"  {line}" for line in story))
            print(f"  fields: {contrast.fields()}\n  Linux:   {contrast.linux}\n  gateway: {contrast.gateway}")
        if self.unnamed:
            print(f"\n{len(self.unnamed)} differences without a name")
        return 1 if self.unnamed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lapse")
    parser.add_argument("--sequences", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--only", type=int, help="this sequence alone")
    parser.add_argument("--without", metavar="NAME", help="as if this difference had no name")
    arguments = parser.parse_args()
    if shutil.which("nft", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
        print("skipped: no nft (Debian: apt-get install nftables)")
        return 77
    # On one processor packets cannot overtake each other between the kernel's queues.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{arguments.sequences} sequences, --seed {arguments.seed}", flush=True)
    with ground.Ground(arguments.lapse, "linux") as linux, ground.Ground(arguments.lapse, "gateway") as gateway:
        linux.run("nat", "nft", "-f", str(ground.HERE / "masquerade.nft"))
        table = [difference for difference in differences.TABLE if difference.name != arguments.without]
        run = Run(linux, gateway, arguments.seed, table)
        for number in range(arguments.sequences) if arguments.only is None else [arguments.only]:
            run.sequence(number)
        return run.tell()


if __name__ == "__main__":
    sys.exit(main())
