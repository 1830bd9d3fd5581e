# SPDX-License-Identifier: GPL-2.0-or-later
"""What Docker said before is believed of nobody who came after (G1, G2, G3).

A container gets the address of a former one, and before Docker 28 its MAC with it, while
netd is not told: Docker cannot be reached, its events are lost, a reading is under way,
dockerd is killed.  It gets nothing of the former one's rights; and as soon as Docker
answers, netd and Docker agree again.
"""
from __future__ import annotations

import re
import signal
import time
import unittest
from typing import Dict, List, Optional

from flows import Compared
from netd import (FEW, Child, Container, DockerCase, LabError, Netd, Probe, figure, wait_until)
from wire import FailingWire

POLICY = """version: 1
tiers:
  web: {match: [{label: {role: web}}]}
  db: {match: [{label: {role: db}}]}
  evil: {match: [{label: {role: evil}}]}
allow:
  - {from: web, to: db, ports: [9/udp, 80/tcp]}
  - {from: web, to: internet, ports: [9/udp, 443/tcp, 5001/tcp]}
"""
# Docker keeps about 1,190 events for a reader that does not read; then it waits 0.1 s for it with
# each event, and drops that.
MOST_EVENTS, DROPPING_S, DROPPED = 10000, 0.09, 5
HEIR4, HEIR6 = "172.31.1.30", "fd00:31:1::30"
DB4, DB6 = "172.31.1.20", "fd00:31:1::20"
OUTSIDE4 = Probe("tcp", "203.0.113.10", 443)
TO_DB = (Probe("tcp", DB4, 80), Probe("tcp", DB6, 80))


