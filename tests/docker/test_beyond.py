# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks on which netd enforces nothing: overlays of a swarm of one node; and macvlan towards bridges.

What a tier's container does there is never open in silence: the log, `endpoints`, `status`,
`explain` and what explain says of the packets agree.  On docker_gwbridge the same tasks are judged as
on any bridge, and so is what they publish there.
"""
from __future__ import annotations

import re
import unittest
from typing import List

from netd import Container, DockerCase, HostOptions, Netd, Probe, wait_until

POLICY = """version: 1
tiers:
  web:   {match: [{label: {com.docker.swarm.service.name: web}}], within: deny}
  api:   {match: [{label: {com.docker.swarm.service.name: api}}], within: deny}
  flat:  {match: [{network: flat}]}
  plain: {match: [{network: plain}]}
"""
WEB_PORT = 18081


class Macvlan(DockerCase):
    """A container beside the bridges, and one on a bridge."""

    options = HostOptions(ip_forward=True, lenient=True)  # 28 itself drops the direct route
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.docker("network", "create", "--driver=macvlan", "--opt=parent=lan0",
                    "--subnet=10.231.9.0/24", "--gateway=10.231.9.1", "flat")
        host.network("plain", "172.31.1.0/24")
        cls.one = host.run("one", "flat", ip="10.231.9.11")
        cls.bridged = host.run("bridged", "plain", ip="172.31.1.10",
                               cmd=["probe", "serve", "--log", "udp/53"])

    def test_bridges_stay_closed_to_it(self) -> None:
        """Datagrams by way of the neighbour, which routes; answers find no way to a child of lan0."""
        one = self.one
        one.netns_exec(["ip", "route", "add", "172.31.1.0/24", "via", "10.231.9.2"])
        self.addCleanup(one.netns_exec, ["ip", "route", "del", "172.31.1.0/24"])
        self.lab.office.sysctl("ipv4/ip_forward", "1")
        into = Probe("udp", "172.31.1.10", 53)
        one.probe_many([into], 500)
        wait_until("the datagram", lambda: self.bridged.logs().count(" from [") > 0)
        seen = self.bridged.logs().count(" from [")
        netd = self.start_netd(POLICY + "allow:\n  - {from: flat, to: lan}\n")  # it may leave
        one.probe_many([into], 1500)
        wait_until("the denial in the log", lambda: re.search(r"denied: .*10\.231\.9\.11", netd.log()))
        self.assertEqual(self.bridged.logs().count(" from ["), seen)
        self.assertFalse(netd.allowed("one", "bridged", "53/udp", 4))


class Swarm(DockerCase):
    """A service with a port of the host's, another one beside it on an overlay."""

    options = HostOptions(ip_forward=True)

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.docker("swarm", "init", "--advertise-addr", "192.0.2.1", "--default-addr-pool",
                    "10.77.0.0/16")
        host.docker("network", "create", "--driver=overlay", "mesh")
        publish = f"--publish=mode=host,target=80,published={WEB_PORT}"
        for name, more in (("web", [publish]), ("api", [])):
            host.docker("service", "create", "--detach", "--no-resolve-image", f"--name={name}",
                        "--network=mesh", *more, "netd-probe", "probe", "serve", "tcp/80")
        wait_until("two tasks", lambda: len(host.docker("ps", "--quiet").split()) == 2, 90)
        cls.tasks = {one["Labels"]["com.docker.swarm.service.name"]:
                     Container(one["Names"][0].strip("/"), one["Id"], host)
                     for one in host.api("GET", "/containers/json")}
        for task in cls.tasks.values():
            task.wait_for_log("ready")
        cls.host_ports = [Probe("tcp", "192.0.2.1", WEB_PORT)]

    def between(self) -> List[Probe]:
        """From the api to the web, by the overlay."""
        return [Probe("tcp", self.tasks["web"].address("mesh"), 80)]

    def test_overlays_are_said(self) -> None:
        self.assert_open(self.tasks["api"], *self.between())
        netd = self.start_netd(POLICY)
        wait_until("its word in the log", lambda: "on mesh in tier web, but" in netd.log())
        self.assert_open(self.tasks["api"], *self.between())  # so it must be said
        answer = netd.explain(self.tasks["api"].name, self.tasks["web"].name, "80/tcp")
        self.assertIn("enforces nothing on an overlay network", str(answer["ways"]))
        self.assertNotEqual(answer["verdict"], "deny")
        rows = {(e["container"], e["network"]): e for e in netd.ask("endpoints")["endpoints"]}
        web = self.tasks["web"].name
        self.assertIn("in tier `web`, but netd enforces nothing", rows[(web, "mesh")]["why"])
        self.assertEqual(rows[(web, "docker_gwbridge")]["tier"], "web")
        self.assertEqual(netd.status()["endpoints"]["not-enforced"], 2)

    def test_ports_of_the_host(self) -> None:
        """By the labels of its task, on docker_gwbridge."""
        outside, api = self.lab.outside, self.tasks["api"]
        self.assert_open(outside, *self.host_ports)
        self.assert_open(api, *self.host_ports)
        netd = self.start_netd(POLICY)
        self.assert_denied(outside, *self.host_ports)
        self.assert_denied(api, *self.host_ports)
        self.assert_open(self.lab.host, Probe("tcp", "127.0.0.1", WEB_PORT))
        web = self.tasks["web"].name
        self.assertFalse(netd.allowed("192.0.2.9", web, "80/tcp", 4))
        netd.apply(POLICY + "allow:\n  - {from: internet, to: web, ports: [80/tcp]}\n")
        self.assert_open(outside, *self.host_ports)
        self.assert_denied(self.lab.office, Probe("tcp", "10.231.9.1", WEB_PORT))
        self.assertTrue(netd.allowed("192.0.2.9", web, "80/tcp", 4))

    def test_ways_out(self) -> None:
        """What a task sends elsewhere leaves by docker_gwbridge, and is judged there."""
        out = Probe("tcp", "192.0.2.9", 80)
        self.lab.outside.serve("tcp/80")
        self.assert_open(self.tasks["api"], out)
        netd: Netd = self.start_netd(POLICY)
        self.assert_denied(self.tasks["api"], out)
        netd.apply(POLICY + "allow:\n  - {from: api, to: internet, ports: [80/tcp]}\n")
        self.assert_open(self.tasks["api"], out)
        self.assert_denied(self.tasks["web"], out)


if __name__ == "__main__":
    unittest.main()
