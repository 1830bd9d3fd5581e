# SPDX-License-Identifier: GPL-2.0-or-later
"""Bridges that no fact names (G1, G8): made while netd stands still, is dead, or gets no answer of
Docker. What an engine may have made is closed; what is somebody else's is left alone."""
from __future__ import annotations

import socket
import threading
import unittest
from typing import Dict, List, Sequence

from netd import FEW, DockerCase, Netd, Probe, figure, wait_until
from test_starting_ports import datagrams

POLICY = """version: 1
tiers:
  ops: {match: [{label: {role: ops}}]}
allow:
  - {from: ops, to: internet}
"""
NAMED = {"com.docker.network.bridge.name": "custom0"}
WAYS = ("outside", "host", "neighbour")  # to a container
OTHER = {"com.docker.network.bridge.name": "other0"}


class SilentDocker:
    """A socket that takes connections and says nothing."""

    def __init__(self, path: str) -> None:
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(16)
        self.taken: List[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self.taken.append(self.server.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        """No more."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for one in self.taken:
            one.close()


class Bridges(DockerCase):
    """Networks that are made under flood, in each state that netd can be in."""

    def arrived(self, times: int, options: Dict[str, str], ways: Sequence[str] = WAYS,
                waits: bool = False) -> Dict[str, int]:
        """Makes networks, each with a container that floods the internet from its first instruction, and one
        that is flooded by that neighbour, from outside through a published port, and by this host as
        docker-proxy would. What got through. @waits: until something has."""
        host = self.lab.host
        sink = self.lab.outside.probe("sink", "udp", "9")
        sink.wait_for_line("^ready$")
        floods = [place.probe("flood", "--seconds", "900", "--pause-us", "300", "udp", *to)
                  for way, place, to in (("outside", self.lab.outside, ("192.0.2.1", "18009")),
                                         ("host", host, ("172.31.77.3", "9"))) if way in ways]
        neighbour = ["udp", "172.31.77.3", "9"] if "neighbour" in ways else []
        received = 0
        for _ in range(times):
            host.network("late", "172.31.77.0/24", options=options)
            target = host.run("target", "late", ip="172.31.77.3", publish=["18009:9/udp"],
                              cmd=["probe", "sink", "udp", "9"], wait=None)
            sender = host.run("sender", "late", ip="172.31.77.2", wait="sent", cmd=[
                "probe", "flood", "--count", "1000", "--pause-us", "300", *neighbour, "udp", "203.0.113.10", "9"])
            if waits:  # the host may have asked for its address a moment too early
                wait_until(f"a datagram from {ways}", lambda one=target: datagrams(one) > 0)
            host.docker("stop", "--time=5", target.id)
            received += int(target.logs().split("received ")[1].split()[0])
            for one in (sender, target):
                one.remove()
            host.docker("network", "rm", "late")
        for flood in floods:
            self.assertTrue(flood.running, "the flood ended early")
            flood.stop()
        return {"container": received, "internet": int(sink.stop()[-1].split()[1])}

    def check(self, state: str, options: Dict[str, str]) -> None:
        """Nothing gets through."""
        got = self.arrived(FEW, options)
        figure(f"networks made under flood, {state}", f"{FEW} networks: {got}")
        self.assertEqual(got, {"container": 0, "internet": 0}, state)

    def control(self, options: Dict[str, str]) -> None:
        """Plain Docker passes each of them alone."""
        # Where it calls the bridge by its altname it forwards nothing: then the host alone reaches the container.
        forwards = options != OTHER
        for way in WAYS if forwards else ("host",):
            got = self.arrived(1, options, (way,), waits=True)
            self.assertTrue(got["container"] and (got["internet"] or not forwards), f"control, {way}: {got}")

    def started(self, *args: str, synced: bool = True) -> Netd:
        """netd on a machine that knows nothing from before."""
        netd = Netd(self.lab.host, POLICY, args=args)
        netd.forget_state()
        self.addCleanup(netd.off)
        netd.start()
        if synced:
            netd.wait_synced()
        return netd

    def test_networks_made_while_the_link_is_up(self) -> None:
        for name, options in (("link up", {}), ("link up, a name by option", NAMED)):
            with self.subTest(name):
                self.control(options)
                netd = self.started()
                self.check(name, options)
                netd.off()

    def test_networks_made_while_netd_stands_still_or_is_dead(self) -> None:
        """Its tables close what is called as Docker's networks are."""
        self.control({})
        netd = self.started()
        assert netd.child is not None
        netd.child.freeze()
        try:
            self.check("loop stalled", {})
        finally:
            netd.child.thaw()
        netd.kill9()
        self.check("netd dead", {})

    def test_networks_made_while_docker_does_not_answer(self) -> None:
        """At boot, with nothing kept from before: refusing and hanging, any name."""
        path = str(self.lab.host.folder / "silent.sock")
        silent = SilentDocker(path)
        self.addCleanup(silent.close)
        for options in ({}, NAMED):
            self.control(options)
            for state, url in (("Docker refuses", "unix:///nonexistent/docker.sock"),
                               ("Docker hangs", f"unix://{path}")):
                with self.subTest(state, options=options):
                    netd = self.started("--docker", url, synced=False)
                    self.check(f"{state}, state lost, {options or 'usual name'}", options)
                    netd.off()

    def test_a_damaged_state_opens_nothing(self) -> None:
        netd = Netd(self.lab.host, POLICY, args=["--docker", "unix:///nonexistent/docker.sock"])
        netd.forget_state()
        (netd.state / "networks.json").write_text('{"version": 1, "networks": [{"id"')
        self.addCleanup(netd.off)
        self.control({})
        netd.start()
        self.assertIn("networks.json is damaged", netd.log())
        self.check("state damaged", {})

    def test_a_bridge_by_another_name(self) -> None:
        """Docker takes a bridge's altname; the rules name what the kernel calls it."""
        host = self.lab.host
        host.netns_exec(["ip", "link", "add", "plain0", "type", "bridge"])
        self.addCleanup(host.netns_exec, ["ip", "link", "del", "plain0"])
        host.netns_exec(["ip", "link", "property", "add", "dev", "plain0", "altname", "other0"])
        options = OTHER
        host.netns_exec(["ip", "address", "add", "172.31.77.1/24", "dev", "plain0"])
        self.control(options)
        netd = self.started()
        self.check("a bridge by its altname", options)
        host.network("late", "172.31.77.0/24", options=options)
        self.addCleanup(host.docker, "network", "rm", "late")
        ops = self.container("ops", "late", labels={"role": "ops"})
        netd.wait_synced()
        self.assert_open(host, Probe("tcp", ops.address("late"), 80))

    def test_odd_names_open_nothing(self) -> None:
        """The kernel takes any letters, and Docker gives them."""
        for name in ('a*b', 'q"t', "back\\s"):
            with self.subTest(name):
                options = {"com.docker.network.bridge.name": name}
                self.control(options)
                netd = self.started(synced=False)
                self.check(f"a bridge called {name}", options)
                netd.off()


if __name__ == "__main__":
    unittest.main()
