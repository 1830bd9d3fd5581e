# SPDX-License-Identifier: GPL-2.0-or-later
"""Sandboxes that Docker plugs in and no container stands for: builds of BuildKit, swarm's ingress.

No event tells of them. Builds by the legacy builder, whose sandboxes are containers, stand beside
them: a Dockerfile does not say by whom it is built."""
from __future__ import annotations

import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, Sequence

from netd import (TRIES, Child, Container, DockerCase, LabError, Place, Probe, figure, wait_until)

HEAD = """version: 1
tiers:
  builds: {match: [{endpoint: build}, {label: {role: build}}]}
  legacy: {match: [{network: bridge}]}
  server: {match: [{label: {role: server}}]}
  flood: {match: [{label: {role: flood}}]}
"""
OPEN = HEAD + "allow:\n  - {from: [builds, legacy], to: internet, ports: [80/tcp, 9/udp]}\n"
CLOSED = "version: 1\ntiers:\n  server: {match: [{label: {role: server}}]}\n"
INTERNET, OTHER_PORT = "203.0.113.10 80", "203.0.113.10 81"
SERVER, HOST = "172.30.0.2 80", "172.30.0.1 443"  # docker0's first address is dealt first
EVERYWHERE = (INTERNET, OTHER_PORT, SERVER, HOST)
BUILDERS = (True, False)  # BuildKit or not


def connect(*targets: str, timeout_ms: int = 900) -> str:
    """A command that prints "open tcp TARGET …" for each that answers."""
    lines = "; ".join(f"echo tcp {target}" for target in targets)
    return f"({lines}) | probe connect --timeout-ms {timeout_ms} -"


class Sandbox(Place):
    """The network of a RUN that waits for @seconds, with all capabilities: frames as an attacker
    makes them by hand."""

    def __init__(self, host: Place, seconds: int) -> None:
        super().__init__("sandbox", host.probe_path, host.ports)
        self.host, self.mark = host, f"sleep\\0{seconds}\\0"
        self.pid = wait_until("a RUN", self._find)

    def _find(self) -> str:
        script = ("for p in /proc/[0-9]*; do [ \"$(tr '\\0' ' ' <$p/cmdline)\" = \"$0\" ] && "
                  "basename $p; done; true")
        text = self.mark.replace("\\0", " ")
        found = self.host.netns_exec(["sh", "-c", script, text], check=False).split()
        return found[0] if found else ""

    def enter(self, argv: Sequence[str]) -> List[str]:
        return self.host.enter(["nsenter", "-t", self.pid, "-n", "--", *argv])