class Facts(DockerCase):
    """A database, and an address that goes from hand to hand."""

    db: Container
    wire: FailingWire

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        cls.db = host.run("db", "app", ip=DB4, ip6=DB6, labels={"role": "db"})
        cls.lab.outside.serve("tcp/443")
        cls.lab.outside.probe("stream", "serve", "5001").wait_for_line("ready")

    def setUp(self) -> None:
        self.wire = FailingWire(self.lab.folder / "wire.sock", self.lab.host.socket)
        self.addCleanup(self.wire.close)

    def start(self) -> Netd:
        """netd behind the wire that can fail."""
        return self.start_netd(POLICY, args=["--docker", self.wire.url])

    # Who has the address

    def owner(self, role: str, command: Optional[List[str]] = None, wait: str = "ready",
              publish: "tuple[str, ...]" = ()) -> Container:
        """A container with the address that this is about."""
        options = {"cmd": command} if command else {}
        return self.container(role, "app", ip=HEIR4, ip6=HEIR6, labels={"role": role},
                              wait=wait, publish=publish, **options)

    def sinks(self) -> Dict[str, Child]:
        """Counters of what arrives on udp/9."""
        sinks = {"db": self.db.probe("sink", "udp", "9"),
                 "outside": self.lab.outside.probe("sink", "udp", "9")}
        for sink in sinks.values():
            sink.wait_for_line("^ready$")
        return sinks

    def received(self, sinks: Dict[str, Child]) -> Dict[str, int]:
        """End the counters; what they saw."""
        return {name: int(sink.stop()[-1].split()[1]) for name, sink in sinks.items()}

    def heir_floods(self, role: str = "evil") -> int:
        """A new owner that sends from its first instruction on; how much it has sent."""
        targets = [word for addr in (DB4, DB6, "203.0.113.10") for word in ("udp", addr, "9")]
        heir = self.owner(role, ["probe", "flood", "--seconds", "1", "--pause-us", "50", *targets], wait="sent")
        sent = int(re.findall(r"sent (\d+)", heir.logs())[0])
        heir.remove()
        self.assertGreater(sent, 100)  # while nobody answers its ARP, not more gets into the queue
        return sent

    def test_the_control(self) -> None:
        """Without netd all of it arrives; with netd a web gets through."""
        sinks = self.sinks()
        sent = self.heir_floods()
        self.assertGreater(sum(self.received(sinks).values()), sent // 2)
        self.start()
        sinks = self.sinks()
        sent = self.heir_floods("web")
        self.assertGreater(sum(self.received(sinks).values()), sent // 2)

    def former(self) -> Container:
        """An owner that is admitted."""
        web = self.owner("web", publish=("8080:80",))
        wait_until("the owner's admission", lambda: self.states(web, *TO_DB) == ["open", "open"])
        return web

    def wait_right(self, netd: Netd) -> None:
        """netd and Docker agree, and a new owner with rights has them."""
        begin = time.monotonic()
        netd.wait_synced()
        self.slowest = max(self.slowest, time.monotonic() - begin)
        web = self.owner("web")
        self.assert_open(web, *TO_DB, OUTSIDE4)
        web.remove()

    slowest = 0.0

    # Docker cannot be reached

    def test_while_docker_cannot_be_reached(self) -> None:
        netd = self.start()
        client = self.container("client", "app", labels={"role": "web"})
        netd.wait_synced()
        download, sinks, sent = Compared(client, self.lab.outside, "203.0.113.10"), self.sinks(), 0
        for _ in range(FEW):
            web = self.former()
            self.wire.cut()
            wait_until("netd to see it", lambda: not self.is_up(netd))
            self.assert_open(web, *TO_DB)  # nobody is cut off by that
            self.assert_open(client, *TO_DB, OUTSIDE4)
            web.remove()
            sent += self.heir_floods()
            heir = self.owner("evil", publish=("8081:80",))
            self.assert_denied(heir, *TO_DB, OUTSIDE4)
            self.assert_denied(self.lab.office, Probe("tcp", "10.231.9.1", 8081))
            self.wire.mend()
            netd.wait_synced()
            self.assert_denied(heir, *TO_DB, OUTSIDE4)
            heir.remove()
            self.wait_right(netd)
        self.assertEqual(self.received(sinks), {"db": 0, "outside": 0})
        figure("heirs while Docker cannot be reached", f"{FEW} times, {sent} denied "
               f"datagrams sent, 0 arrived; an allowed download: {download.stop()}; agreed again "
               f"within {self.slowest:.2f} s")

    def is_up(self, netd: Netd) -> bool:
        """Whether netd says that it is connected to Docker."""
        return str(netd.status()["docker"]["link"]).startswith("up")

    # Its events are lost

    def test_while_events_are_lost(self) -> None:
        netd = self.start()
        sinks, sent = self.sinks(), 0
        for _ in range(FEW):
            web = self.former()
            self.wire.lose_events = True
            web.remove()
            sent += self.heir_floods()
            heir = self.owner("evil")
            self.assert_denied(heir, *TO_DB, OUTSIDE4)
            netd.wait_synced()
            self.assert_denied(heir, *TO_DB, OUTSIDE4)
            heir.remove()
            web = self.owner("web")
            netd.wait_synced()
            self.assert_open(web, *TO_DB, OUTSIDE4)
            self.wire.lose_events = False
            web.remove()
            netd.wait_synced()
        self.assertGreater(self.wire.n_lost, 0)
        self.assertEqual(self.received(sinks), {"db": 0, "outside": 0})
        figure("heirs while Docker's events are lost", f"{FEW} times, {sent} denied "
               f"datagrams sent, 0 arrived, {self.wire.n_lost} events lost")


    # A reading is under way

    def test_while_a_reading_is_under_way(self) -> None:
        """Docker has answered that the address is web's; it changes hands before that is read."""
        netd = self.start()
        sinks, sent = self.sinks(), 0
        for _ in range(FEW):
            web = self.former()
            self.wire.cut()
            wait_until("netd to see it", lambda: not self.is_up(netd))
            with self.wire.hold("/networks/[0-9a-f]{64}$") as held:
                self.wire.mend()
                self.assertTrue(held.wait(10), "no reading")
                web.remove()
                sent += self.heir_floods()
                heir = self.owner("evil")
                self.assert_denied(heir, *TO_DB)
            netd.wait_synced()
            self.assert_denied(heir, *TO_DB, OUTSIDE4)
            heir.remove()
            self.wait_right(netd)
        self.assertEqual(self.received(sinks), {"db": 0, "outside": 0})
        figure("heirs while a reading is under way", f"{FEW} times, {sent} denied "
               "datagrams sent, 0 arrived")

    def test_flows_live_through_readings_and_cuts(self) -> None:
        netd = self.start()
        web = self.former()
        self.addCleanup(web.remove)
        download = Compared(web, self.lab.outside, "203.0.113.10")
        for _ in range(FEW):
            self.wire.cut()
            wait_until("netd to see it", lambda: not self.is_up(netd))
            self.assert_open(web, *TO_DB)
            self.wire.mend()
            netd.wait_synced()
            self.assert_open(web, *TO_DB)
        figure("an allowed download while Docker goes and comes", download.stop())

    # netd is stopped

    def drop_events(self) -> int:
        """More events than Docker keeps: the rest is lost for whoever does not read."""
        host, dropped = self.lab.host, 0
        idle = host.docker("create", "--label=role=db", "netd-probe")
        self.addCleanup(host.docker, "rm", "--force", idle)
        for number in range(MOST_EVENTS):
            begin = time.monotonic()
            host.api("POST", f"/containers/{idle}/rename?name=renamed{number}")
            dropped += time.monotonic() - begin > DROPPING_S
            if dropped == DROPPED:
                return number
        raise LabError("Docker keeps more events than it did")

    def test_netd_stands_still_while_events_are_lost(self) -> None:
        """SIGSTOP; networks and containers are made and addresses change owner; it goes on."""
        netd = self.start_netd(POLICY)
        web = self.former()
        assert netd.child is not None
        begin = time.monotonic()
        netd.child.send_signal(signal.SIGSTOP)
        try:
            events = self.drop_events()
            web.remove()
            sinks = self.sinks()
            sent = self.heir_floods()
            heir = self.owner("evil")
            self.assert_denied(heir, *TO_DB)
            self.lab.host.network("late", "172.31.2.0/24", "fd00:31:2::/64")
            self.addCleanup(self.lab.host.docker, "network", "rm", "late")
            late = self.container("late", "late", labels={"role": "db"}, publish=["8090:80"])
            stood = time.monotonic() - begin
        finally:
            netd.child.send_signal(signal.SIGCONT)
        begin = time.monotonic()
        netd.wait_synced()
        took = time.monotonic() - begin
        self.assert_denied(heir, *TO_DB, OUTSIDE4)
        self.assert_denied(late, OUTSIDE4)
        self.assert_denied(self.lab.outside, Probe("tcp", "192.0.2.1", 8090),
                           Probe("tcp", "2001:db8:1::1", 8090))
        self.assertEqual(self.received(sinks), {"db": 0, "outside": 0})
        heir.remove()
        self.wait_right(netd)
        figure("netd stood still", f"{stood:.1f} s, {events} events and more; {sent} denied "
               f"datagrams sent, 0 arrived; agreed again after {took:.2f} s")
        self.assertLess(took, 5)


class Killed(DockerCase):
    """dockerd is killed, and deals the addresses anew when it is back."""

    def test_dockerd_is_killed_and_addresses_are_swapped(self) -> None:
        host = self.lab.host
        host.network("dyn", "172.31.3.0/24", "fd00:31:3::/64")
        sink = self.lab.outside.probe("sink", "udp", "9")
        sink.wait_for_line("^ready$")
        names = [f"{role}{n}" for n in range(4) for role in ("web", "evil")]
        for name in names:
            self.run_one(name)
        sink.wait_for_line("^receiving$")  # the control
        sink.stop()
        netd = self.start_netd(POLICY)
        self.lab.outside.serve("tcp/443")
        sink = self.lab.outside.probe("sink", "udp", "9")
        sink.wait_for_line("^ready$")
        swaps, before = 0, self.addresses()
        for _ in range(FEW):
            host.kill_dockerd()
            host.start_dockerd()
            wait_until("all containers to run", lambda: len(self.addresses()) == len(names), 60)
            netd.wait_synced(30)
            after = self.addresses()
            swaps += sum(self.roles(before).get(address) == "web" for name, address in
                         after.items() if name.startswith("evil"))
            before = after
        arrived = int(sink.stop()[-1].split()[1])
        figure("kill -9 of dockerd", f"{FEW} times, {swaps} times an evil got the address of a "
               f"web: {arrived} denied datagrams arrived")
        self.assertEqual(arrived, 0)
        for container in host.containers:
            if container.name.startswith("web"):
                container.forget()
                self.assert_open(container, OUTSIDE4)

    def run_one(self, name: str) -> None:
        """A container that comes back with dockerd."""
        role = name.rstrip("0123456789")
        command = ["probe", "serve", "tcp/80"] if role == "web" else [
            "probe", "flood", "--seconds", "3600", "--pause-us", "300", "udp", "203.0.113.10", "9"]
        container = self.lab.host.run(name, "dyn", labels={"role": role}, cmd=command, wait=None,
                                      extra=["--restart=always"])
        self.addCleanup(container.remove)

    def addresses(self) -> Dict[str, str]:
        """By name, of those that have one."""
        try:
            members = self.lab.host.api("GET", "/networks/dyn")["Containers"].values()
        except (OSError, LabError):
            return {}
        return {one["Name"]: one["IPv4Address"] for one in members}

    @staticmethod
    def roles(addresses: Dict[str, str]) -> Dict[str, str]:
        """Whose each address is."""
        return {address: name.rstrip("0123456789") for name, address in addresses.items()}


if __name__ == "__main__":
    unittest.main()
