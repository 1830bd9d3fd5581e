# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers of macvlan networks, judged at the interface that they stand on.

The office is a neighbour on that interface's wire; what is not a container's is left alone there:
the host's own packets, and an admin's macvlan in a namespace that is not Docker's.
"""
from __future__ import annotations

import re
import unittest
from typing import Dict, List

from deluge import Counters
from netd import Container, DockerCase, HostOptions, Netd, Probe, TRIES, run, wait_until

TIERS = """version: 1
tiers:
  web:  {match: [{container: web}]}
  app:  {match: [{container: app}]}
  late: {match: [{container: "late*"}]}
"""
OFFICE4, OFFICE6 = "10.231.9.2", "fd00:231:9::2"
WEB4, WEB6 = "10.231.9.11", "fd00:231:9::11"
APP4, APP6 = "10.231.9.12", "fd00:231:9::12"
IN = [Probe("tcp", WEB4, 80), Probe("tcp", WEB6, 80), Probe("udp", WEB4, 53), Probe("udp", WEB6, 53)]
OUT = [Probe("tcp", OFFICE4, 80), Probe("tcp", OFFICE6, 80), Probe("udp", OFFICE4, 53),
       Probe("udp", OFFICE6, 53)]
# A datagram nobody has asked for, of a port that a rule opens.
SAY = f"""import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.bind(("{WEB4}", 5353))
    for _ in range(20):
        s.sendto(b"x", ("{OFFICE4}", 7777))
