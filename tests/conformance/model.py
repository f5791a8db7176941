"""What a table of requirements is made of.

A row says a requirement in our own words and how the NAT gateway stands to it:

  holds(TEST...)              it does this, and these tests fail when it does not
  departs(REASON, TEST...)    it does otherwise because the emulated device does; REASON names the row of the reference
  elsewhere(REASON, TEST...)  not a matter of this box, or there is nothing of the kind here
  lacks(REASON)               it does not do this yet

A TEST is "Suite.Name" of GoogleTest, or "Class.test_name" of a Python program under tests/.
"""

from dataclasses import dataclass, field

HOLDS, DEPARTS, ELSEWHERE, LACKS = "yes", "no, on purpose", "not here", "not yet"


@dataclass(frozen=True)
class Standing:
    word: str
    reason: str = ""
    tests: tuple = ()


@dataclass(frozen=True)
class Row:
    name: str
    requirement: str
    standing: Standing


@dataclass(frozen=True)
class Part:
    title: str
    note: str = ""
    rows: tuple = field(default=())


def holds(*tests):
    return Standing(HOLDS, tests=tests)


def departs(reason, *tests):
    return Standing(DEPARTS, reason, tests)


def elsewhere(reason, *tests):
    return Standing(ELSEWHERE, reason, tests)


def lacks(reason):
    return Standing(LACKS, reason)


def part(title, note, *rows):
    return Part(title, note, tuple(Row(*row) for row in rows))
