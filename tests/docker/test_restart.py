# SPDX-License-Identifier: GPL-2.0-or-later
"""netd and Docker die and come back (G1, G7, G8): the rules stay, nothing opens, and what is
allowed runs on."""
from __future__ import annotations

import unittest
from typing import Dict

from flows import Compared
from netd import (Child, Container, DockerCase, HostOptions, Netd, Probe, figure, wait_until)

POLICY = """version: 1
tiers:
  client: {match: [{label: {role: client}}]}
  server: {match: [{label: {role: server}}]}
  flood: {match: [{label: {role: flood}}]}
allow:
  - {from: client, to: internet, ports: [443/tcp, 5001/tcp]}
  - {from: client, to: server, ports: [80/tcp]}
"""
SERVER4, SERVER6 = Probe("tcp", "172.31.1.11", 80), Probe("tcp", "fd00:31:1::11", 80)
OUTSIDE4, OUTSIDE6 = Probe("tcp", "203.0.113.10", 443), Probe("tcp", "2001:db8:ff::10", 443)
DENIED4, DENIED6 = Probe("tcp", "172.31.1.10", 80), Probe("tcp", "fd00:31:1::10", 80)


class Restarts(DockerCase):
    """One network; a client, a server, and a flooder that may nothing."""

    client: Container
    server: Container
    flooder: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.lab.outside.serve("tcp/443")
        cls.lab.outside.probe("stream", "serve", "5001").wait_for_line("ready")
        cls.build()

    @classmethod
    def build(cls) -> None:
        """The network and its containers."""
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        cls.client = host.run("client", "app", ip="172.31.1.10", ip6="fd00:31:1::10",
                              labels={"role": "client"})
        cls.server = host.run("server", "app", ip="172.31.1.11", ip6="fd00:31:1::11",
                              labels={"role": "server"}, publish=["8080:80"])
        cls.flooder = host.run("flooder", "app", ip="172.31.1.12", ip6="fd00:31:1::12",
                               labels={"role": "flood"})

    @classmethod
    def restart_containers(cls) -> None:
        """After dockerd has come back and ended them."""
        for container in (cls.client, cls.server, cls.flooder):
            container.start()

    def setUp(self) -> None:
        """Undo what a failed test has left."""
        if self.options.docker and not self.lab.host.dockerd.running:
            self.lab.host.start_dockerd()
            self.restart_containers()

    def check_policy(self) -> None:
        """What the policy says, with packets."""
        self.assert_open(self.client, SERVER4, SERVER6, OUTSIDE4, OUTSIDE6)
        self.assert_denied(self.server, DENIED4, DENIED6, OUTSIDE4, OUTSIDE6)
        self.assert_denied(self.lab.outside, Probe("tcp", "192.0.2.1", 8080),
                           Probe("tcp", "2001:db8:1::1", 8080))

    # A denied flow that never pauses

    def start_flood(self) -> Dict[str, Child]:
        """Datagrams that are denied, and who would count them."""
        sinks = {"outside": self.lab.outside.probe("sink", "udp", "9"),
                 "server": self.server.probe("sink", "udp", "9")}
        for sink in sinks.values():
            sink.wait_for_line("^ready$")
        for addr in ("203.0.113.10", "2001:db8:ff::10", "172.31.1.11", "fd00:31:1::11"):
            sinks[f"flood {addr}"] = self.flooder.probe("flood", "--seconds", "900", "--pause-us",
                                                        "500", "udp", addr, "9")
        return sinks

    def end_flood(self, sinks: Dict[str, Child]) -> Dict[str, int]:
        """What has arrived."""
        for name, child in sinks.items():
            if name.startswith("flood"):
                self.assertTrue(child.running, "the flood ended early")
                child.stop()
        return {name: int(sinks[name].stop()[-1].split()[1]) for name in ("outside", "server")}

    def test_kill_9_and_restart_of_netd(self) -> None:
        control = self.start_flood()
        for name in ("outside", "server"):
            control[name].wait_for_line("^receiving$")
        self.end_flood(control)
        netd = self.start_netd(POLICY)
        flood, download = self.start_flood(), Compared(self.client, self.lab.outside, "203.0.113.10")
        for _ in range(3):
            netd.kill9()
            self.check_policy()
            netd.start().wait_synced()
        self.check_policy()
        gaps = download.stop()
        self.assertEqual(self.end_flood(flood), {"outside": 0, "server": 0})
        figure("kill -9 and restart of netd, 3 times",
               f"an allowed download: {gaps}, 0 of a denied flood arrived")

    def test_a_container_started_meanwhile_is_closed(self) -> None:
        """Even one that gets the address of another that was allowed."""
        allowed = self.container("allowed", "app", ip="172.31.1.20", ip6="fd00:31:1::20",
                                 labels={"role": "client"})
        netd = self.start_netd(POLICY)
        self.assert_open(allowed, SERVER4, OUTSIDE4, SERVER6, OUTSIDE6)
        netd.kill9()
        allowed.remove()
        heir = self.container("heir", "app", ip="172.31.1.20", ip6="fd00:31:1::20",
                              labels={"role": "client"}, publish=["8081:80"])
        twin = self.container("twin", "app", ip="172.31.1.21", ip6="fd00:31:1::21",
                              labels={"role": "client"}, publish=["8082:80"])
        host4 = Probe("tcp", "172.31.1.1", 8080)
        for one in (heir, twin):
            self.assert_denied(one, SERVER4, SERVER6, OUTSIDE4, OUTSIDE6, host4)
        self.assert_denied(heir, Probe("tcp", "172.31.1.21", 80), Probe("tcp", "fd00:31:1::21", 80))
        for end in ("172.31.1.20", "fd00:31:1::20", "172.31.1.21", "fd00:31:1::21"):
            self.assert_denied(self.client, Probe("tcp", end, 80))
        for addr in ("192.0.2.1", "2001:db8:1::1"):
            self.assert_denied(self.lab.outside, Probe("tcp", addr, 8081), Probe("tcp", addr, 8082))
        netd.start().wait_synced()
        for one in (heir, twin):
            self.assert_open(one, SERVER4, SERVER6, OUTSIDE4, OUTSIDE6)
        self.check_policy()

    def datagrams_in(self, name: str, last: int) -> int:
        """How many come in from outside through a published port of a new container."""
        one = self.container(name, "app", ip=f"172.31.1.{last}", ip6=f"fd00:31:1::{last}",
                             labels={"role": "client"}, publish=["8083:9/udp"],
                             cmd=["probe", "sink", "udp", "9"])
        for addr in ("192.0.2.1", "2001:db8:1::1"):
            self.lab.outside.netns_exec([self.lab.outside.probe_path, "flood", "--count", "100",
                                         "--pause-us", "1000", "udp", addr, "8083"])
        self.lab.host.docker("stop", "--time=5", one.id)
        received = int(one.logs().split("received ")[1].split()[0])
        one.remove()
        return received

    def test_published_ports_that_were_opened_meanwhile_are_closed(self) -> None:
        """By docker-proxy too; also not in one direction, and not for the heir of an address."""
        rows = {"heir": 20, "stranger": 21}
        self.assertTrue(all(self.datagrams_in(*row) for row in rows.items()), "control")
        netd = self.start_netd(POLICY)
        allowed = self.container("allowed", "app", ip="172.31.1.20", ip6="fd00:31:1::20",
                                 labels={"role": "client"})
        netd.wait_synced()
        netd.kill9()
        allowed.remove()
        self.assertEqual({name: self.datagrams_in(name, last) for name, last in rows.items()},
                         {"heir": 0, "stranger": 0})
        netd.start().wait_synced()
        self.check_policy()

    def test_dockerd_restarts(self) -> None:
        """SIGTERM; the containers stop with it and start again."""
        netd = self.start_netd(POLICY)
        self.lab.host.stop_dockerd()
        wait_until("netd to see it", lambda: not self.is_up(netd))
        self.lab.host.start_dockerd()
        self.restart_containers()
        netd.wait_synced()
        self.check_policy()
        self.assertEqual(netd.stop(), 0)

    def is_up(self, netd: Netd) -> bool:
        """Whether netd says that it is connected to Docker."""
        return str(netd.status()["docker"]["link"]).startswith("up")

    def test_dockerd_is_killed(self) -> None:
        """kill -9: its containers run on without it."""
        netd = self.start_netd(POLICY)
        download, flood = Compared(self.client, self.lab.outside, "203.0.113.10"), self.start_flood()
        self.lab.host.kill_dockerd()
        wait_until("netd to see it", lambda: not self.is_up(netd))
        self.check_policy()
        self.assertEqual(self.end_flood(flood), {"outside": 0, "server": 0})
        figure("kill -9 of dockerd", f"an allowed download: {download.stop()}, 0 of a denied flood arrived")
        self.lab.host.start_dockerd()
        self.restart_containers()
        netd.wait_synced()
        self.check_policy()

    def test_boot(self) -> None:
        """No tables, no Docker API yet, but containers that run already (restart=always)."""
        netd = self.start_netd(POLICY)
        self.assertTrue((netd.state / "networks.json").exists())
        netd.off()
        self.assert_open(self.client, SERVER4, SERVER6, OUTSIDE4, OUTSIDE6)  # the control
        self.lab.host.kill_dockerd()
        netd.start()
        self.assert_denied(self.client, SERVER4, SERVER6, OUTSIDE4, OUTSIDE6)
        self.assert_denied(self.server, DENIED4, DENIED6, OUTSIDE4, OUTSIDE6)
        self.assert_denied(self.lab.outside, Probe("tcp", "172.31.1.11", 80),
                           Probe("tcp", "fd00:31:1::11", 80), Probe("tcp", "192.0.2.1", 8080))
        self.lab.host.start_dockerd()
        self.restart_containers()
        netd.wait_synced()
        self.check_policy()

    def test_restart_policy_always(self) -> None:
        """dockerd starts such a container before it answers anybody."""
        netd = self.start_netd(POLICY)
        sink = self.lab.outside.probe("sink", "udp", "9")
        sink.wait_for_line("^ready$")
        self.container("always", "app", labels={"role": "flood"}, wait=None,
                       extra=["--restart=always"],
                       cmd=["probe", "flood", "--seconds", "600", "--pause-us", "50", "udp", "203.0.113.10", "9"])
        netd.wait_synced()
        self.lab.host.restart_dockerd()
        self.restart_containers()
        netd.wait_synced()
        self.assertEqual(sink.stop()[-1].split()[1], "0")
        self.check_policy()


class NetdFirst(Restarts):
    """netd starts before Docker, as the unit does."""

    options = HostOptions(docker=False)

    @classmethod
    def build(cls) -> None:
        """There is no Docker to build anything with."""

    def test_netd_starts_before_docker(self) -> None:
        netd = Netd(self.lab.host, POLICY)
        self.addCleanup(netd.off)
        netd.start()
        wait_until("netd to say so",
                   lambda: "No such file" in str(netd.status()["docker"]["error"]))
        self.assertFalse(self.is_up(netd))
        tables = self.lab.host.netns_exec(["nft", "list", "tables"])
        self.assertIn("inet netd", tables)
        self.assertIn("bridge netd", tables)
        self.lab.host.start_dockerd()
        self.lab.host._import_image()  # pylint: disable=protected-access
        Restarts.build.__func__(type(self))  # type: ignore[attr-defined]
        netd.wait_synced()
        self.check_policy()
        self.assertEqual(netd.stop(), 0)


for _name in [name for name in dir(Restarts) if name.startswith("test_")]:
    setattr(NetdFirst, _name, None)  # only its own

if __name__ == "__main__":
    unittest.main()
