# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab proves itself on plain Docker, without netd.

What is open here are the positive controls of later tests: a test that shows
something to be denied means nothing unless the same probe gets through without
netd.  And whatever happens to a lab, nothing of it may stay behind.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from lab import (OFFICE, OUTSIDE, PREFIX, Container, HostOptions, Lab, LabError, Matrix, Place,
                 Probe, cgroups_of, engine_version, missing, probe_many, probe_matrix,
                 processes_of, remove_leftovers)
from place import wait_until

SUBNETS = {
    "frontend": ("172.31.1.0/24", "fd00:31:1::/64"),
    "backend": ("172.31.2.0/24", "fd00:31:2::/64"),
    "internal": ("172.31.3.0/24", "fd00:31:3::/64"),
}

# Up to Docker 26, networks are isolated for IPv4 only, and neighbours can send to a container's own
# address; from 27 on neither IPv6 nor a port that is not published is open by that way. Containers
# reach each other by the host's published port through docker-proxy, and each service on the host.
EXPECTED_UP_TO_26 = """
         web4     web6  app4     db4      port4  port6  host4  host6
web      open     open  timeout  timeout  open   open   open   open
app      timeout  open  open     timeout  open   open   open   open
db       timeout  open  timeout  open     open   open   open   open
host     open     open  open     open     open   open   open   open
outside  open     open  timeout  timeout  open   open   open   open
"""
EXPECTED = """
         web4     web6     app4     db4      port4  port6  host4  host6
web      open     open     timeout  timeout  open   open   open   open
app      timeout  timeout  open     timeout  open   open   open   open
db       timeout  timeout  timeout  open     open   open   open   open
host     open     open     open     open     open   open   open   open
outside  timeout  timeout  timeout  timeout  open   open   open   open
"""


def machine_state() -> Dict[str, str]:
    """What a lab must leave as it is, as far as nobody else changes it during a test."""

    def read(*argv: str) -> str:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    return {
        "addresses": read("ip", "-o", "address", "show", "scope", "global"),
        "routes": read("ip", "route") + read("ip", "-6", "route"),
        "rules": read("nft", "list", "ruleset"),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "keys": Path("/proc/sys/kernel/keys/root_maxkeys").read_text(),
    }


