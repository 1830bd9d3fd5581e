# SPDX-License-Identifier: GPL-2.0-or-later
"""No window (G2): the rules of a container are there before its first instruction.

Containers that flood from their first instruction, towards every kind of target that is
denied: nothing arrives.  Containers that use an allowed target at once: nothing is lost.
"""
from __future__ import annotations

import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, Sequence, Tuple

from flows import Flow
from netd import TRIES, Child, Container, DockerCase, Netd, Place, Probe, figure

POLICY = """version: 1
tiers:
  client: {match: [{label: {role: client}}]}
  flood: {match: [{label: {role: flood}}]}
  server: {match: [{label: {role: server}}]}
allow:
  - {from: client, to: internet, ports: [9/udp, 443/tcp]}
  - {from: client, to: server, ports: [9/udp, 443/tcp]}
  - {from: client, to: host, ports: [9/udp, 443/tcp]}
"""
AT_ONCE = 4
# Docker 26 may lose all that a container has printed which ends before its start has been noted. So one that has
# little to do stays until it is removed.
STAYS = "; exec sleep 600"
# Where a container sends: another host, a container on its bridge, its own host.
TARGETS = {"outside4": "203.0.113.10", "outside6": "2001:db8:ff::10", "peer4": "172.31.1.10",
           "peer6": "fd00:31:1::10", "host4": "172.31.1.1", "host6": "fd00:31:1::1"}


def target(number: int) -> Tuple[str, str]:
    """The targets in turn: name and address."""
    return list(TARGETS.items())[number % len(TARGETS)]


class Starts(DockerCase):
    """One network; servers at all targets."""

    server: Container
    bridge: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        cls.bridge = host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        cls.server = host.run("server", "app", ip="172.31.1.10", ip6="fd00:31:1::10",
                              labels={"role": "server"}, cmd=["probe", "serve", "tcp/443"])
        host.serve("tcp/443")
        cls.lab.outside.serve("tcp/443")

    def sinks(self) -> Dict[str, Child]:
        """Counters of what arrives on udp/9, by place."""
        places: Sequence[Place] = (self.lab.outside, self.server, self.lab.host)
        sinks = {place.name: place.probe("sink", "udp", "9") for place in places}
        for sink in sinks.values():
            sink.wait_for_line("^ready$")
        return sinks

    def received(self, sinks: Dict[str, Child]) -> Dict[str, int]:
        """End the counters; what they saw."""
        return {name: int(sink.stop()[-1].split()[1]) for name, sink in sinks.items()}

    def start_many(self, prefix: str, role: str, commands: Sequence[Sequence[str]],
                   done: str) -> List[str]:
        """Start one container per command, AT_ONCE at a time; each one's log when done."""

        def one(number: int) -> str:
            container = self.lab.host.run(f"{prefix}{number}", "app", labels={"role": role},
                                          cmd=commands[number], wait=done)
            text = container.logs()
            container.remove()
            return text

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(len(commands))))

    def lasting(self, client: Container, port: int) -> List[Flow]:
        """One of each kind and protocol with @client at an end, alive; their ports begin at @port. The neighbour
        answers datagrams from its first address alone, so that those that last go there."""
        host, outside = self.lab.host, self.lab.outside
        ways = ((client, TARGETS["peer4"], self.server), (client, TARGETS["peer6"], self.server),
                (client, TARGETS["host4"], host), (client, TARGETS["host6"], host),
                (client, "192.0.2.9", outside), (client, "2001:db8:1::9", outside),
                (host, client.address("app"), client), (host, client.address("app", 6), client))
        flows = []
        for number, (source, addr, server) in enumerate(ways):
            for proto in ("tcp", "udp"):
                flow = Flow(f"{source.name} to {addr}", proto, source, addr, port + number, server)
                self.addCleanup(flow.stop)
                flows.append(flow)
        for flow in flows:
            flow.wait_alive()
        return flows


