# SPDX-License-Identifier: GPL-2.0-or-later
"""Published ports: closed by default on every path, open to localhost, opened to exactly
the sources that a rule names (G4).

The control of every closed path is the same probe on plain Docker.  Where that is closed
too, the path is listed in `closed_by_docker` of the class, and only there.
"""
from __future__ import annotations

import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, NamedTuple, Optional, Sequence, Set

from netd import Container, DockerCase, HostOptions, Place, Probe, engine_version, figure

TIERS = """version: 1
tiers:
  a: {match: [{network: neta}]}
  b: {match: [{network: netb}]}
"""
CLOSED = TIERS
WEB4, WEB6, PEER4, PEER6 = "172.31.1.10", "fd00:31:1::10", "172.31.1.11", "fd00:31:1::11"
TCP, LOCAL_TCP, ONE_ADDRESS, UDP, LOCAL_UDP, LOCAL6 = 18080, 18081, 18085, 18053, 18054, 18086
HOST_DAEMON = 19100


class Way(NamedTuple):
    """One path to a port that should be closed."""

    place: Place
    probe: Probe
    bind: Optional[str] = None

    @property
    def name(self) -> str:
        """For people and for the lists of exceptions."""
        sender = f"{self.place.name} {self.bind}" if self.bind else self.place.name
        return f"{sender} {self.probe.proto} {self.probe.addr} {self.probe.port}"


