"""The schema that `lapse schema` prints takes every good file, and refuses bad ones for the reason that the loader has.

Usage: schema_test.py LAPSE TOPOLOGIES. Exits 77, which Meson takes for skipped, without the two modules.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}; apt-get install python3-jsonschema python3-yaml")
    sys.exit(77)

LAPSE, TOPOLOGIES = sys.argv[1], pathlib.Path(sys.argv[2])

GOOD = """\
name: lab
start_at: app
links:
  private:  { subnet: 10.0.1.0/24 }
  internet: { subnet: 203.0.113.0/24, delay: 20ms, loss: 1%, rate: 10mbit }
boxes:
  natgw:
    kind: nat-gateway
    inside:  { link: private, address: 10.0.1.1 }
    outside: { link: internet, addresses: [203.0.113.10] }
    timeouts: { icmp: 60s }
    late_packet: drop
    capacity: 1000
    limits: off
hosts:
  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }
  api: { link: internet, address: 203.0.113.80, names: [api.example.com], run: server, ready: { tcp: 8080 } }
"""

APP = "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }"
INSIDE = "    inside:  { link: private, address: 10.0.1.1 }\n"

# What is wrong; the change to the good file; where the schema says so, by which keyword; the loader's key and message.
REFUSED = (
    ("unknown key of the file", ("name: lab", "colour: red"), "$", "additionalProperties",
     "colour", "unknown key (colour)"),
    ("no links", (GOOD[GOOD.index("links:"):GOOD.index("boxes:")], ""), "$", "required", "", "links is missing"),
    ("empty links", (GOOD[GOOD.index("links:"):GOOD.index("boxes:")], "links: {}\n"), "$.links", "minProperties",
     "links", "an empty map"),
    ("hosts as a list", (GOOD[GOOD.index("hosts:"):], "hosts: [app]\n"), "$.hosts", "type", "hosts", "a map is needed"),
    ("hosts as nothing", (GOOD[GOOD.index("hosts:"):], "hosts:\n"), "$.hosts", "type", "hosts", "found nothing"),
    ("name in capitals", ("name: lab", "name: Lab"), "$.name", "pattern", "name", "a name consists of lower-case"),
    ("name too long", ("name: lab", "name: " + "x" * 41), "$.name", "maxLength", "name", "at most 40 characters"),
    ("link in capitals", ("  private:  {", "  Private:  {"), "$.links", "pattern", "links.Private", "a name consists"),
    ("subnet without a length", ("10.0.1.0/24", "10.0.1.0"), "$.links.private.subnet", "pattern",
     "links.private.subnet", "the prefix length is missing"),
    ("subnet too large", ("10.0.1.0/24", "10.0.0.0/7"), "$.links.private.subnet", "pattern",
     "links.private.subnet", "the prefix length is out of range"),
    ("mtu too small", ("delay: 20ms", "mtu: 9"), "$.links.internet.mtu", "minimum",
     "links.internet.mtu", "out of range (9)"),
    ("delay without a unit", ("delay: 20ms", "delay: 20"), "$.links.internet.delay", "type",
     "links.internet.delay", "a unit is missing (20)"),
    ("delay in other units", ("delay: 20ms", "delay: 20us"), "$.links.internet.delay", "pattern",
     "links.internet.delay", "the unit us is unknown"),
    ("loss of more than all, in percent", ("loss: 1%", "loss: 200%"), "$.links.internet.loss", "pattern",
     "links.internet.loss", "more than always"),
    ("loss of more than all", ("loss: 1%", "loss: 1.5"), "$.links.internet.loss", "maximum",
     "links.internet.loss", "more than always"),
    ("rate in other units", ("rate: 10mbit", "rate: 10mb"), "$.links.internet.rate", "pattern",
     "links.internet.rate", "the unit mb is unknown"),
    ("unknown kind", ("kind: nat-gateway", "kind: nat-gatway"), "$.boxes.natgw.kind", "enum",
     "boxes.natgw.kind", "did you mean nat-gateway?"),
    ("kind of another version", ("kind: nat-gateway", "kind: firewall"), "$.boxes.natgw.kind", "enum",
     "boxes.natgw.kind", "not available yet (firewall)"),
    ("no kind", ("    kind: nat-gateway\n", ""), "$.boxes.natgw", "required", "boxes.natgw", "kind is missing"),
    ("no inside", (INSIDE, ""), "$.boxes.natgw", "required", "boxes.natgw", "inside is missing"),
    ("unknown key of a box", ("capacity: 1000", "capactiy: 1000"), "$.boxes.natgw", "additionalProperties",
     "boxes.natgw.capactiy", "did you mean capacity?"),
    ("Terraform's spelling", ("capacity: 1000", "idle_timeout: 400"), "$.boxes.natgw", "additionalProperties",
     "boxes.natgw.idle_timeout", "Terraform's spelling"),
    ("timeout without a unit", ("icmp: 60s", "udp: 350"), "$.boxes.natgw.timeouts.udp", "type",
     "boxes.natgw.timeouts.udp", "a unit is missing (350)"),
    ("timeout in other units", ("icmp: 60s", "udp: 350sec"), "$.boxes.natgw.timeouts.udp", "pattern",
     "boxes.natgw.timeouts.udp", "the unit sec is unknown"),
    ("units from short to long", ("icmp: 60s", "udp: 30s5m"), "$.boxes.natgw.timeouts.udp", "pattern",
     "boxes.natgw.timeouts.udp", "the longest unit stands first"),
    ("unknown timeout", ("icmp: 60s", "tpc_syn: 60s"), "$.boxes.natgw.timeouts", "additionalProperties",
     "boxes.natgw.timeouts.tpc_syn", "did you mean tcp_syn?"),
    ("unknown late packet", ("late_packet: drop", "late_packet: drip"), "$.boxes.natgw.late_packet", "enum",
     "boxes.natgw.late_packet", "did you mean drop?"),
    ("late packet of another kind", ("late_packet: drop", "late_packet: { inside: leak }"),
     "$.boxes.natgw.late_packet.inside", "enum", "boxes.natgw.late_packet.inside", "not available yet for nat-gateway"),
    ("unknown side", ("late_packet: drop", "late_packet: { insid: drop }"), "$.boxes.natgw.late_packet",
     "additionalProperties", "boxes.natgw.late_packet.insid", "did you mean inside?"),
    ("capacity 0", ("capacity: 1000", "capacity: 0"), "$.boxes.natgw.capacity", "minimum",
     "boxes.natgw.capacity", "out of range (0)"),
    ("capacity too large", ("capacity: 1000", "capacity: 100000001"), "$.boxes.natgw.capacity", "maximum",
     "boxes.natgw.capacity", "out of range (100000001)"),
    ("capacity in words", ("capacity: 1000", "capacity: many"), "$.boxes.natgw.capacity", "pattern",
     "boxes.natgw.capacity", "not a whole number (many)"),
    ("capacity with a point", ("capacity: 1000", "capacity: 1.5"), "$.boxes.natgw.capacity", "type",
     "boxes.natgw.capacity", "not a whole number (1.5)"),
    ("unknown choice", ("limits: off", "limits: none"), "$.boxes.natgw.limits", "enum",
     "boxes.natgw.limits", "unknown value (none)"),
    ("asymmetric: yes", ("limits: off", "asymmetric: yes"), "$.boxes.natgw.asymmetric", "enum",
     "boxes.natgw.asymmetric", "accepted is allow"),
    ("no addresses in the list", ("[203.0.113.10]", "[]"), "$.boxes.natgw.outside.addresses", "minItems",
     "boxes.natgw.outside.addresses", "an empty list"),
    ("a range of nonsense", ("[203.0.113.10]", "[203.0.113.10-x]"), "$.boxes.natgw.outside.addresses.0", "pattern",
     "boxes.natgw.outside.addresses", "not a range of addresses"),
    ("no such address", ("10.0.1.10,", "10.0.1.300,"), "$.hosts.app.address", "pattern",
     "hosts.app.address", "not an IPv4 address"),
    ("host without an address", (APP, "  app: { link: private, gateway: 10.0.1.1 }"), "$.hosts.app", "anyOf",
     "hosts.app", "address is missing"),
    ("host without a link", (APP, "  app: { address: 10.0.1.10 }"), "$.hosts.app", "required",
     "hosts.app", "link is missing"),
    ("host attached twice", (APP, APP.replace(
        " }", ", interfaces: { eth1: { link: internet, address: 203.0.113.90 } } }")), "$.hosts.app", "not",
     "hosts.app.interfaces", "stands beside an attachment"),
    ("host without interfaces", (APP, "  app: { interfaces: {} }"), "$.hosts.app.interfaces", "minProperties",
     "hosts.app.interfaces", "an empty map"),
    ("interface with a long name", (APP, "  app: { interfaces: { a-name-of-sixteen: "
                                         "{ link: private, address: 10.0.1.10, gateway: 10.0.1.1 } } }"),
     "$.hosts.app.interfaces", "maxLength", "hosts.app.interfaces.a-name-of-sixteen", "at most 15 characters"),
    ("no host name", ("[api.example.com]", "[api_example]"), "$.hosts.api.names.0", "pattern",
     "hosts.api.names", "not a host name"),
    ("sysctl of the machine", (APP, APP.replace(" }", ", sysctls: { vm.swappiness.x: 1 } }")),
     "$.hosts.app.sysctls", "pattern", "hosts.app.sysctls.vm.swappiness.x", "only sysctls of a network namespace"),
    ("sysctl as a list", (APP, APP.replace(" }", ", sysctls: { net.ipv4.tcp_rmem: [1, 2] } }")),
     "$.hosts.app.sysctls.net.ipv4.tcp_rmem", "type", "hosts.app.sysctls.net.ipv4.tcp_rmem", "not a sysctl's value"),
    ("route without a next hop", (APP, APP.replace(" }", ", routes: [{ to: 10.9.0.0/16 }] }")), "$.hosts.app.routes.0",
     "required", "hosts.app.routes.0", "via is missing"),
    ("MAC address of a group", (APP, APP.replace(" }", ', neighbours: { 10.0.1.2: "01:00:5e:00:00:01" } }')),
     "$.hosts.app.neighbours.10.0.1.2", "pattern", "hosts.app.neighbours.10.0.1.2", "that no single station has"),
    ("empty command", ("run: server", 'run: ""'), "$.hosts.api.run", "minLength", "hosts.api.run", "empty"),
    ("ready for nothing", ("{ tcp: 8080 }", "{}"), "$.hosts.api.ready", "required", "hosts.api.ready", "tcp is missing"),
    ("no such port", ("tcp: 8080", "tcp: 70000"), "$.hosts.api.ready.tcp", "maximum",
     "hosts.api.ready.tcp", "out of range (70000)"),
    ("port without a device", ("hosts:\n", "ports: { private: {} }\nhosts:\n"), "$.ports.private", "oneOf",
     "ports.private", "the device is missing"),
    ("port with two devices", ("hosts:\n", 'ports: { private: { pci: "3b:00.0", vdev: net_tap0 } }\nhosts:\n'),
     "$.ports.private", "oneOf", "ports.private.vdev", "stands beside pci"),
    ("no PCI address", ("hosts:\n", 'ports: { private: { pci: "3b:00.9" } }\nhosts:\n'), "$.ports.private.pci", "pattern",
     "ports.private.pci", "not a PCI address"),
    ("no virtual device", ("hosts:\n", "ports: { private: { vdev: eth1 } }\nhosts:\n"), "$.ports.private.vdev",
     "pattern", "ports.private.vdev", "not a virtual network device"),
    ("too many queues", ("hosts:\n", "ports: { private: { vdev: net_tap0, queues: 17 } }\nhosts:\n"),
     "$.ports.private.queues", "maximum", "ports.private.queues", "out of range (17)"),
    ("a key of another version", ("hosts:\n", "ports: { private: { vdev: net_tap0, vlan: 7 } }\nhosts:\n"),
     "$.ports.private", "additionalProperties", "ports.private.vlan", "not available yet"),
)

# Spellings that the loader takes: an editor must not complain about them.
ACCEPTED = (
    ("a number in quotes", ("capacity: 1000", 'capacity: "1000"')),
    ("one behaviour for a side", ("late_packet: drop", "late_packet: { outside: rst }")),
    ("nothing in a map", ("timeouts: { icmp: 60s }", "timeouts: {}")),
    ("several units", ("icmp: 60s", "icmp: 1d2h3m4s5ms")),
    ("a fraction", ("loss: 1%", "loss: 0.01")),
    ("no loss", ("loss: 1%", "loss: 0")),
    ("a fraction of a percent", ("loss: 1%", "loss: 00.5%")),
    ("always", ("loss: 1%", "loss: 1.0")),
    ("the slowest rate", ("rate: 10mbit", "rate: 1000bit")),
    ("a range of addresses", ("[203.0.113.10]", "[203.0.113.10-203.0.113.12, 203.0.113.14]")),
    ("one address", ("addresses: [203.0.113.10]", "addresses: 203.0.113.10")),
    ("one name", ("[api.example.com]", "www.example.com")),
    ("asymmetric: allow", ("limits: off", "asymmetric: allow")),
    ("a command that is a word of YAML", ("run: server", "run: true")),
    ("a name that is a number", ("name: lab", "name: 7")),
    ("interfaces", (APP, "  app: { interfaces: { eth0: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 } } }")),
    ("the route to everywhere", (APP, APP.replace("gateway: 10.0.1.1", "routes: [{ to: 0.0.0.0/0, via: 10.0.1.1 }]"))),
    ("a MAC address in capitals", (APP, APP.replace(" }", ', neighbours: { 10.0.1.1: "02:AB:00:00:00:02" } }'))),
    ("sysctls of several numbers", (APP, APP.replace(" }", ", sysctls: { net.ipv4.tcp_rmem: 4096 1 2, "
                                                          "net.ipv4.tcp_keepalive_time: 60 } }"))),
    ("a merged map", (APP, "  app: { <<: { link: private, gateway: 10.0.1.1 }, address: 10.0.1.10 }")),
    ("ports", ("hosts:\n", 'ports: { private: { pci: "3b:00.0", queues: 4, rx_desc: 1024, mtu: 9000 },\n'
                           '         internet: { vdev: "net_af_packet0,iface=eth1" } }\nhosts:\n')),
)


class Yaml12(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """What plain text is in YAML 1.2, which editors read: `off` is text. Keys are text in any case."""

    def construct_mapping(self, node, deep=False):
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+", list("-+0123456789")),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
        ("merge", r"<<", ["<"])):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)
Yaml12.add_constructor("tag:yaml.org,2002:map", Yaml12.construct_mapping)
Yaml12.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def read(text):
    return yaml.load(text, Yaml12)


def changed(change):
    before, after = change
    assert GOOD.count(before) == 1, f"not once in the good file: {before}"
    return GOOD.replace(before, after)


def lapse(*words):
    return subprocess.run([LAPSE, *words], capture_output=True, text=True, check=False)


def schema_of(kind):
    done = lapse("schema", kind)
    assert done.returncode == 0, done.stderr
    schema = json.loads(done.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def findings_of(texts):
    """What the loader says of each text, as (key, message)."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, text in enumerate(texts):
            files.append(pathlib.Path(folder) / f"{number}.yaml")
            files[-1].write_text(text, encoding="utf-8")
        done = lapse("check", "--json", *files)
        return [[(error["key"], error["message"]) for error in checked["errors"]]
                for checked in json.loads(done.stdout)["files"]]


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.topology = schema_of("topology")

    def complaints(self, validator, text):
        """Where the schema is not met, and by which keyword."""
        return [(".".join(["$", *map(str, error.absolute_path)]), error.validator)
                for error in validator.iter_errors(read(text))]

    def test_bad_files_are_refused_for_the_reason_that_the_loader_has(self):
        self.assertGreaterEqual(len(REFUSED), 20)
        findings = findings_of([changed(row[1]) for row in REFUSED])
        for (what, change, path, keyword, key, message), found in zip(REFUSED, findings):
            with self.subTest(what):
                self.assertEqual(self.complaints(self.topology, changed(change)), [(path, keyword)])
                self.assertTrue(any(key == at and message in text for at, text in found), found)

    def test_what_the_loader_takes_is_valid(self):
        texts = [GOOD, *(changed(change) for _, change in ACCEPTED)]
        for text, found in zip(texts, findings_of(texts)):
            with self.subTest(text):
                self.assertEqual(found, [])
                self.assertEqual(self.complaints(self.topology, text), [])

    def test_every_shipped_file_is_valid(self):
        scenario = schema_of("scenario")
        topologies = sorted(TOPOLOGIES.glob("*.yaml"))
        scenarios = sorted(TOPOLOGIES.glob("scenarios/*.yaml"))
        self.assertGreater(len(topologies), 2)
        self.assertGreater(len(scenarios), 20)
        for validator, files in ((self.topology, topologies), (scenario, scenarios)):
            for file in files:
                with self.subTest(file.name):
                    self.assertEqual(self.complaints(validator, file.read_text(encoding="utf-8")), [])

    def test_a_broken_scenario_is_refused(self):
        text = (TOPOLOGIES / "scenarios" / "S1.1.yaml").read_text(encoding="utf-8")
        scenario = schema_of("scenario")
        for before, after, path, keyword in (
                ("at: 250s", "at: 250s, colour: red", "$.expect.0", "additionalProperties"),
                ("after: 250s", "after: 250", "$.steps.1.after", "type"),
                ("stop: true", "close: fin, stop: true", "$.steps.2", "oneOf"),
                ("event: flow_expired", "event: flow_expires", "$.expect.1.never.event", "enum"),
                ("end: client", "end: klient", "$.expect.0.end", "enum")):
            with self.subTest(after):
                self.assertEqual(text.count(before), 1)
                self.assertEqual(self.complaints(scenario, text.replace(before, after)), [(path, keyword)])

    def test_expectations(self):
        expectations = schema_of("expectations")
        good = "expect: [{ box: natgw, metric: IdleTimeoutCount, equals: 0 }, { never: { event: rst_sent, to: app } }]"
        self.assertEqual(self.complaints(expectations, good), [])
        self.assertEqual(self.complaints(expectations, good.replace("rst_sent", "rst")),
                         [("$.expect.1.never.event", "enum")])

    def test_a_sort_of_file_that_there_is_not(self):
        done = lapse("schema", "topolgy")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean topology?", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