def remains_of(folder: Path) -> List[str]:
    """Everything of the lab in @folder that still exists."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines()
              if str(folder) in line]
    mounts += [str(path) for path in Path("/run/netns").glob(f"*{folder.name}*")]
    found = [f"process {pid}" for pid in processes_of(folder)] + mounts + cgroups_of(folder.name)
    return found + ([str(folder)] if folder.exists() else [])


class LabCase(unittest.TestCase):
    """One lab for all tests of a class."""

    lab: Lab
    options = HostOptions()

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab(cls.options, (OUTSIDE, OFFICE))
        cls.addClassCleanup(cls.lab.close)
        cls.lab.start()

    def state(self, place: Place, proto: str, addr: str, port: int) -> str:
        """The state of one probe from @place."""
        return place.probe_many([Probe(proto, addr, port)])[Probe(proto, addr, port)].state


class PlainDocker(LabCase):
    """Three networks, as Docker alone connects and separates them."""

    web: Container
    app: Container
    db: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        for name, (subnet4, subnet6) in SUBNETS.items():
            host.network(name, subnet4, subnet6)
        cmd = ["probe", "serve", "--log", "tcp/80", "udp/53"]
        cls.web = host.run("web", "frontend", ip="172.31.1.10", ip6="fd00:31:1::10",
                           publish=["8080:80", "8053:53/udp"], cmd=cmd)
        cls.app = host.run("app", "backend", ip="172.31.2.10", ip6="fd00:31:2::10", cmd=cmd)
        cls.db = host.run("db", "internal", ip="172.31.3.10", ip6="fd00:31:3::10", cmd=cmd)
        host.serve("tcp/9100", "udp/9101")

    def test_matrix(self) -> None:
        targets = {
            "web4": Probe("tcp", "172.31.1.10", 80), "web6": Probe("tcp", "fd00:31:1::10", 80),
            "app4": Probe("tcp", "172.31.2.10", 80), "db4": Probe("udp", "172.31.3.10", 53),
            "port4": Probe("tcp", "192.0.2.1", 8080), "port6": Probe("tcp", "2001:db8:1::1", 8080),
            "host4": Probe("tcp", "192.0.2.1", 9100), "host6": Probe("udp", "2001:db8:1::1", 9101),
        }
        lab = self.lab
        got = probe_matrix([self.web, self.app, self.db, lab.host, lab.outside], targets)
        old = engine_version() < (27,)
        got.check(Matrix.parse(EXPECTED_UP_TO_26 if old else EXPECTED))

    def test_the_engine_is_the_one_that_was_asked_for(self) -> None:
        version = engine_version()
        running = str(self.lab.host.api("GET", "/version")["Version"])
        self.assertTrue(running.startswith(f"{version[0]}.{version[1]}."), running)
        if os.environ.get("ENGINE") in ("26", "28"):
            self.assertEqual(str(version[0]), os.environ["ENGINE"])

    def test_published_port_shows_the_client(self) -> None:
        v4, v6 = Probe("tcp", "192.0.2.1", 8080), Probe("tcp", "2001:db8:1::1", 8080)
        answer = probe_many(self.lab.outside, [v4, v6])
        self.assertIn("hello [192.0.2.9]", answer[v4].text)
        proxied = engine_version() < (27,)  # from there on ip6tables do it
        seen = "fd00:31:1::1" if proxied else "2001:db8:1::9"
        self.assertIn(f"hello [{seen}]", answer[v6].text)
        self.assertEqual(self.state(self.lab.outside, "udp", "192.0.2.1", 8053), "open")
        self.assertEqual(self.state(self.lab.office, "tcp", "10.231.9.1", 8080), "open")

    def test_localhost(self) -> None:
        for addr in ("127.0.0.1", "::1"):
            self.assertEqual(self.state(self.lab.host, "tcp", addr, 8080), "open")

    def test_same_network(self) -> None:
        peer = self.lab.host.run("peer", "frontend")
        self.addCleanup(peer.remove)
        self.assertEqual(self.state(peer, "tcp", "172.31.1.10", 80), "open")
        self.assertEqual(self.state(peer, "udp", "fd00:31:1::10", 53), "open")
        self.assertIn("open tcp", peer.exec(["probe", "connect", "tcp", "172.31.1.10", "80"]))

    def test_the_world_outside(self) -> None:
        self.lab.outside.serve("tcp/443")
        for addr in ("203.0.113.10", "192.0.2.9"):
            self.assertEqual(self.state(self.web, "tcp", addr, 443), "open")

    def test_a_syn_that_was_lost_is_told(self) -> None:
        """Whoever waits long enough does not see it; the kernel has counted it."""
        host, probe = self.lab.host, Probe("tcp", "192.0.2.1", 9100)

        def ask() -> str:
            return self.lab.outside.probe_many([probe], 5000, options=["--first-syn"])[probe].state

        self.assertEqual(ask(), "open")
        host.netns_exec(["nft", "-f", "-"], stdin="table ip lose { chain input { type filter hook input priority -300; "
                        "tcp dport 9100 tcp flags syn numgen inc mod 2 0 drop; }; }\n")
        self.addCleanup(host.netns_exec, ["nft", "delete", "table", "ip", "lose"])
        self.assertEqual(ask(), "late")

    def test_states(self) -> None:
        host = self.lab.host
        self.assertEqual(self.state(host, "tcp", "172.31.1.10", 81), "closed")
        self.assertEqual(self.state(host, "udp", "172.31.1.10", 54), "closed")
        self.assertEqual(self.state(host, "tcp", "172.31.1.99", 80), "timeout")
        blackhole = Probe("udp", "198.51.100.1", 53)
        host.netns_exec(["ip", "route", "add", "unreachable", "198.51.100.0/24"])
        self.addCleanup(host.netns_exec, ["ip", "route", "del", "unreachable", "198.51.100.0/24"])
        self.assertEqual(host.probe_many([blackhole])[blackhole].state, "unreachable")
        self.assertEqual(self.state(self.web, "udp", "198.51.100.1", 53), "unreachable")

    def test_many_probes(self) -> None:
        probes = [Probe("tcp", "172.31.1.10", port) for port in range(1, 801)]
        answers = self.lab.host.probe_many(probes, 2000)
        self.assertEqual([p.port for p in probes if answers[p].state == "open"], [80])

    def test_networks_are_closed_by_docker_not_by_the_lab(self) -> None:
        """The counter-proof: without Docker's isolation the same probe gets through."""
        self.assertEqual(self.state(self.app, "tcp", "172.31.1.10", 80), "timeout")
        for table, chain in (("filter", "FORWARD"), ("raw", "PREROUTING")):
            rule = [chain, "-j", "ACCEPT"]
            self.lab.host.netns_exec(["iptables", "-t", table, "-I", *rule])
            self.addCleanup(self.lab.host.netns_exec, ["iptables", "-t", table, "-D", *rule])
        self.assertEqual(self.state(self.app, "tcp", "172.31.1.10", 80), "open")