class Paths(DockerCase):
    """A network with two containers that publish, another with one that attacks."""

    web: Container
    peer: Container
    attacker: Container
    closed_by_docker: Sequence[str] = ()  # patterns of names
    proxy6 = True  # IPv6 on a published port is answered at all
    slow: Set[str]  # names of ways whose answer had to be waited for

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.slow = set()
        host = cls.lab.host
        host.network("neta", "172.31.1.0/24", "fd00:31:1::/64")
        host.network("netb", "172.31.2.0/24", "fd00:31:2::/64")
        publish = [f"{TCP}:80", f"127.0.0.1:{LOCAL_TCP}:80", f"192.0.2.1:{ONE_ADDRESS}:80",
                   f"{UDP}:53/udp", f"127.0.0.1:{LOCAL_UDP}:53/udp", f"[::1]:{LOCAL6}:80"]
        serve = ["probe", "serve", "--log", "tcp/80", "tcp/81", "udp/53"]
        cls.web = host.run("web", "neta", ip=WEB4, ip6=WEB6, publish=publish, cmd=serve)
        cls.peer = host.run("peer", "neta", ip=PEER4, ip6=PEER6, cmd=serve)
        cls.attacker = host.run("attacker", "netb", ip="172.31.2.10", ip6="fd00:31:2::10")
        host.serve(f"tcp/{HOST_DAEMON}")
        cls.own_the_loopback(cls.lab.office, "eth0", cls.lab.office.host4)

    @staticmethod
    def own_the_loopback(place: Place, interface: str, via: str) -> None:
        """From here 127.0.0.1 is the Docker host: bypasses.md 2."""
        place.netns_exec(["ip", "address", "del", "127.0.0.1/8", "dev", "lo"])
        place.netns_exec(["ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table",
                          "local"], check=False)
        place.netns_exec(["sh", "-euc",
                          f"echo 1 > /proc/sys/net/ipv4/conf/{interface}/route_localnet"])
        place.netns_exec(["ip", "route", "add", "127.0.0.1/32", "via", via])

    def link_local(self, interface: str) -> str:
        """The host's fe80 address on an interface."""
        shown = self.lab.host.netns_exec(["ip", "-6", "-o", "address", "show", "dev", interface,
                                          "scope", "link"])
        found = re.search(r"inet6 (fe80[^/]+)/", shown)
        assert found is not None, shown
        return found[1]

    # The paths

    def to_published(self) -> List[Way]:
        """1: every address of the host, IPv4 by DNAT, IPv6 and fe80 by docker-proxy."""
        outside, office = self.lab.outside, self.lab.office
        addresses = ["192.0.2.1", "10.231.9.1", "172.30.0.1", "172.31.1.1", "172.31.2.1",
                     "2001:db8:1::1", "fd00:231:9::1", "fd00:31:1::1",
                     self.link_local("ext0") + "%eth0"]
        ways = [Way(outside, Probe(proto, addr, port)) for addr in addresses
                for proto, port in (("tcp", TCP), ("udp", UDP))]
        return ways + [Way(outside, Probe("tcp", "192.0.2.1", ONE_ADDRESS)),
                       Way(office, Probe("tcp", "10.231.9.1", TCP)),
                       Way(office, Probe("tcp", "fd00:231:9::1", TCP)),
                       Way(office, Probe("udp", "10.231.9.1", UDP))]

    def to_loopback(self) -> List[Way]:
        """2: ports that are bound to 127.0.0.1, from a neighbour."""
        return [Way(self.lab.office, Probe(proto, "127.0.0.1", port))
                for proto, port in (("tcp", LOCAL_TCP), ("udp", LOCAL_UDP), ("tcp", TCP))]

    def to_container(self) -> List[Way]:
        """3: the neighbour has a route to the container's own address."""
        return [Way(self.lab.outside, Probe(proto, addr, port))
                for addr in (WEB4, WEB6, PEER4, PEER6)
                for proto, port in (("tcp", 80), ("tcp", 81), ("udp", 53))]

    def to_other_network(self) -> List[Way]:
        """4: from a container of another network through the host."""
        addresses = ["172.31.2.1", "172.31.1.1", "192.0.2.1", "10.231.9.1", "172.30.0.1",
                     "fd00:31:2::1", "fd00:31:1::1", "2001:db8:1::1"]
        bridge = self.lab.host.docker("network", "inspect", "--format", "{{.Id}}", "netb")[:12]
        addresses.append(self.link_local(f"br-{bridge}") + "%eth0")
        return [Way(self.attacker, Probe(proto, addr, port)) for addr in addresses
                for proto, port in (("tcp", TCP), ("udp", UDP))] + \
               [Way(self.attacker, Probe("tcp", addr, port))
                for addr in (WEB4, WEB6) for port in (80, 81)]

    def all_ways(self) -> List[Way]:
        return (self.to_published() + self.to_loopback() + self.to_container()
                + self.to_other_network())

    def open_ways(self, ways: Sequence[Way], wanted: Sequence[Way] = ()) -> Set[str]:
        """The names of those that answer. Those of them that are @wanted to and do not are asked once more, and
        waited for: a busy machine is no denial. So is from then on whoever was slow once, wanted or not."""
        opened = self.ask(ways, 600)
        self.slow.update(way.name for way in wanted if way.name not in opened)
        missed = [way for way in ways if way.name in self.slow and way.name not in opened]
        return opened | (self.ask(missed, 3000) if missed else set())

    def ask(self, ways: Sequence[Way], timeout_ms: int) -> Set[str]:
        """The names of those that answer in time."""
        by_sender: Dict["tuple[int, Optional[str]]", List[Way]] = {}
        for way in ways:
            by_sender.setdefault((id(way.place), way.bind), []).append(way)

        def send(own: List[Way]) -> Set[str]:
            answers = own[0].place.probe_many([way.probe for way in own], timeout_ms, own[0].bind)
            return {way.name for way in own if answers[way.probe].state == "open"}

        with ThreadPoolExecutor(8) as pool:
            return set().union(*pool.map(send, by_sender.values()))

    def localhost(self) -> List[Probe]:
        """What must stay open to the host."""
        probes = [Probe("tcp", "127.0.0.1", TCP), Probe("tcp", "127.0.0.1", LOCAL_TCP),
                  Probe("tcp", "192.0.2.1", TCP), Probe("tcp", "192.0.2.1", ONE_ADDRESS),
                  Probe("tcp", "10.231.9.1", TCP), Probe("udp", "127.0.0.1", UDP),
                  Probe("udp", "127.0.0.1", LOCAL_UDP), Probe("tcp", WEB4, 81),
                  Probe("tcp", WEB6, 80)]
        return probes + ([Probe("tcp", "::1", TCP), Probe("tcp", "::1", LOCAL6),
                          Probe("udp", "::1", UDP), Probe("tcp", "2001:db8:1::1", TCP)]
                         if self.proxy6 else [])

    def arrived(self) -> int:
        """How many connections and datagrams the two servers have seen."""
        return sum(one.logs().count(" from [") for one in (self.web, self.peer))

    # The tests

    def test_closed_on_every_path(self) -> None:
        ways = self.all_ways()
        passed = [way for way in ways if not any(re.search(p, way.name) for p in self.closed_by_docker)]
        plain = self.open_ways(ways, passed)
        void = [way.name for way in passed if way.name not in plain]
        self.assertEqual([], void, "closed on plain Docker already: the control is void")
        netd = self.start_netd(CLOSED)
        arrived = self.arrived()
        self.assertEqual(set(), self.open_ways(ways))
        self.assertEqual(arrived, self.arrived(), "a packet came through, its answer did not")
        self.assert_open(self.lab.host, *self.localhost())
        figure(f"published, {type(self).__name__}",
               f"{len(ways)} paths, {len(plain)} open on plain Docker, 0 with netd; "
               f"localhost open by {len(self.localhost())}")
        self.assertEqual(netd.stop(), 0)
        self.assertEqual(set(), self.open_ways(ways), "netd stopped")

    def test_localhost_daemon_is_not_reached_by_route_localnet(self) -> None:
        host = self.lab.host
        way = [Way(self.lab.office, Probe("tcp", "127.0.0.1", HOST_DAEMON))]
        host.sysctl("ipv4/conf/lan0/route_localnet", "1")
        self.addCleanup(host.sysctl, "ipv4/conf/lan0/route_localnet", "0")
        self.assertEqual(len(self.open_ways(way, way)), 1, "control")
        self.start_netd(CLOSED)
        self.assertEqual(set(), self.open_ways(way))
        self.assert_open(host, Probe("tcp", "127.0.0.1", HOST_DAEMON))

    def exactly(self, rule: str, wanted: Set[str]) -> None:
        """With this one rule, exactly these of the senders get through."""
        outside, office = self.lab.outside, self.lab.office
        senders = {
            "192.0.2.9": Way(outside, Probe("tcp", "192.0.2.1", TCP), "192.0.2.9"),
            "203.0.113.10": Way(outside, Probe("tcp", "192.0.2.1", TCP), "203.0.113.10"),
            "10.231.9.2": Way(office, Probe("tcp", "10.231.9.1", TCP), "10.231.9.2"),
            "udp": Way(outside, Probe("udp", "192.0.2.1", UDP), "192.0.2.9"),
            "netb": Way(self.attacker, Probe("tcp", "172.31.2.1", TCP)),
        }
        if self.proxy6:
            senders.update({
                "2001:db8:1::9": Way(outside, Probe("tcp", "2001:db8:1::1", TCP),
                                     "2001:db8:1::9"),
                "2001:db8:ff::10": Way(outside, Probe("tcp", "2001:db8:1::1", TCP),
                                       "2001:db8:ff::10"),
                "fd00:231:9::2": Way(office, Probe("tcp", "fd00:231:9::1", TCP)),
            })
        always_closed = self.to_container() + self.to_loopback()
        opened = self.open_ways([*senders.values(), *always_closed],
                                [way for name, way in senders.items() if name in wanted])
        self.assertEqual({name for name, way in senders.items() if way.name in opened},
                         wanted & set(senders), rule)
        self.assertEqual(set(), {way.name for way in always_closed} & opened,
                         f"{rule}: neither a direct route nor 127.0.0.1")

    def test_opened_to_exactly_the_sources_of_a_rule(self) -> None:
        netd = self.start_netd(CLOSED)
        rules = {
            "{from: 192.0.2.9, to: a, ports: [80/tcp]}": {"192.0.2.9"},
            '{from: "2001:db8:1::/64", to: a, ports: [80/tcp]}': {"2001:db8:1::9"},
            "{from: internet, to: a, ports: [80/tcp]}": {
                "192.0.2.9", "203.0.113.10", "2001:db8:1::9", "2001:db8:ff::10"},
            "{from: lan, to: a, ports: [80/tcp]}": {"10.231.9.2", "fd00:231:9::2"},
            "{from: world, to: a, ports: [53/udp]}": {"udp"},
            "{from: world, to: a, ports: [81/tcp]}": set(),
            "{from: world, to: b}": set(),
        }
        for rule, wanted in rules.items():
            with self.subTest(rule):
                netd.apply(f"{TIERS}allow:\n  - {rule}\n")
                self.exactly(rule, wanted)

    def test_a_guard_rail_beats_the_rule(self) -> None:
        netd = self.start_netd(f"{TIERS}allow:\n  - {{from: world, to: a}}\n")
        probes = [Probe("tcp", "192.0.2.1", TCP)] + \
            ([Probe("tcp", "2001:db8:1::1", TCP)] if self.proxy6 else [])
        self.assert_open(self.lab.outside, *probes)
        netd.apply(f"{TIERS}allow:\n  - {{from: world, to: a}}\n"
                   "deny:\n  - {from: internet, to: a}\n")
        self.assert_denied(self.lab.outside, *probes)
        self.assert_open(self.lab.office, Probe("tcp", "10.231.9.1", TCP))

    def test_hairpin_follows_within(self) -> None:
        """A member of the same tier, through the gateway, as directly."""
        probes = [Probe("tcp", "172.31.1.1", TCP), Probe("udp", "172.31.1.1", UDP)] + \
            ([Probe("tcp", "fd00:31:1::1", TCP)] if self.proxy6 else [])
        netd = self.start_netd(TIERS)
        self.assert_open(self.peer, *probes)
        netd.apply(TIERS.replace("[{network: neta}]}", "[{network: neta}], within: deny}"))
        self.assert_denied(self.peer, *probes, Probe("tcp", WEB4, 80), Probe("tcp", WEB6, 80))

    def test_another_network_by_a_rule(self) -> None:
        """Through docker-proxy, which Docker's isolation does not see; else Docker drops it."""
        probe = Probe("tcp", "172.31.2.1", TCP)
        plain = self.states(self.attacker, probe, timeout_ms=3000)
        netd = self.start_netd(TIERS)
        self.assertNotEqual(self.states(self.attacker, probe, timeout_ms=3000), ["open"])
        netd.apply(f"{TIERS}allow:\n  - {{from: b, to: a, ports: [80/tcp]}}\n")
        self.assertEqual(self.states(self.attacker, probe, timeout_ms=3000), plain)


