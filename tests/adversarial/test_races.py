# SPDX-License-Identifier: GPL-2.0-or-later
"""Between two moments: starts, hot connects, restarts, new networks, lost rules; under flood.

The flood is numbered datagrams to a port that the policy denies; the control is the same flood to
one that it allows, or without netd.
"""
from __future__ import annotations

import re
import unittest
from typing import Callable, List

from arena import Case
from netd import Container, Probe

DENIED, ALLOWED = 9, 443


class Races(Case):
    """No packet in between."""

    def sunk(self, port: int, act: Callable[[], None]) -> int:
        """How many of a flood's datagrams to @port came to the internet during @act."""
        sink = self.arena.outside.probe("sink", "udp", str(port))
        sink.wait_for_line("ready")
        act()
        found = re.search("received ([0-9]+)", sink.stop()[-1])
        assert found is not None
        return int(found[1])

    def flooder(self, name: str, network: str, port: int, *options: str) -> Container:
        a = self.arena
        command = ["probe", "flood", "--seconds", "60", "--pause-us", "100", "udp",
                   "203.0.113.10", str(port)]
        return a.host.run(name, network, cmd=command, wait=None, extra=options)

    def test_from_the_first_instruction(self) -> None:
        """A container that sends before anything else; the policy allows 443 and nothing more."""
        a = self.arena

        def attack(port: int) -> int:
            def start() -> None:
                one = a.host.run("evilflood", "front", wait="sent 3000", cmd=[
                    "probe", "flood", "--count", "3000", "--pause-us", "20", "udp",
                    "203.0.113.10", str(port)])
                one.remove()

            return self.sunk(port, start)

        a.outside.children[0].stop()  # it serves ALLOWED
        try:
            a.on()
            self.assertEqual(3000, attack(ALLOWED), "allowed packets were lost")
            self.stopped_without_legitimate(lambda: attack(DENIED))
        finally:
            a.outside.children[0] = a.outside.serve("tcp/443", "udp/443", "tcp/80")
        self.legitimate()

    def stopped_without_legitimate(self, attack: Callable[[], object]) -> None:
        a = self.arena
        a.off()
        self.assertTrue(attack(), "not through without netd: this proves nothing")
        a.on()
        self.blocked(attack())

    def gets_through(self, act: Callable[[], None]) -> None:
        """The control: a packet or more, if not at the first time then at another."""
        for _ in range(20):
            if self.sunk(DENIED, act):
                return
        self.fail("not through without netd: this proves nothing")

    def test_hot_connects_to_new_networks(self) -> None:
        """A network that is used as soon as it is there."""
        a = self.arena

        def connect(rounds: int) -> None:
            for number in range(rounds):
                name = f"new{number}"
                a.host.network(name, f"172.31.{100 + number}.0/24")
                a.host.docker("network", "connect", name, one.id)
                a.host.docker("network", "disconnect", name, one.id)
                a.host.docker("network", "rm", name)

        one = self.flooder("evilnew", "none", DENIED)
        a.host.docker("network", "disconnect", "none", one.id)
        try:
            a.off()
            self.gets_through(lambda: connect(3))
            a.on()
            self.blocked(self.sunk(DENIED, lambda: connect(10)))
        finally:
            one.remove()

    def test_restarts(self) -> None:
        """The same container, each time behind another port of the bridge."""
        a = self.arena
        one = self.flooder("evilagain", "front", DENIED)

        def restart(rounds: int) -> None:
            for _ in range(rounds):
                a.host.docker("restart", "--time=0", one.id)

        try:
            self.stopped(lambda: self.sunk(DENIED, lambda: restart(4)))
        finally:
            one.remove()

    def test_while_netd_restarts_and_is_down(self) -> None:
        """kill -9 and start, five times, under flood; containers that start meanwhile."""
        a = self.arena
        one = self.flooder("evildown", "front", DENIED)

        def attack() -> int:
            def act() -> None:
                late = None
                for number in range(5):
                    if a.netd.running:
                        a.netd.kill9()
                        if number == 4:
                            late = self.flooder("evillate", "front", DENIED)
                        a.netd.start().wait_synced()
                if late:
                    late.remove()
                a["evil"].exec(["sleep", "0.3"])

            return self.sunk(DENIED, act)

        try:
            self.stopped(attack)
        finally:
            one.remove()

    def test_while_rules_are_flushed(self) -> None:
        """`nft flush ruleset` takes Docker's rules and leaves netd's; the control takes both."""
        a = self.arena
        one = self.flooder("evilflush", "front", DENIED)
        docker = a.host.netns_exec(["iptables-save"])
        try:
            a.off()
            self.assertTrue(self.sunk(DENIED, lambda: a["evil"].exec(["sleep", "0.2"]) and None))
            a.on()

            def flush() -> None:
                a.host.netns_exec(["nft", "flush", "ruleset"])
                a.host.netns_exec(["iptables", "-P", "FORWARD", "ACCEPT"])
                probes = [Probe("tcp", a.ip("back", n), 80) for n in (4, 6)]
                self.blocked(a.opened("evil", *probes))

            self.blocked(self.sunk(DENIED, flush))
        finally:
            a.host.netns_exec(["iptables-restore"], stdin=docker)
            one.remove()
            a.rebuild_watch()

    def test_two_containers_before_they_are_admitted(self) -> None:
        """While netd is down new containers reach neither each other nor anybody else."""
        a = self.arena

        def attack() -> List[Probe]:
            down = a.netd.running
            if down:
                a.netd.kill9()
            names = ["webnew1", "webnew2"]
            a.run(names[0], ("front", 50, ()))
            a.run(names[1], ("front", 51, ()))
            try:
                probes = [Probe(p, f"{net}{last}", port) for net in ("172.31.1.", "fd00:31:1::")
                          for last in ("50", "20") for p, port in (("tcp", 80), ("udp", 53))]
                return a.opened(names[1], *probes) + a.opened("web", *probes[:2], *probes[4:6])
            finally:
                if down:
                    a.netd.start().wait_synced()
                for name in names:
                    a.remove(name)

        self.stopped(attack)

    def test_a_published_port_from_its_first_moment(self) -> None:
        """docker-proxy listens long before the container runs. IPv4 is translated; IPv6 is not."""
        self.stopped(self.knock, ("192.0.2.1", "8090:80", 2), ("2001:db8:1::1", "8090:80", 3),
                     ("2001:db8:1::1", "80", 3))

    def knock(self, addr: str, publish: str, rounds: int) -> List[str]:
        """What got an answer while containers with that port started."""
        a = self.arena
        heard: List[str] = []
        # Docker takes the next port each time where it may choose.
        first, step = (8090, 0) if ":" in publish else (self.published("80") + 1, 1)
        for number in range(rounds):
            port = first + number * step
            script = (f"while :; do {a.outside.probe_path} connect --timeout-ms 50 tcp {addr} "
                      f"{port}; done")
            knocking = a.outside.spawn(["sh", "-c", script])
            one = a.host.run("webport", "front", publish=[publish])
            answers = a.outside.probe_many([Probe("tcp", addr, port)], 500)
            heard += [str(p) for p, result in answers.items() if result.state == "open"]
            heard += [line for line in knocking.stop() if line.startswith("open")]
            one.remove()
        return heard

    def published(self, publish: str) -> int:
        """The host port that Docker gives to a container right now."""
        one = self.arena.host.run("webasks", "front", publish=[publish])
        ports = one.inspect()["NetworkSettings"]["Ports"]["80/tcp"]
        one.remove()
        return int(ports[0]["HostPort"])


if __name__ == "__main__":
    unittest.main()
