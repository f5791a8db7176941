"""Checks the tables of reference.py and requirements.py, and with --write makes tests/CONFORMANCE.md of them."""

import pathlib
import re
import sys

sys.dont_write_bytecode = True  # nothing beside the sources
# pylint: disable=wrong-import-position
import model
import reference
import requirements

TESTS = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = TESTS / "CONFORMANCE.md"
PARTS = reference.PARTS + requirements.PARTS
OUT_OF_DATE = "tests/CONFORMANCE.md is out of date: python3 tests/conformance/conformance.py --write"

INTRODUCTION = """# What the NAT gateway does of what is asked of it

Made of `tests/conformance/` by `python3 tests/conformance/conformance.py --write`; a test compares the two. The first
tables have the rows of `aws-behaviour`, which says what the emulated device does; the others what RFCs ask of any
translator. The device wins: where it departs from an RFC, so does the box, and the row of the reference is named.

| holds | means |
|---|---|
| yes | the tests named fail when it does not |
| no, on purpose | the emulated device does otherwise; the tests show that the box does as the device |
| not here | nothing of the kind exists here, or it is a matter of others |
| not yet | it should hold, and does not |
"""


def numbered(prefix, last):
    return [f"{prefix}{number}" for number in range(1, last + 1)]


# What must not be left out, by the beginning of a table's title.
REQUIRED = {
    "2.1 ": numbered("L", 8),
    "3.1 ": ["Protocols", "Source port range", "Simultaneous connections", "Unique destination", "Addresses, zonal",
             "Addresses, regional", "API range of secondary addresses", "Exhaustion", "Choice among addresses",
             "Removing an address", "Mapping", "Filtering", "Port preservation, parity, contiguity", "Hairpin",
             "Port forwarding", "Rewrites", "Security groups", "Peering", "VPN, Direct Connect"],
    "3.2 ": ["UDP fragments", "TCP and ICMP fragments", "MTU", "PMTUD", "MSS clamping", "Bandwidth", "Packet rate",
             "ICMP error for a flow"],
    "3.4 ": ["Public", "Private", "Zonal", "Regional", "Zonal to regional"],
    "RFC 4787": numbered("REQ-", 14),
    "RFC 5382": numbered("REQ-", 10),
    "RFC 5508": numbered("REQ-", 11),
    "RFC 7857": [str(number) for number in range(2, 13)],
    "RFC 6888": numbered("REQ-", 15),
    "RFC 5961": ["3", "4", "5", "7"],
}

# Whose rows a test has to carry in its name, by the beginning of a table's title, and how a name says whose row it is.
NAMED = {"2.1 ": "", "3.1 ": "Row3_1_", "3.2 ": "Row3_2_", "3.4 ": "Row3_4_"}


def tests_in(folder):
    """The names of the tests in all sources that the meson.build of their folder names."""
    found = set()
    for source in [*folder.rglob("*.cc"), *folder.rglob("*.py")]:
        if not is_built(source):
            continue
        text = source.read_text(encoding="utf-8")
        if source.suffix == ".py":
            found.update(python_tests(text))
        else:
            found.update(f"{suite}.{name}"
                         for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text, re.MULTILINE))
    return {name for name in found if "DISABLED_" not in name}


def python_tests(text):
    suite = ""
    for kind, name in re.findall(r"^(class| +def) (\w+)", text, re.MULTILINE):
        if kind == "class":
            suite = name
        elif name.startswith("test_"):
            yield f"{suite}.{name}"


def is_built(source):
    rules = source.parent / "meson.build"
    if not rules.is_file():
        return False
    text = rules.read_text(encoding="utf-8")
    # Some folders make a program of each NAME in a list, from NAME_test.cc.
    return any(f"'{name}'" in text for name in (source.name, source.stem.removesuffix("_test")))


def problems(parts, tests):
    """What is wrong with the tables, one line each."""
    for part in parts:
        names = [row.name for row in part.rows]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{part.title}: {name} stands there twice"
        for row in part.rows:
            yield from (f"{part.title}: {row.name}: {problem}" for problem in problems_of_row(row, tests))
            if row.standing.word == model.HOLDS and not is_named(part, row):
                yield f"{part.title}: {row.name}: no test is named after it: {short_name(row)}"
    for beginning, wanted in REQUIRED.items():
        part = next((part for part in parts if part.title.startswith(beginning)), model.Part(beginning))
        there = {row.name for row in part.rows}
        yield from (f"{part.title}: {name} is missing" for name in wanted if name not in there)


def short_name(row):
    """Of a row, as the name of a test has it: MssClamping."""
    return "".join(word.capitalize() for word in re.findall(r"\w+", row.name))


def is_named(part, row):
    prefix = next((prefix for beginning, prefix in NAMED.items() if part.title.startswith(beginning)), None)
    return prefix is None or any(re.search(rf"\b\w*{prefix}\w*{short_name(row)}(?![a-z0-9])", test)
                                 for test in row.standing.tests)


def problems_of_row(row, tests):
    standing = row.standing
    if standing.word == model.HOLDS and not standing.tests:
        yield "it holds, and no test says so"
    if standing.word != model.HOLDS and not standing.reason:
        yield f"'{standing.word}' has no reason"
    for test in standing.tests:
        if test not in tests:
            yield f"there is no test {test}"


def cell(text):
    return text.replace("|", "\\|")


def table(part):
    lines = [f"## {part.title}", ""]
    if part.note:
        lines += [part.note, ""]
    lines += ["| row | requirement | holds | why not, and the tests |", "|---|---|---|---|"]
    for row in part.rows:
        proof = [cell(row.standing.reason)] if row.standing.reason else []
        if row.standing.tests:
            proof.append(", ".join(f"`{test}`" for test in row.standing.tests))
        lines.append(f"| {cell(row.name)} | {cell(row.requirement)} | {row.standing.word} | {': '.join(proof)} |")
    return "\n".join(lines) + "\n"


def summary(parts):
    words = [row.standing.word for part in parts for row in part.rows]
    counts = [f"{words.count(word)} {word}" for word in (model.HOLDS, model.DEPARTS, model.ELSEWHERE, model.LACKS)]
    return f"{len(words)} rows: {'; '.join(counts)}.\n"


def document(parts):
    return "\n".join([INTRODUCTION, summary(parts), *(table(part) for part in parts)])


def is_current(path, parts):
    return path.is_file() and path.read_text(encoding="utf-8") == document(parts)


def main():
    wrong = list(problems(PARTS, tests_in(TESTS)))
    if sys.argv[1:] == ["--write"] and not wrong:
        DOCUMENT.write_text(document(PARTS), encoding="utf-8")
    elif not is_current(DOCUMENT, PARTS):
        wrong.append(OUT_OF_DATE)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