class ProxyAndDrop(Paths):
    """The defaults of Docker up to 26: userland proxy, FORWARD policy DROP."""

    options = HostOptions(lenient=True)
    closed_by_docker = (
        r"outside tcp 172\.31\.1\.10 81", r"outside (tcp|udp) 172\.31\.1\.11",
        r"attacker tcp 172\.31\.1\.10", r"attacker udp (?!172\.31\.2\.1 )",
        r"outside udp fd00:")  # arrives, but docker-proxy answers from another address


class NoProxyAndAccept(Paths):
    """userland-proxy=false, and an admin who had switched forwarding on before."""

    options = HostOptions(userland_proxy=False, ip_forward=True, lenient=True)
    proxy6 = False
    closed_by_docker = (r"%eth0", r"(tcp|udp) [0-9a-f:]+::1 ", r"attacker (tcp|udp) \d")


class Ip6tables(Paths):
    """IPv6 by DNAT too: experimental up to Docker 26, then the default. 28 drops in table raw what is
    for 127.0.0.1 or a container's own address and comes from elsewhere."""

    options = HostOptions(ip6tables=True, ip_forward=True)
    closed_by_docker = (r"attacker tcp 172\.31\.1\.10", r"attacker udp (?!172\.31\.2\.1 )",
                        r"attacker tcp fd00:31:1::10", r"outside (tcp|udp) fe80",
                        r"outside tcp fd00:31:1::10 81", r"outside (tcp|udp) fd00:31:1::11")
    if engine_version() >= (28,):
        closed_by_docker += (r"office (tcp|udp) 127\.0\.0\.1 (18081|18054)",
                             r"outside (tcp|udp) (172\.31\.1|fd00:31:1:)[.:]1[01] ")


del Paths  # not a test by itself

if __name__ == "__main__":
    unittest.main()
