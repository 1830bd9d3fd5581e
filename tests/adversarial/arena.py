# SPDX-License-Identifier: GPL-2.0-or-later
"""One Docker host for a whole file of tests, and what an attack needs: send frames, see what arrived.

Attackers are containers with Docker's default capabilities, entered by `docker exec`, or
machines on the wire. What arrives is seen by listeners on the victims' interfaces: each attack
carries a tag of its own; who sends it returns when the kernel is done with it, and "nothing arrived"
is read behind a frame that the victim itself has sent afterwards. So it is an order of events and not
a wait.

A case is an attack that says where it was heard. `stopped()` runs it without netd, where it must
get through, and with netd, where it must not, and then looks whether what is allowed still works.

MODE=audit runs the suite against the same policy in audit mode: each attack must get through, with
netd's tables dropping nothing, and be counted under a reason. What shows that the attack is one is
the same case without MODE=audit, where it is stopped.
"""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

sys.path.append(str(Path(__file__).resolve().parent.parent / "docker"))

# pylint: disable=wrong-import-position
from packets import ether, mac, link_local
from netd import (OFFICE, OUTSIDE, Child, Container, HostOptions, Lab, Netd, Place, Probe)

MAGIC = b"netd-tag"
# Pause frames: a bridge drops them before anything else looks at them.
PAUSE = "01:80:c2:00:00:01"
METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
TUNNELLED = ("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001::a9fe:a9fe")

POLICY = """
version: 1
tiers:
  web:   {match: [{container: "web*"}]}
  db:    {match: [{container: "db*"}]}
  evil:  {match: [{container: "evil*"}]}
  back:  {match: [{container: "back*"}]}
  inner: {match: [{container: "inner*"}]}
  east:  {match: [{network: east}]}
  west:  {match: [{network: west}]}
allow:
  - {from: web, to: db, ports: [80/tcp, 53/udp]}
  - {from: web, to: host, ports: [9100/tcp]}
  - {from: lan, to: web, ports: [80/tcp, 53/udp]}
  - {from: evil, to: internet, ports: [443/tcp, 443/udp]}
"""
AUDIT = os.environ.get("MODE") == "audit"
if AUDIT:
    POLICY = POLICY.replace("version: 1", "version: 1\nmode: audit", 1)
SERVE = ("probe", "serve", "--log", "tcp/80", "tcp/81", "udp/53", "udp/54")
# name: network, end of its addresses, published ports
CONTAINERS = {
    "web": ("front", 10, ("8080:80", "127.0.0.1:8081:81", "8053:53/udp", "127.0.0.1:8054:54/udp")),
    "web2": ("front", 11, ()),
    "db": ("front", 20, ()),
    "evil": ("front", 66, ()),
    "back": ("back", 20, ("8082:80", "8055:53/udp")),
    "back4": ("plain", 20, ()),
    "evil4": ("plain", 66, ()),
    "inner": ("inner", 10, ()),
}
NETWORKS = {"front": 1, "back": 2, "plain": 3, "inner": 4}
IPV6_NETWORKS = ("front", "back")


def mac_of(place: Place, interface: str) -> str:
    """Asked of the namespace itself: /sys shows the interfaces of whoever mounted it."""
    text = place.netns_exec(["ip", "-json", "link", "show", "dev", interface])
    return str(json.loads(text)[0]["address"])


class Tag:
    """What marks the frames of one attack."""

    numbers = itertools.count(1)

    def __init__(self) -> None:
        self.number = next(self.numbers)
        self.bytes = MAGIC + self.number.to_bytes(4, "big")


class Ear:
    """A listener on a place's interface."""

    def __init__(self, place: Place, interface: str = "eth0") -> None:
        self.place, self.interface = place, interface
        self.child: Child = place.probe("listen-tags", interface, MAGIC.hex())
        self.child.wait_for_line("^ready$")

    def heard(self, tag: Tag) -> int:
        """How often @tag came in, up to now."""
        end = Tag()
        frame = ether(PAUSE, "02:00:00:00:00:01", 0x88B5, end.bytes)
        self.place.netns_exec([self.place.probe_path, "raw", self.interface, frame.hex()])
        self.child.wait_for_line(f"^out {end.number:08x}$")
        return self.child.lines.count(f"in {tag.number:08x}")


class Mouth:
    """A sender of frames in a container, with its capabilities; it stays there: a `docker exec` for
    each attack would take most of the suite's time."""

    def __init__(self, container: Container, options: Sequence[str] = ()) -> None:
        argv = container.host.docker_argv("exec", "--interactive", container.id, "probe", "raw",
                                          *options, "eth0", "-")
        self.child = Child(argv, {"DOCKER_CONFIG": str(container.host.folder)}, subprocess.PIPE)

    def send(self, frames: Sequence[bytes]) -> None:
        """Returns when all have arrived, or have been dropped on their way."""
        self.child.write("".join(frame.hex() + "\n" for frame in (*frames, b"")))
        self.child.wait_for_line("^sent ")