class Window(Starts):
    """Under a policy that asks for nothing but labels."""

    # Denied from the first instruction

    def flood(self, prefix: str, starts: int) -> Tuple[int, Dict[str, int]]:
        """@starts flooders; how much they sent, and what arrived where."""
        commands = [["probe", "flood", "--count", "4000", "--pause-us", "50", "udp",
                     target(n)[1], "9"] for n in range(starts)]
        sinks = self.sinks()
        logs = self.start_many(prefix, "flood", commands, "errors")
        sent = sum(int(re.findall(r"sent (\d+)", text)[0]) for text in logs)
        return sent, self.received(sinks)

    def test_nothing_that_is_denied_gets_out(self) -> None:
        _, arrived = self.flood("plain", len(TARGETS))
        self.assertTrue(all(arrived.values()), f"control: {arrived}")
        netd = self.start_netd(POLICY)
        sent, got = self.flood("flood", TRIES)
        figure("start window", f"{TRIES} starts, {sent} datagrams sent from the first "
               f"instruction on, {sum(got.values())} arrived (control, {len(TARGETS)} starts "
               f"without netd: {sum(arrived.values())})")
        self.assertGreater(sent, TRIES * 1000)
        self.assertEqual(got, {"outside": 0, "server": 0, "host": 0})
        self.check_latency(netd)
        self.assertEqual(netd.stop(), 0)

    def check_latency(self, netd: Netd) -> None:
        """`status` tells how long containers wait for their rules; 0: those were there before Docker
        told of it. How long is the benchmark's."""
        latency = netd.status()["event_to_commit"]
        figure(f"event -> committed, {AT_ONCE} starts at once under flood",
               f"p50 {latency['p50_us'] / 1000:.2f} ms, p99 {latency['p99_us'] / 1000:.2f} ms, "
               f"{latency['samples']} samples")
        self.assertGreaterEqual(latency["samples"], TRIES)
        self.assertLessEqual(latency["p50_us"], latency["p99_us"])

    # Allowed from the first instruction

    def use_at_once(self, prefix: str, starts: int) -> Tuple[List[str], Dict[str, int]]:
        """Containers whose first packet is a datagram or a TCP connect, in turn.

        A connect that is late has lost its first SYN."""
        commands = []
        for number in range(starts):
            name, addr = target(number)
            datagram = f"probe flood --count 1 udp {addr} 9"
            connect = f"probe connect --first-syn --timeout-ms 5000 tcp {addr} 443"
            both = (datagram, connect) if number // len(TARGETS) % 2 else (connect, datagram)
            commands.append(["sh", "-c", f"{'; '.join(both)}; echo done {name}{STAYS}"])
        sinks = self.sinks()
        logs = self.start_many(prefix, "client", commands, "done")
        return [text for text in logs if "open tcp" not in text], self.received(sinks)

    def expected(self, starts: int) -> Dict[str, int]:
        """How many datagrams each sink has to see."""
        counts = {"outside": 0, "server": 0, "host": 0}
        for number in range(starts):
            counts[target(number)[0][:-1].replace("peer", "server")] += 1
        return counts

    def test_nothing_that_is_allowed_is_lost(self) -> None:
        few = 2 * len(TARGETS)
        self.assertEqual(self.use_at_once("plain", few), ([], self.expected(few)), "control")
        netd = self.start_netd(POLICY)
        lost, got = self.use_at_once("client", TRIES)
        figure("first packets", f"{TRIES} starts: {sum(got.values())} of {TRIES} first "
               f"datagrams arrived, {TRIES - len(lost)} of {TRIES} connects with their first SYN")
        self.assertEqual([], lost)
        self.assertEqual(got, self.expected(TRIES))
        self.assertEqual(netd.stop(), 0)

    def test_an_address_that_had_another_mac(self) -> None:
        """The host still has the MAC in mind: from Docker 28 on each start comes with a new one."""
        self.start_netd(POLICY)
        addrs = ("172.31.1.20", "fd00:31:1::20")
        for addr in addrs:
            self.lab.host.netns_exec(["ip", "neighbour", "replace", addr, "lladdr",
                                      "02:42:00:00:00:99", "dev", self.bridge, "nud", "stale"])
        self.container("again", "app", ip=addrs[0], ip6=addrs[1], labels={"role": "server"})
        probes = [Probe("tcp", addr, 80) for addr in addrs]
        found = self.lab.host.probe_many(probes, 5000, options=["--first-syn"])
        self.assertEqual([found[probe].state for probe in probes], ["open", "open"])


if __name__ == "__main__":
    unittest.main()