class Builds(DockerCase):
    """A server on docker0, beside which builds run."""

    server: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.lab.host.run("server", "bridge", labels={"role": "server"})
        assert cls.server.address("bridge") == SERVER.split()[0]
        cls.lab.host.serve("tcp/443")
        cls.lab.outside.serve("tcp/80", "tcp/81")

    def reached(self, buildkit: bool, timeout_ms: int = 900) -> List[str]:
        """Of all targets, those that answer a RUN."""
        text = self.lab.host.build(connect(*EVERYWHERE, timeout_ms=timeout_ms), buildkit=buildkit)
        return [target for target in EVERYWHERE if f"open tcp {target}" in text]

    def sinks(self, *ports: int) -> Dict[str, Child]:
        """Counters of datagrams at the places that builds may try to reach."""
        places: Sequence[Place] = (self.lab.outside, self.server, self.lab.host)
        sinks = {f"{place.name} {port}": place.probe("sink", "udp", str(port))
                 for place in places for port in ports}
        for sink in sinks.values():
            sink.wait_for_line("^ready$")
        return sinks

    def received(self, sinks: Dict[str, Child]) -> Dict[str, int]:
        """End the counters; what they saw."""
        return {name: int(sink.stop()[-1].split()[1]) for name, sink in sinks.items()}

    # What a build reaches

    def test_what_a_build_reaches(self) -> None:
        for buildkit in BUILDERS:
            self.assertEqual(self.reached(buildkit, 3000), list(EVERYWHERE), "control: plain Docker")
        netd = self.start_netd(CLOSED)
        for buildkit in BUILDERS:
            self.assertEqual(self.reached(buildkit), [], "control: without a rule")
        self.assertRegex(netd.log(), r"no tier matches sandbox build-\w{12} on bridge")
        self.assertRegex(netd.log(), r"no tier matches container \w+ on bridge")
        netd.apply(OPEN)
        for buildkit in BUILDERS:
            # How soon is another test's question: a slow machine is no denial.
            self.assertEqual(self.reached(buildkit, 3000), [INTERNET], "with a rule")
        self.assertEqual(netd.stop(), 0)

    def test_modes_that_leave_builds_alone(self) -> None:
        for mode in ("mode: audit", "unmatched: ignore"):
            self.start_netd(CLOSED.replace("version: 1", "version: 1\n" + mode))
            for buildkit in BUILDERS:
                self.assertIn(INTERNET, self.reached(buildkit, 3000), mode)
            self.doCleanups()

    def test_what_is_told_of_it(self) -> None:
        netd = self.start_netd(OPEN)
        with self.running(4321):
            sandbox = Sandbox(self.lab.host, 4321)
            [build] = [e for e in netd.ask("endpoints")["endpoints"] if e.get("kind") == "build"]
            self.assertEqual((build["tier"], build["network"]), ("builds", "bridge"))
            name = build["container"]
            self.assertTrue(netd.allowed(name, "203.0.113.10", "80/tcp", 4))
            self.assertFalse(netd.allowed(name, "203.0.113.10", "81/tcp", 4))
            self.assertFalse(netd.allowed(name, "server", "80/tcp", 4))
            self.assert_denied(sandbox, Probe("tcp", "203.0.113.10", 81))
            wait_until("the denial in the log", lambda: f"denied: {name} (" in netd.log())
            # Readings show no sandbox in any list: it stays what it is.
            netd.host.netns_exec(["ip", "link", "add", "odd0", "type", "veth", "peer", "odd1"])
            netd.host.netns_exec(["ip", "link", "set", "odd0", "master", "docker0"])
            wait_until("a reading", lambda: "explains port odd0" in netd.log())
            netd.host.netns_exec(["ip", "link", "del", "odd0"])
            self.assert_open(sandbox, Probe("tcp", "203.0.113.10", 80))
        wait_until("its end", lambda: not [e for e in netd.ask("endpoints")["endpoints"]
                                           if e.get("kind")])

    # From the first instruction

    def flood(self, builds: int) -> Dict[str, int]:
        """@builds that flood from their first instruction; what arrived where."""
        targets = ["203.0.113.10", SERVER.split()[0], HOST.split()[0]]
        sinks = self.sinks(7)
        for number in range(builds):
            self.lab.host.build(f"probe flood --count 2000 --pause-us 50 udp "
                                f"{targets[number % len(targets)]} 7")
        return self.received(sinks)

    def test_nothing_that_is_denied_gets_out(self) -> None:
        arrived = self.flood(3)
        self.assertTrue(all(arrived.values()), f"control: {arrived}")
        self.start_netd(OPEN)
        got = self.flood(TRIES)
        figure("builds that flood", f"{TRIES} RUNs, {TRIES * 2000} datagrams sent from the first "
               f"instruction on, {sum(got.values())} arrived (control, 3 RUNs without netd: "
               f"{sum(arrived.values())})")
        self.assertEqual(set(got.values()), {0}, got)

    def test_nothing_that_is_allowed_is_lost(self) -> None:
        self.start_netd(OPEN)
        sinks = self.sinks(9)
        step = f"probe flood --count 1 udp 203.0.113.10 9; probe connect --first-syn --timeout-ms 5000 tcp {INTERNET}"
        texts = [self.lab.host.build(step) for _ in range(TRIES)]
        got = self.received(sinks)
        opened = sum(f"open tcp {INTERNET}" in text for text in texts)
        figure("builds that use what they may at once", f"{TRIES} RUNs: {got['outside 9']} first "
               f"datagrams and {opened} first SYNs arrived")
        self.assertEqual((got["outside 9"], opened), (TRIES, TRIES))

    # Who comes after it

    def heir(self, name: str) -> str:
        """A container that floods what a build may do; its address."""
        flood = self.container(name, "bridge", labels={"role": "flood"}, wait="errors", cmd=[
            "sh", "-c", "ip -4 addr show eth0; probe flood --count 2000 --pause-us 50 udp "
            "203.0.113.10 9; sleep 60"])
        text = flood.logs()
        flood.remove()
        return text.split("inet ")[1].split("/")[0]

    def test_heirs(self) -> None:
        self.start_netd(OPEN)
        sinks = self.sinks(9)
        step = "ip -4 addr show eth0; probe flood --count 1 udp 203.0.113.10 9"
        builds = max(TRIES // 5, 3)
        addresses: List[str] = []
        for number in range(builds):
            text = self.lab.host.build(step)
            addresses.append(text.split("inet 172")[1].split("/")[0])
            addresses.append(self.heir(f"heir{number}").removeprefix("172"))
        got = self.received(sinks)
        figure("builds and denied containers in turn", f"{builds} each, on "
               f"{len(set(addresses))} addresses: {got['outside 9']} datagrams arrived")
        self.assertEqual(got["outside 9"], builds)

    # Whose addresses it may use

    def running(self, seconds: int) -> "Running":
        """A build whose RUN goes on until the end of the block."""
        return Running(self.lab.host, seconds)

    def test_addresses_of_others(self) -> None:
        target = Probe("tcp", "203.0.113.10", 80)

        def spoof(seconds: int) -> Dict[str, str]:
            """Its own address, one more, a neighbour's: what comes of each."""
            with self.running(seconds):
                sandbox = Sandbox(self.lab.host, seconds)
                sandbox.netns_exec(["ip", "addr", "add", "172.30.0.77/24", "dev", "eth0"])
                return {source or "own": sandbox.probe_many([target], 3000, source)[target].state
                        for source in (None, "172.30.0.77")}

        self.assertEqual(spoof(5001), {"own": "open", "172.30.0.77": "open"}, "control")
        self.start_netd(OPEN)
        self.assertEqual(spoof(5002), {"own": "open", "172.30.0.77": "timeout"})


class Running:
    """A build in the background."""

    def __init__(self, host: Place, seconds: int) -> None:
        self.host, self.seconds = host, seconds
        self.pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "Running":
        self.done = self.pool.submit(self._build)
        return self

    def _build(self) -> str:
        try:
            return self.host.build(f"exec sleep {self.seconds}")  # type: ignore[attr-defined]
        except LabError:
            return ""  # it was ended

    def __exit__(self, *_: object) -> None:
        pid = Sandbox(self.host, self.seconds).pid
        self.host.netns_exec(["kill", "-9", pid])
        self.done.result()
        self.pool.shutdown()


SWARM = """version: 1
tiers:
  ingress: {match: [{endpoint: ingress}]}
%s"""


class Swarm(DockerCase):
    """The sandbox at which the published ports of services arrive."""

    def test_ingress(self) -> None:
        host = self.lab.host
        host.docker("swarm", "init", "--advertise-addr", "192.0.2.1")
        self.addCleanup(host.docker, "swarm", "leave", "--force")
        network = wait_until("the ingress sandbox", lambda: [
            n for n in host.api("GET", "/networks") if n["Name"] == "docker_gwbridge"])
        endpoint = wait_until("its endpoint", lambda: host.api(
            "GET", f"/networks/{network[0]['Id']}")["Containers"].get("ingress-sbox"), 20)
        address = endpoint["IPv4Address"].split("/")[0]
        inside = f"--net={host.folder}/exec/netns/ingress_sbox"
        child = host.spawn(["nsenter", inside, "--", host.probe_path, "serve", "tcp/8080"])
        child.wait_for_line("^ready$")
        for rule in (["-t", "nat", "-I", "PREROUTING", "-d", "192.0.2.1", "-p", "tcp", "--dport",
                      "8080", "-j", "DNAT", "--to", f"{address}:8080"],
                     ["-I", "FORWARD", "-p", "tcp", "-j", "ACCEPT"]):
            host.netns_exec(["iptables", *rule])  # as Docker does for a service
        published, direct = Probe("tcp", "192.0.2.1", 8080), Probe("tcp", address, 8080)
        self.assert_open(self.lab.outside, published)
        netd = self.start_netd(SWARM % "")
        [ingress] = netd.ask("endpoints")["endpoints"]
        self.assertEqual((ingress["kind"], ingress["tier"], ingress["network"]),
                         ("ingress", "ingress", "docker_gwbridge"))
        self.assert_open(host, direct)
        self.assert_denied(self.lab.outside, published)
        netd.apply(SWARM % "allow:\n  - {from: internet, to: ingress, ports: [8080/tcp]}\n")
        self.assert_open(self.lab.outside, published)


if __name__ == "__main__":
    unittest.main()