"""
ALLOW_IN = TIERS + "allow:\n  - {from: lan, to: web, ports: [80/tcp, 53/udp]}\n"
ALLOW_OUT = TIERS + "allow:\n  - {from: web, to: lan, ports: [80/tcp, 53/udp]}\n"


class Parent(DockerCase):
    """Two containers on lan0 and its VLAN-less wire, an admin's macvlan beside them."""

    options = HostOptions(ip_forward=True)
    containers: Dict[str, Container]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.docker("network", "create", "--driver=macvlan", "--opt=parent=lan0", "--ipv6",
                    "--subnet=10.231.9.0/24", "--gateway=10.231.9.1",
                    "--subnet=fd00:231:9::/64", "--gateway=fd00:231:9::1", "flat")
        serve = ["probe", "serve", "tcp/80", "udp/53"]
        cls.containers = {name: host.run(name, "flat", ip=addr, ip6=six, cmd=serve)
                          for name, addr, six in (("web", WEB4, WEB6),
                                                  ("app", APP4, APP6))}
        cls.lab.office.serve("tcp/80", "udp/53")

    def test_to_a_container(self) -> None:
        """Each port is its own: none is reached before a rule opens it, over either family."""
        office = self.lab.office
        self.assert_open(office, *IN)
        netd = self.start_netd(TIERS)
        self.assert_denied(office, *IN)
        self.assertFalse(netd.allowed("192.168.1.5", "web", "80/tcp", 4))
        wait_until("the denial in the log", lambda: re.search(
            rf"denied: .*{re.escape(OFFICE4)}.*web", netd.log()))
        netd.apply(ALLOW_IN)
        self.assert_open(office, *IN)
        self.assert_denied(office, Probe("tcp", APP4, 80))
        self.assertTrue(netd.allowed(OFFICE4, "web", "80/tcp", 4))
        netd.apply(ALLOW_IN + f"deny:\n  - {{from: {OFFICE4}, to: web}}\n")
        self.assert_denied(office, IN[0], IN[2])
        self.assert_open(office, IN[1], IN[3])

    def test_from_a_container(self) -> None:
        web = self.containers["web"]
        self.assert_open(web, *OUT)
        netd = self.start_netd(TIERS)
        self.assert_denied(web, *OUT)
        self.assertFalse(netd.allowed("web", OFFICE4, "80/tcp", 4))
        netd.apply(ALLOW_OUT)
        self.assert_open(web, *OUT)
        self.assert_denied(self.lab.office, *IN)  # an answer begins nothing
        self.assert_denied(self.containers["app"], OUT[0])
        self.assertTrue(netd.allowed("web", OFFICE6, "53/udp", 6))

    def test_what_a_rule_lets_in_sends_nothing_by_itself(self) -> None:
        """From the port that is open, to whom may call it: datagrams nobody asked for."""
        web = self.containers["web"]
        heard = self.lab.office.serve("udp/7777")
        self.addCleanup(heard.stop)
        netd = self.start_netd(ALLOW_IN + "  - {from: lan, to: web, ports: [5353/udp]}\n"
                                          "  - {from: web, to: lan, ports: [7777/udp]}\n")
        web.netns_exec(["python3", "-c", SAY])
        wait_until("the control", lambda: any(" from [" in line for line in heard.lines))
        netd.apply(ALLOW_IN + "  - {from: lan, to: web, ports: [5353/udp]}\n")
        told = len(heard.lines)
        web.netns_exec(["python3", "-c", SAY])
        wait_until("the denial in the log",
                   lambda: re.search(rf"denied: .*{re.escape(OFFICE4)}.*7777", netd.log()))
        self.assertEqual(told, len(heard.lines))

    def test_a_connection_ends_with_its_rule(self) -> None:
        web = self.containers["web"]
        netd = self.start_netd(ALLOW_OUT)
        held = web.probe("hold", "tcp", OFFICE4, "80")
        self.addCleanup(held.stop)

        def alive() -> int:
            return sum(line.startswith("alive") for line in held.lines)

        wait_until("echoes", lambda: alive() > 5)
        netd.apply(TIERS)
        before = alive()
        self.assert_denied(web, OUT[0])  # half a second
        self.assertLessEqual(alive() - before, 1)  # what was on its way
        netd.apply(ALLOW_OUT)
        wait_until("echoes again", lambda: alive() > before + 5)

    def test_others_on_the_interface(self) -> None:
        """The host itself, and what an admin has put there; the control is the container."""
        host, office = self.lab.host, self.lab.office
        host.netns_exec(["ip", "netns", "add", "admins"])
        self.addCleanup(host.netns_exec, ["ip", "netns", "del", "admins"])
        for line in ("link add mv0 link lan0 type macvlan mode bridge",
                     "link set mv0 netns admins", "-n admins addr add 10.231.9.77/24 dev mv0",
                     "-n admins link set mv0 up"):
            host.netns_exec(["ip", *line.split()])
        self.start_netd(TIERS)
        self.assert_denied(self.containers["web"], OUT[0])
        self.assert_open(host, OUT[0], OUT[2])
        answer = host.netns_exec(["ip", "netns", "exec", "admins", "busybox", "ping", "-c", "1",
                                  "-W", "5", OFFICE4])
        self.assertIn("1 packets received", answer)
        self.assertIn("1 packets received",
                      office.netns_exec(["busybox", "ping", "-c", "1", "-W", "5", "10.231.9.77"]))

    def test_between_siblings(self) -> None:
        """The kernel hands what they send each other to the interface, as if it had come in."""
        web, app = self.containers["web"], self.containers["app"]
        ways = [Probe("tcp", APP4, 80), Probe("udp", APP4, 53), Probe("tcp", APP6, 80),
                Probe("udp", APP6, 53)]
        self.assert_open(web, *ways)
        netd = self.start_netd(ALLOW_IN + "  - {from: lan, to: app}\n")
        self.assert_denied(web, *ways)  # no container is one of the lan
        self.assertFalse(netd.allowed("web", "app", "80/tcp", 4))
        wait_until("the denial in the log", lambda: re.search("denied: .*web.*app", netd.log()))
        netd.apply(TIERS + "allow:\n  - {from: web, to: app, ports: [80/tcp, 53/udp]}\n")
        self.assert_open(web, *ways)
        self.assertTrue(netd.allowed("web", "app", "53/udp", 6))
        self.assert_denied(app, *IN)
        [row] = [e for e in netd.ask("endpoints")["endpoints"] if e["container"] == "web"]
        self.assertEqual((row["state"], row["tier"], row["parent"]), ("tier", "web", "lan0"))
        self.assertEqual(netd.status()["endpoints"]["not-enforced"], 0)

    def test_within_a_tier(self) -> None:
        web, ways = self.containers["web"], [Probe("tcp", APP4, 80), Probe("udp", APP6, 53)]
        both = "version: 1\ntiers:\n  both: {match: [{container: web}, {container: app}]}\n"
        netd = self.start_netd(both)
        self.assert_open(web, *ways)
        netd.apply(both.replace("]}\n", "], within: deny}\n"))
        self.assert_denied(web, *ways)

    def test_audit_lets_pass_and_says(self) -> None:
        web, office = self.containers["web"], self.lab.office
        netd = self.start_netd(TIERS.replace("version: 1", "version: 1\nmode: audit"))
        self.assert_open(office, *IN)
        self.assert_open(web, *OUT)
        wait_until("it in the log", lambda: "would be denied" in netd.log())

    def test_it_is_what_was_committed(self) -> None:
        """netd finds its own table in the kernel as it was committed, and takes it away."""
        host = self.lab.host
        netd = self.start_netd(ALLOW_IN)
        self.assertEqual([], netd.ask("verify")["drifts"])
        self.assertIn("hook egress", host.netns_exec(["nft", "list", "table", "netdev", "netd"]))
        netd.off()
        self.assertNotIn("netdev", host.netns_exec(["nft", "list", "tables"]))

    def test_a_parent_that_is_made_anew(self) -> None:
        """Who stands on the others is judged meanwhile; then another interface has its name."""
        host, office = self.lab.host, self.lab.office
        port = Probe("tcp", "10.231.7.11", 80)
        tiers = TIERS + "  side: {match: [{container: side}]}\n"

        def lay() -> None:
            """One more wire to the office."""
            run(["nsenter", "-t", str(host.pid), "-n", "--", "ip", "link", "add", "lan7", "type",
                 "veth", "peer", "name", "eth7", "netns", str(office.pid)])
            host.netns_exec("ip link set lan7 up".split())
            office.netns_exec("ip addr add 10.231.7.2/24 dev eth7".split())
            office.netns_exec("ip link set eth7 up".split())

        def hooks() -> str:
            return host.netns_exec(["nft", "list", "table", "netdev", "netd"])

        lay()
        self.addCleanup(host.netns_exec, "ip link del lan7".split())
        host.docker("network", "create", "--driver=macvlan", "--opt=parent=lan7",
                    "--subnet=10.231.7.0/24", "seventh")
        self.addCleanup(host.docker, "network", "rm", "seventh")
        side = host.run("side", "seventh", ip=port.addr, cmd=["probe", "serve", "tcp/80"])
        self.addCleanup(side.remove)
        self.assert_open(office, port)
        netd = self.start_netd(tiers)
        self.assert_denied(office, port)
        self.assertIn("lan7", hooks())
        host.docker("stop", "--time=2", side.id)
        host.netns_exec("ip link del lan7".split())
        wait_until("netd to know that it is gone", lambda: "lan7" not in hooks() and
                   netd.ask("verify")["drifts"] == [])
        self.assert_denied(office, IN[0])
        lay()
        side.start()
        wait_until("netd to know that it is back", lambda: "lan7" in hooks())
        self.assert_denied(office, port)
        self.assertEqual([], netd.ask("verify")["drifts"])
        netd.apply(tiers + "allow:\n  - {from: lan, to: side, ports: [80/tcp]}\n")
        self.assert_open(office, port)

    def test_starts_under_flood(self) -> None:
        """Datagrams from the office for the address that each container will have."""
        office, host = self.lab.office, self.lab.host
        flood = office.probe("flood", "--seconds", "900", "--pause-us", "300", "udp",
                             "10.231.9.99", "9")
        self.addCleanup(flood.stop)
        sink = ["probe", "sink", "udp", "9"]

        def received(name: str) -> int:
            # Left to itself Docker gives it the office's IPv6 address.
            late = host.run(name, "flat", ip="10.231.9.99", ip6="fd00:231:9::99", cmd=sink)
            so_far = Counters(office).sent4
            begin = so_far()
            wait_until("the flood to go on", lambda: so_far() - begin > 200)
            host.docker("stop", "--time=5", late.id)
            got = int(late.logs().split("received ")[1].split()[0])
            late.remove()
            return got

        self.assertGreater(received("control"), 0)
        netd: Netd = self.start_netd(TIERS)
        through: List[int] = [received(f"late{number}") for number in range(TRIES)]
        self.assertEqual(0, sum(through))
        netd.apply(TIERS + "allow:\n  - {from: lan, to: late, ports: [9/udp]}\n")
        self.assertGreater(received("late"), 0)


if __name__ == "__main__":
    unittest.main()