class Traffic(LabCase):
    """The probe tool's lasting traffic, and a drop rule that stops it."""

    web: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.lab.host.network("frontend", *SUBNETS["frontend"])
        cls.web = cls.lab.host.run("web", "frontend", ip="172.31.1.10",
                                   cmd=["probe", "serve", "tcp/80", "udp/53"])

    def cut(self) -> None:
        """Drop all that the host forwards or sends to the container."""
        nft = self.lab.host.netns_exec
        nft(["nft", "-f", "-"], stdin="""
            table ip cut {
                chain out { type filter hook output priority 0; ip daddr 172.31.1.10 drop; }
            }
        """)
        self.addCleanup(nft, ["nft", "delete", "table", "ip", "cut"])

    def test_hold_sees_the_cut(self) -> None:
        for proto, port in (("tcp", "80"), ("udp", "53")):
            with self.subTest(proto):
                hold = self.lab.host.probe("hold", proto, "172.31.1.10", port)
                hold.wait_for_line("^alive 3$")
                self.cut()
                hold.forget_lines()
                with self.assertRaises(LabError):
                    while True:  # what was on its way when the rule came may still arrive
                        hold.wait_for_line("^alive", timeout=0.5)
                hold.stop()
                self.doCleanups()

    def test_stream_sees_the_stall(self) -> None:
        serve = self.web.probe("stream", "serve", "5001")
        serve.wait_for_line("ready")
        stream = self.lab.host.probe("stream", "get", "172.31.1.10", "5001")
        stream.wait_for_line("progress")
        self.cut()
        stream.wait_for_line(r"gap_ms ([3-9]\d\d|\d{4,})", timeout=5)
        self.doCleanups()
        self.assertRegex(stream.stop()[-1], r"^total bytes \d+ gap_ms \d+$")
        serve.stop()

    def test_flood_from_the_first_instruction(self) -> None:
        sink = self.lab.outside.probe("sink", "udp", "9")
        sink.wait_for_line("ready")
        flood = self.lab.host.run(
            "flood", "frontend", wait="sent 500",
            cmd=["probe", "flood", "--count", "500", "--pause-us", "10", "udp", "203.0.113.10",
                 "9"])
        self.addCleanup(flood.remove)
        self.assertIn("sent 500 errors 0", flood.logs())
        self.assertEqual(sink.stop()[-1], "received 500 lowest 0 highest 499")

    def test_raw_frames(self) -> None:
        peer = self.lab.host.run("peer", "frontend")
        self.addCleanup(peer.remove)
        listen = self.web.probe("listen-raw", "eth0", "20", "c0ffee")
        listen.wait_for_line("ready")
        frame = "ffffffffffff" + "020000000001" + "88b5" + "c0ffee".ljust(92, "0")
        self.assertEqual(peer.exec(["probe", "raw", "eth0", frame, "3"]), "sent 3\n")
        self.assertEqual(listen.stop()[-1], "in 3 out 0")

    def test_dockerd_comes_back(self) -> None:
        host = self.lab.host
        host.kill_dockerd()
        self.assertEqual(self.state(host, "tcp", "172.31.1.10", 80), "open")
        host.start_dockerd()
        host.restart_dockerd()
        self.web.start()
        self.assertEqual(self.state(host, "tcp", "172.31.1.10", 80), "open")


