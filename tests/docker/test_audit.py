# SPDX-License-Identifier: GPL-2.0-or-later
"""Audit mode cuts nothing, for a tier or for all; and `unmatched: ignore` leaves alone what no tier
matches. Here: addresses that Docker did not give, and what no container owns. An enforced tier is
protected from both."""
from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path
from typing import List

sys.path.append(str(Path(__file__).resolve().parent.parent / "adversarial"))

# pylint: disable=wrong-import-position
import packets as f
from netd import Container, DockerCase, Netd, Place, Probe, wait_until
from host import NEIGHBOUR_SETUP
from place import Namespace

TIERS = """version: 1
tiers:
  web: {match: [{container: "web*"}]}
  db:  {match: [{container: "db*"}]}
"""
ENFORCE = TIERS
AUDIT = TIERS.replace("tiers:", "mode: audit\ntiers:")
WEB_AUDITED = TIERS.replace('"web*"}]}', '"web*"}], mode: audit}')
IGNORE = TIERS.replace("tiers:", "unmatched: ignore\ntiers:")
SERVE = ("probe", "serve", "--log", "tcp/80", "udp/53")
SECOND4, SECOND6 = "172.31.1.100", "fd00:31:1::100"
OUTSIDE = "203.0.113.10"


class Second(DockerCase):
    """web and stray have a second address each, and something that no container owns is plugged in
    beside them; db is enforced."""

    web: Container
    web2: Container
    db: Container
    stray: Container
    stray2: Container
    plugged: Namespace

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        bridge = host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        for last, name in enumerate(("web", "web2", "db", "stray", "stray2"), 10):
            setattr(cls, name, host.run(name, "app", ip=f"172.31.1.{last}",
                                        ip6=f"fd00:31:1::{last}", cmd=SERVE))
        cls.plugged = Namespace("plugged", cls.lab.folder / "plugged", cls.lab.probe,
                                cls.lab.ports, NEIGHBOUR_SETUP)
        cls.lab.places.append(cls.plugged)
        subprocess.run(["nsenter", "-t", str(host.pid), "-n", "ip", "link", "add", "veth0plug",
                        "type", "veth", "peer", "name", "eth0", "netns", str(cls.plugged.pid)],
                       check=True)
        host.netns_exec(["ip", "link", "set", "veth0plug", "master", bridge, "up"])
        cls.plugged.netns_exec(["sh", "-euc", "ip address add 172.31.1.50/24 dev eth0; ip link set "
                                "eth0 up; ip route add default via 172.31.1.1"])
        cls.plugged.serve("tcp/80")
        cls.lab.outside.serve("tcp/443", "tcp/80")  # type: ignore[attr-defined]
        host.serve("tcp/9100")

    def second(self, place: Place, last: int = 100) -> None:
        """One more address of its own, until the end of the test."""
        for addr in (f"172.31.1.{last}/24", f"fd00:31:1::{last}/64"):
            extra = ["nodad"] if ":" in addr else []
            place.netns_exec(["ip", "address", "add", addr, "dev", "eth0", *extra])
            self.addCleanup(place.netns_exec, ["ip", "address", "del", addr, "dev", "eth0"])

    def ask(self, place: Place, source: str, *targets: Probe) -> List[str]:
        """The states of the probes from an address of @place."""
        results = place.probe_many(targets, 700, source)
        return [results[target].state for target in targets]

    def all_open(self, place: Place, source: str, *targets: Probe) -> None:
        """Every one of them answers."""
        self.assertEqual(["open"] * len(targets), self.ask(place, source, *targets),
                         f"from {place.name} as {source}")

    def none_open(self, place: Place, source: str, *targets: Probe) -> None:
        """None of them answers."""
        self.assertNotIn("open", self.ask(place, source, *targets))

    def reached(self, place: Place, source: str) -> None:
        """From that address: neighbours beside @place, this host and the internet."""
        self.all_open(place, source, Probe("tcp", "172.31.1.1", 9100), Probe("tcp", OUTSIDE, 443))

    def no_drops(self, netd: Netd) -> None:
        """netd's tables hold nothing that drops."""
        for table in ("inet", "bridge"):
            listing = self.lab.host.netns_exec(["nft", "list", "table", table, "netd"])
            self.assertEqual([], [line for line in listing.splitlines() if " drop" in line])
        self.assertEqual(0, netd.status()["denied_packets"])

    def test_audit_at_the_top(self) -> None:
        """A second address, one that no container has, and one that no tier matches: all is as
        without netd, and in the log."""
        self.second(self.web)
        netd = self.start_netd(AUDIT)
        self.reached(self.web, SECOND4)
        for place, source in ((self.db, "172.31.1.12"), (self.stray, "172.31.1.13"),
                              (self.plugged, "172.31.1.50"), (self.lab.host, "172.31.1.1")):
            self.all_open(place, source, Probe("tcp", SECOND4, 80))
        self.all_open(self.db, "fd00:31:1::12", Probe("tcp", SECOND6, 80))
        self.reached(self.stray, "172.31.1.13")
        self.reached(self.plugged, "172.31.1.50")
        self.all_open(self.lab.host, "172.31.1.1", Probe("tcp", "172.31.1.50", 80))
        self.no_drops(netd)
        assert netd.child is not None
        netd.child.wait_for_line(r"would be denied: web \(172.31.1.10, web\) as 172.31.1.100 -> "
                                 r".*: the sender uses an address that Docker did not give it")
        netd.child.wait_for_line(r"would be denied: stray \(172.31.1.13, unmatched\) -> .*: no tier "
                                 "matches the container")
        audited = netd.status()["audited"]
        for reason in ("foreign-source", "unmatched", "misdirected"):
            self.assertGreater(audited.get(reason, 0), 0, audited)
        netd.off()
        netd = self.start_netd(ENFORCE)  # the control
        self.none_open(self.web, SECOND4, Probe("tcp", "172.31.1.1", 9100))
        self.none_open(self.db, "172.31.1.12", Probe("tcp", SECOND4, 80))
        self.none_open(self.stray, "172.31.1.13", Probe("tcp", "172.31.1.1", 9100))
        self.none_open(self.plugged, "172.31.1.50", Probe("tcp", "172.31.1.1", 9100))
        assert netd.child is not None
        netd.child.wait_for_line(r"denied: web \(172.31.1.10, web\) as 172.31.1.100 -> .*: the sender "
                                 "uses an address that Docker did not give it")
        netd.child.wait_for_line(r"denied: stray \(172.31.1.13, unmatched\) -> .*: no tier matches "
                                 "the container")

    def test_a_tier_in_audit_mode(self) -> None:
        """Its guard logs and passes; the enforced tier beside it is out of its reach."""
        self.second(self.web)
        netd = self.start_netd(WEB_AUDITED)
        self.reached(self.web, SECOND4)
        self.all_open(self.web2, "172.31.1.11", Probe("tcp", SECOND4, 80))
        self.all_open(self.web, SECOND4, Probe("tcp", "172.31.1.11", 80))
        self.all_open(self.lab.host, "172.31.1.1", Probe("tcp", SECOND4, 80))
        for source in ("172.31.1.10", SECOND4):
            self.none_open(self.web, source, Probe("tcp", "172.31.1.12", 80))
        self.none_open(self.db, "172.31.1.12", Probe("tcp", "172.31.1.10", 80),
                       Probe("tcp", SECOND4, 80), Probe("tcp", OUTSIDE, 443))
        assert netd.child is not None
        netd.child.wait_for_line(r"would be denied: web \(172.31.1.10, web\) as 172.31.1.100 -> ")
        self.borrow(self.web)

    def borrow(self, place: Container) -> None:
        """An enforced tier's address is not to be had, nor this host's."""
        self.none_open(self.stray, "172.31.1.13", Probe("tcp", "172.31.1.12", 80))
        self.second(place, 12)  # db's own
        self.lab.host.netns_exec(["ip", "neigh", "flush", "all"])
        self.none_open(place, "172.31.1.12", Probe("tcp", "172.31.1.1", 9100),
                       Probe("tcp", OUTSIDE, 443))
        # db goes on as itself.
        self.all_open(self.lab.host, "172.31.1.1", Probe("tcp", "172.31.1.12", 80))
        answers = self.lab.host.netns_exec(["ip", "neigh", "show", "172.31.1.12"])
        self.assertIn(self.mac_of(self.db), answers)

    def mac_of(self, container: Container) -> str:
        """As Docker tells it."""
        networks = container.inspect()["NetworkSettings"]["Networks"]
        return str(networks["app"]["MacAddress"])

    def test_what_no_tier_matches_is_left_alone(self) -> None:
        """Both ways, whatever addresses it uses, a port that no container owns too; and towards a
        tier it is nobody."""
        self.second(self.stray, 101)  # another one: the host remembers web behind the first
        netd = self.start_netd(IGNORE)
        wait_until("the port that no container owns to be known as such", lambda: "veth0plug" in
                   self.lab.host.netns_exec(["nft", "list", "set", "bridge", "netd",
                                             "left_alone_ports"]))
        before = netd.status()["denied"]  # until a port is known it is closed
        plugged, web = Probe("tcp", "172.31.1.50", 80), Probe("tcp", "172.31.1.10", 80)
        for place, source in ((self.stray, "172.31.1.13"), (self.stray, "172.31.1.101"),
                              (self.plugged, "172.31.1.50")):
            self.reached(place, source)
            self.all_open(place, source, Probe("tcp", "172.31.1.14", 80))
            self.none_open(place, source, web)
        self.all_open(self.stray2, "172.31.1.14", plugged, Probe("tcp", "172.31.1.101", 80))
        self.all_open(self.lab.host, "172.31.1.1", plugged, Probe("tcp", "172.31.1.101", 80),
                      Probe("tcp", "172.31.1.13", 80))
        self.none_open(self.web, "172.31.1.10", plugged, Probe("tcp", "172.31.1.101", 80),
                       Probe("tcp", "172.31.1.13", 80), Probe("tcp", OUTSIDE, 443))
        denied = netd.status()["denied"]
        guard = ("foreign-source", "not-admitted", "foreign-mac")
        self.assertEqual([before.get(reason) for reason in guard], [denied.get(reason) for reason in guard])
        assert netd.child is not None
        netd.child.wait_for_line(r"denied: stray \(172.31.1.13, unmatched\) -> web \(172.31.1.10, "
                                 r"web\), 80/tcp: no tier matches the container")
        self.borrow(self.stray)

    def test_before_docker_was_read(self) -> None:
        """After a boot nothing is known but the policy that was in force last: its mode decides."""
        away = ["--docker", "unix:///nonexistent"]
        targets = [Probe("tcp", "172.31.1.1", 9100), Probe("tcp", OUTSIDE, 443),
                   Probe("tcp", "172.31.1.12", 80)]
        for policy, state in ((AUDIT, "open"), (ENFORCE, "timeout")):
            with self.subTest(policy):
                self.start_netd(policy).off()  # no table is left, as after a boot
                netd = Netd(self.lab.host, policy, args=away)
                self.addCleanup(netd.off)
                netd.start()
                self.assertEqual([state] * len(targets), self.ask(self.web, "172.31.1.10", *targets))
                if state == "open":
                    self.no_drops(netd)
                netd.off()

    def test_frames_for_all(self) -> None:
        """What an audited or an ignored container tells everybody an enforced tier does not hear."""
        for policy, heard, deaf in ((WEB_AUDITED, self.web2, self.db),
                                    (IGNORE, self.stray2, self.db)):
            sender = self.web if policy is WEB_AUDITED else self.stray
            with self.subTest(sender=sender.name):
                netd = self.start_netd(policy)
                source = "172.31.1.10" if sender is self.web else "172.31.1.13"
                packet = f.ip4(source, "239.9.9.9", f.UDP,
                               f.udp(source, "239.9.9.9", 1, 5353, b"netd-tag" + bytes(4)), ttl=1)
                frame = f.ether(f.multicast_mac("239.9.9.9"), self.mac_of(sender), f.IP, packet)
                ears = [one.probe("listen-tags", "eth0", b"netd-tag".hex())
                        for one in (heard, deaf)]
                for ear in ears:
                    ear.wait_for_line("^ready$")
                sender.netns_exec([sender.probe_path, "raw", "eth0", frame.hex()])
                ears[0].wait_for_line("^in 00000000$")
                self.assertNotIn("in 00000000", ears[1].lines)
                for ear in ears:
                    ear.stop()
                netd.off()


if __name__ == "__main__":
    unittest.main()