class Arena:
    """The host, its containers, their ears, and netd on or off."""

    def __init__(self, options: HostOptions) -> None:
        self.lab = Lab(options, (OUTSIDE, OFFICE)).start()
        self.host = self.lab.host
        self.outside, self.office = self.lab.outside, self.lab.office  # type: ignore[attr-defined]
        self.netd = Netd(self.host, POLICY)
        self.containers: Dict[str, Container] = {}
        self.bridges: Dict[str, str] = {}
        self.ears: Dict[str, Ear] = {}
        self.mouths: Dict[Tuple[str, ...], Mouth] = {}
        self.macs: Dict[str, str] = {}
        self._source_ports = itertools.count(10000)
        self._build()

    def _build(self) -> None:
        for name, number in NETWORKS.items():
            subnet6 = f"fd00:31:{number}::/64" if name in IPV6_NETWORKS else None
            self.bridges[name] = self.host.network(name, f"172.31.{number}.0/24", subnet6,
                                                   internal=name == "inner")
            self.macs[name] = mac_of(self.host, self.bridges[name])
        for name in CONTAINERS:
            self.run(name)
        self.host.serve("tcp/9100", "udp/9101")
        self._build_neighbours()
        self.rebuild_watch()

    def rebuild_watch(self) -> None:
        """Chains behind netd's and Docker's, to count what they have let pass."""
        script = "".join(f"chain {hook} {{ type filter hook {hook} priority 300; }}\n"
                         for hook in ("input", "forward"))
        self.host.netns_exec(["nft", "-f", "-"], stdin=f"table inet watch {{\n{script}}}\n")

    def _build_neighbours(self) -> None:
        self.outside.serve("tcp/443", "udp/443", "tcp/80")
        batch = [f"address add {a} dev eth0 {'nodad' if ':' in a else ''}"
                 for a in METADATA + TUNNELLED]
        self.outside.netns_exec(["ip", "-batch", "-"], stdin="\n".join(batch) + "\n")
        for place in (self.outside, self.office):
            self.macs[place.name] = mac_of(place, "eth0")
            self.ears[place.name] = Ear(place)
            self.macs[f"host-{place.name}"] = mac_of(self.host, place.link.interface)

    def run(self, name: str, spec: "Optional[tuple[str, int, Sequence[str]]]" = None,
            **options: object) -> Container:
        """Start a container, listen at it."""
        network, last, publish = spec or CONTAINERS[name]
        number = NETWORKS.get(network, 5)
        six = f"fd00:31:{number}::{last}" if network not in ("plain", "inner") else None
        container = self.host.run(name, network, ip=f"172.31.{number}.{last}", ip6=six,
                                  publish=publish, cmd=options.pop("cmd", SERVE), **options)
        self.containers[name] = container
        self.macs[name] = mac_of(container, "eth0")  # from Docker 28 on it is random
        self.ears[name] = Ear(container)
        return container

    def remove(self, name: str) -> None:
        """docker rm -f."""
        self.ears.pop(name, None)
        for key in [key for key in self.mouths if key[0] == name]:
            self.mouths.pop(key).child.stop()
        self.containers.pop(name).remove()

    def __getitem__(self, name: str) -> Container:
        return self.containers[name]

    # Addresses

    def ip(self, name: str, family: int = 4) -> str:
        """A container's address."""
        network, last, _ = CONTAINERS[name]
        number = NETWORKS[network]
        return f"172.31.{number}.{last}" if family == 4 else f"fd00:31:{number}::{last}"

    def gateway(self, network: str, family: int = 4) -> str:
        """The host's address on a network."""
        number = NETWORKS[network]
        return f"172.31.{number}.1" if family == 4 else f"fd00:31:{number}::1"

    def local(self, name: str) -> str:
        """The IPv6 link-local address of a container or a bridge."""
        return link_local(self.macs[name])

    def port(self) -> int:
        """A source port that was not used before: each probe is a flow of its own."""
        return next(self._source_ports)

    # netd

    def on(self) -> None:
        """netd runs and knows everything."""
        if not self.netd.running:
            self.netd.start().wait_synced()

    def off(self) -> None:
        """Plain Docker; netd leaves the bridges' option as it set it."""
        if self.netd.running:
            self.netd.off()
        for bridge in self.bridges.values():
            self.host.netns_exec(["ip", "link", "set", bridge, "type", "bridge",
                                  "no_linklocal_learn", "0"])

    def on_again(self) -> None:
        """Wait for netd to know what was started meanwhile, if it runs."""
        if self.netd.running:
            self.netd.wait_synced()

    def audited(self) -> int:
        """Packets that netd would have dropped and has let pass, those that nobody misses too."""
        status = self.netd.status()
        return int(status["audited_packets"]) + sum(int(n) for n in status["quiet"].values())

    def drops(self) -> List[str]:
        """Every way in which netd's tables could drop a packet, and whether they have."""
        found = []
        for table in ("inet", "bridge"):
            listing = self.host.netns_exec(["nft", "list", "table", table, "netd"])
            found += [line.strip() for line in listing.splitlines()
                      if " drop" in line or " reject" in line or "policy drop" in line]
        status = self.netd.status()
        return found + [f"{n} {reason}" for reason, n in status["denied"].items()]

    def heal(self) -> None:
        """Forget what attacks have made the kernels believe."""
        for place in (self.host, *(self.containers[name] for name in CONTAINERS)):
            place.netns_exec(["ip", "neigh", "flush", "all"])

    @contextlib.contextmanager
    def without_bridge_netfilter(self) -> Iterator[None]:
        """bridge-nf-call-* are 0 inside, and those of each bridge as well."""
        keys = [f"bridge/bridge-nf-call-{name}tables" for name in ("ip", "ip6")]
        for key in keys:
            self.host.sysctl(key, "0")
        for link in json.loads(self.host.netns_exec(["ip", "-j", "link", "show", "type",
                                                     "bridge"])):
            self.host.netns_exec(["ip", "link", "set", link["ifname"], "type", "bridge",
                                  "nf_call_iptables", "0", "nf_call_ip6tables", "0"])
        try:
            yield
        finally:
            for key in keys:
                self.host.sysctl(key, "1")

    # Packets

    def send(self, name: str, *frames: bytes, options: Sequence[str] = ()) -> None:
        """From inside a container, with its own capabilities."""
        key = (name, *options)
        if key not in self.mouths:
            self.mouths[key] = Mouth(self.containers[name], options)
        self.mouths[key].send(frames)

    def send_from_lan(self, place: str, *frames: bytes) -> None:
        """From a machine on the wire."""
        neighbour = getattr(self, place)
        lines = "".join(frame.hex() + "\n" for frame in frames)
        neighbour.netns_exec([neighbour.probe_path, "raw", "eth0", "-"], stdin=lines)

    def heard(self, tag: Tag, *names: str) -> List[str]:
        """Who of @names has heard @tag."""
        return [name for name in names if self.ears[name].heard(tag)]

    def flows(self) -> str:
        """What connection tracking holds."""
        return self.host.netns_exec(["conntrack", "-L"])

    def passed(self, hook: str, match: str, act: Callable[[], None]) -> int:
        """How many packets like @match came through netd's and Docker's @hook during @act."""
        nft = self.host.netns_exec
        nft(["nft", "add", "rule", "inet", "watch", hook, *match.split(), "counter"])
        try:
            act()
            listing = json.loads(nft(["nft", "-j", "list", "chain", "inet", "watch", hook]))
        finally:
            nft(["nft", "flush", "chain", "inet", "watch", hook])
        rules = [entry["rule"] for entry in listing["nftables"] if "rule" in entry]
        return sum(e["counter"]["packets"] for r in rules for e in r["expr"] if "counter" in e)

    def opened(self, name: str, *probes: Probe, timeout_ms: int = 400) -> List[Probe]:
        """Which of @probes get an answer, asked from inside a container, as itself."""
        text = "".join(f"{p.proto} {p.addr} {p.port}\n" for p in probes)
        base = str(self.lab.ports.take(len(probes)))
        out = self.containers[name].exec(["probe", "connect", "--timeout-ms", str(timeout_ms),
                                          "--port-base", base, "-"], stdin=text)
        return [probe for probe, line in zip(probes, out.splitlines()) if line.startswith("open")]