class Cleanup(unittest.TestCase):
    """Nothing of a lab stays, and the machine is as it was."""

    def setUp(self) -> None:
        if missing():
            self.skipTest(f"SKIP: {missing()}")
        self.before = machine_state()

    def tearDown(self) -> None:
        self.assertEqual(machine_state(), self.before)

    def test_after_use(self) -> None:
        with Lab() as lab:
            lab.host.run("web", "bridge")
            self.assertTrue(processes_of(lab.folder) and cgroups_of(lab.folder.name))
        self.assertEqual(remains_of(lab.folder), [])

    def test_after_an_exception(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            with Lab(HostOptions(docker=False)) as lab:
                raise ZeroDivisionError
        self.assertEqual(remains_of(lab.folder), [])

    def test_after_a_failed_start(self) -> None:
        lab = Lab(HostOptions(dockerd_args=["--no-such-option"]))
        with self.assertRaisesRegex(LabError, "unknown flag: --no-such-option"):
            lab.start()
        self.assertEqual(remains_of(lab.folder), [])

    def owner(self) -> "subprocess.Popen[str]":
        """Another Python process with a lab of its own, in which a container runs."""
        code = ("from lab import Lab\nimport time\nwith Lab() as lab:\n"
                " lab.host.run('web', 'bridge')\n print(lab.folder, flush=True)\n time.sleep(60)")
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.DEVNULL, cwd=Path(__file__).resolve().parent,
                                # Whoever runs the tests in the background ignores it.
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def end_owner(self, signum: int) -> Path:
        """Start an owner, send it @signum; the folder of its lab."""
        with self.owner() as process:
            assert process.stdout is not None
            folder = Path(process.stdout.readline().strip())
            self.assertTrue(folder.name.startswith(PREFIX))
            self.assertEqual([], [name for name in remove_leftovers() if name == folder.name])
            process.send_signal(signum)
            process.wait(30)
        return folder

    def test_after_sigterm_and_sigint(self) -> None:
        for signum in (signal.SIGTERM, signal.SIGINT):
            self.assertEqual(remains_of(self.end_owner(signum)), [])

    def test_after_sigkill(self) -> None:
        folder = self.end_owner(signal.SIGKILL)
        wait_until("the kernel to end the lab", lambda: not processes_of(folder))
        self.assertIn(folder.name, remove_leftovers())
        self.assertEqual(remains_of(folder), [])


class MatrixText(unittest.TestCase):
    """The table helper."""

    def test_print_and_parse(self) -> None:
        matrix = Matrix.parse(EXPECTED)
        self.assertEqual(Matrix.parse(matrix.text()), matrix)
        self.assertEqual(matrix["web", "app4"], "timeout")

    def test_diff(self) -> None:
        got, want = Matrix.parse(" a b\nx open open"), Matrix.parse(" a b\nx open closed\ny - open")
        self.assertEqual(got.diff(want), ["x -> b: expected closed, got open",
                                          "y -> b: expected open, got no cell"])
        with self.assertRaisesRegex(AssertionError, "2 cells differ"):
            got.check(want)

    def test_a_short_row_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            Matrix.parse("a b\nx open")


if __name__ == "__main__":
    unittest.main()