_arenas: Dict[HostOptions, Arena] = {}


def arena(options: HostOptions = HostOptions(ip_forward=True, lenient=True)) -> Arena:
    """The arena of this module; the first caller builds it. (ip_forward was on before dockerd
    started, so Docker's FORWARD policy is ACCEPT: the most open of its settings.)"""
    if options not in _arenas:
        _arenas[options] = Arena(options)
        unittest.addModuleCleanup(close_all)
    return _arenas[options]


def close_all() -> None:
    """Take all labs down."""
    while _arenas:
        _, one = _arenas.popitem()
        for mouth in one.mouths.values():
            mouth.child.stop()
        one.lab.close()


class Case(unittest.TestCase):
    """Attacks in the arena."""

    options = HostOptions(ip_forward=True, lenient=True)
    arena: Arena

    @classmethod
    def setUpClass(cls) -> None:
        cls.arena = arena(cls.options)

    def stopped(self, attack: Callable[..., object], *rows: Sequence[object]) -> None:
        """@attack, called with each of @rows (or once, without any), returns what got through:
        something without netd, nothing with it."""
        cases = rows or ((),)
        if AUDIT:
            with self.auditing():
                self.passes(attack, cases)
            return
        self.arena.off()
        for row in cases:
            with self.subTest("control", case=row):
                self.assertTrue(attack(*row), "not through without netd: this proves nothing")
        self.arena.heal()
        self.arena.on()
        for row in cases:
            with self.subTest("attack", case=row):
                self.assertFalse(attack(*row), "got through")
        self.legitimate()

    @contextlib.contextmanager
    def auditing(self) -> Iterator[None]:
        """What happens within meets netd in audit mode, which drops nothing of it."""
        self.arena.heal()
        self.arena.on()
        yield
        self.assertEqual([], self.arena.drops())
        self.arena.heal()
        self.legitimate()

    def passes(self, attack: Callable[..., object], cases: Sequence[Sequence[object]]) -> None:
        """In audit mode: every attack gets through, and is counted."""
        for row in cases:
            # What passed is a connection that is stamped: a packet of it would not be counted again.
            self.arena.host.netns_exec(["conntrack", "-F"])
            before, run = self.arena.audited(), self.arena.netd.child
            with self.subTest("audit", case=row):
                self.assertTrue(attack(*row), "cut in audit mode")
                if self.arena.netd.child is run:  # else the tables, and counters, are new
                    self.assertGreater(self.arena.audited(), before,
                                       "passed without being counted")

    @staticmethod
    def ask_again(ask: Callable[..., List[Probe]], probes: Sequence[Probe], times: int = 5) -> Tuple[List[Probe], int]:
        """Which of @probes are answered, those that are not asked some times more: a busy machine is no denial. And
        how often some of them were asked."""
        opened: List[Probe] = []
        for number in range(1, times + 1):
            opened += ask(*(probe for probe in probes if probe not in opened))
            if len(opened) == len(probes):
                return opened, number
        return opened, times

    def answered(self, ask: Callable[..., List[Probe]], probes: Sequence[Probe]) -> None:
        """In audit mode: every probe is answered, and counted."""
        before = self.arena.audited()
        opened, _ = self.ask_again(ask, probes)
        for probe in probes:
            with self.subTest("audit", probe=probe):
                self.assertIn(probe, opened, "cut in audit mode")
        self.assertGreaterEqual(self.arena.audited() - before, len(probes))

    def blocked(self, got: object, why: str = "got through") -> None:
        """Nothing, or in audit mode something, has got through."""
        if AUDIT:
            self.assertTrue(got, "cut in audit mode")
            self.assertEqual([], self.arena.drops())
        else:
            self.assertFalse(got, why)

    def closed(self, ask: Callable[..., List[Probe]], *probes: Probe) -> None:
        """@ask says which probes are answered: all without netd, none with it."""
        if AUDIT:
            with self.auditing():
                self.answered(ask, probes)
            return
        self.arena.off()
        opened, times = self.ask_again(ask, probes)
        for probe in probes:
            with self.subTest("control", probe=probe):
                self.assertIn(probe, opened, "no answer without netd: this proves nothing")
        self.arena.heal()
        self.arena.on()
        opened, _ = self.ask_again(ask, probes, times)
        for probe in probes:
            with self.subTest("attack", probe=probe):
                self.assertNotIn(probe, opened, "answered")
        self.legitimate()

    def legitimate(self) -> None:
        """What the policy allows works."""
        one = self.arena
        wanted: Dict[Place, List[Probe]] = {
            one["web"]: [Probe("tcp", one.ip("db", f), 80) for f in (4, 6)]
            + [Probe("udp", one.ip("db", f), 53) for f in (4, 6)]
            + [Probe("tcp", one.ip("web2", 6), 81), Probe("tcp", one.gateway("front"), 9100)],
            one["evil"]: [Probe("tcp", "203.0.113.10", 443)],
            one.office: [Probe("tcp", "10.231.9.1", 8080), Probe("tcp", "fd00:231:9::1", 8080)],
            one.host: [Probe("tcp", one.ip("db"), 81), Probe("tcp", one.ip("back", 6), 80),
                       Probe("tcp", "127.0.0.1", 8081)],
        }
        if not self.options.userland_proxy:
            wanted[one.office].pop()  # Docker alone publishes on IPv4 only
        for place, probes in wanted.items():
            results = place.probe_many(probes, 3000)
            self.assertEqual([], [(p, r) for p, r in results.items() if r.state != "open"],
                             f"from {place.name}")


__all__ = ["AUDIT", "Arena", "Case", "Ear", "METADATA", "POLICY", "SERVE", "TUNNELLED", "Tag", "arena",
           "mac"]
