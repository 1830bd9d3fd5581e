# SPDX-License-Identifier: GPL-2.0-or-later
"""Docker's own options that change a path: where its first bridge is, which address ports are published at,
what containers of one network may do, where addresses come from, and a Docker that writes no rules.

Packets and `explain` agree in every cell, as in test_matrix.py; the same packets without netd are the control.
"""
from __future__ import annotations

import unittest
from dataclasses import replace
from typing import Dict, List, Mapping, Tuple

from netd import HostOptions, Probe
from tables import LAN, Flow, Tables
from truth import flow

BASE = HostOptions(resolvers=("203.0.113.10",), lenient=True)


class Options(Tables):
    """Two containers on Docker's first network, two on one of ours, one on another."""

    ports = ("443/tcp", "7000/tcp", "53/udp")
    placed = {"first1": "default", "first2": "default", "web": "front", "beside": "front", "db": "back"}
    published: Mapping[str, Mapping[str, int]] = {
        "first1": {"443/tcp": 10443}, "web": {"443/tcp": 11443, "7000/tcp": 17000, "53/udp": 11053},
        "db": {"7000/tcp": 27000}}
    at: Dict[str, Dict[str, List[Tuple[str, int]]]]  # container: port: where Docker says that it is published
    POLICY = """version: 1
tiers:
  first: {match: [{network: bridge}]}
  front: {match: [{network: front}], within: deny}
  back:  {match: [{network: back}]}
allow:
  - {from: internet, to: [first, front], ports: [443/tcp]}
  - {from: lan, to: [front, back], ports: [7000/tcp, 53/udp]}
  - {from: first, to: front, ports: [443/tcp, 53/udp]}
  - {from: front, to: back, ports: [7000/tcp]}
  - {from: back, to: host, ports: [443/tcp]}
  - {from: [first, front], to: internet, ports: [443/tcp]}
  - {from: [first, front], to: dns}
"""

    @classmethod
    def setUpClass(cls) -> None:
        if cls is Options:
            raise unittest.SkipTest("what the others have in common")
        super().setUpClass()
        cls.containers, cls.addresses, cls.gateways, cls.at = {}, {}, {}, {}
        cls.make_networks()
        specs = ["/".join(reversed(port.split("/"))) for port in cls.ports]
        for name, network in cls.placed.items():
            publish = [f"{at}:{port}" for port, at in cls.published.get(name, {}).items()]
            container = cls.lab.host.run(name, network, publish=publish, cmd=["probe", "serve", *specs])
            shown = container.inspect()["NetworkSettings"]
            one = shown["Networks"]["bridge" if network == "default" else network]
            cls.at[name] = {port: [(binding["HostIp"], int(binding["HostPort"])) for binding in bindings]
                            for port, bindings in shown["Ports"].items() if bindings}
            cls.containers[name] = container
            cls.addresses[name] = [addr for addr in (one["IPAddress"], one["GlobalIPv6Address"]) if addr]
            cls.gateways[name] = [addr for addr in (one["Gateway"], one["IPv6Gateway"]) if addr]
        cls.serve_everywhere()

    @classmethod
    def make_networks(cls) -> None:
        """Those beside the first one."""
        cls.lab.host.network("front", "172.31.1.0/24", "fd00:31:1::/64")
        cls.lab.host.network("back", "172.31.2.0/24", "fd00:31:2::/64")

    to_host = Tables.to_host_by_address

    def to_published(self) -> List[Flow]:
        """At an address on the sender's wire, or the one where Docker says that it is."""
        return [flow(place, addr, f"{at}/{port.rpartition('/')[2]}", addr, origin=bind, bind=bind,
                     note=f"published by {name}, {port}")
                for place, bind in self.senders_outside()
                for name, ports in self.at.items() for port, bindings in ports.items() for host_ip, at in bindings
                if (":" in host_ip) == (":" in bind)
                for addr in ({"0.0.0.0": place.host4, "::": place.host6}.get(host_ip, host_ip),)]

    def check_reports(self, netd: object, got: Dict[Flow, bool]) -> List[str]:
        """`ports` says who reaches what is published."""
        rows = {(row["container"], row["port"], ":" in row["host_ip"]): row["reachable_from"]
                for row in netd.ask("ports")["ports"]}  # type: ignore[attr-defined]
        wrong = []
        for one in self.to_published():
            name, port = one.note.removeprefix("published by ").split(", ")
            zone = "lan" if one.bind in LAN else "internet"
            if (zone in rows[(name, port, one.family == 6)]) != got[one]:
                wrong.append(f"{one.name}: ports differs from the packet")
        return wrong


class Addresses(Options):
    """`bip`, `ip`, `default-address-pools` and `icc: false`; `live-restore`."""

    table = "bip, ip, default-address-pools, icc"
    options = replace(BASE, bip="172.29.9.1/24", dockerd_args=(
        "--ip=192.0.2.1", "--icc=false", "--default-address-pool=base=172.28.0.0/16,size=24", "--live-restore"))

    @classmethod
    def make_networks(cls) -> None:
        for name in ("front", "back"):
            cls.lab.host.network(name)

    def test_every_cell(self) -> None:
        self.assertTrue(self.addresses["first1"][0].startswith("172.29.9."))
        self.assertTrue(self.addresses["web"][0].startswith("172.28."))
        self.assert_denied(self.containers["first2"], Probe("tcp", self.addresses["first1"][0], 443))
        # `ip` counts on the first network alone.
        self.assertIn(("192.0.2.1", 10443), self.at["first1"]["443/tcp"])
        self.assertIn(("0.0.0.0", 11443), self.at["web"]["443/tcp"])
        self.check_table(self.POLICY)

    def test_containers_that_outlive_docker(self) -> None:
        """What is open stays open, and what is closed stays closed, while Docker is away and when it is back."""
        out = Probe("tcp", "203.0.113.10", 443)
        is_open = [(self.containers["web"], out), (self.lab.outside, Probe("tcp", "192.0.2.1", 11443))]
        is_closed = [(self.containers["db"], out), (self.lab.outside, Probe("tcp", "192.0.2.1", 27000))]

        def look() -> None:
            for place, probe in is_open:
                self.assert_open(place, probe)
            for place, probe in is_closed:
                self.assert_denied(place, probe)

        for place, probe in is_closed:
            self.assert_open(place, probe)  # the control: Docker alone
        netd = self.start_netd(self.POLICY)
        look()
        self.lab.host.stop_dockerd()
        look()
        self.lab.host.start_dockerd()
        netd.wait_synced()
        look()


class OwnBridge(Options):
    """`bridge:` names one of the admin's, which netd would leave alone were it not for that."""

    table = "bridge"
    options = replace(BASE, bridge="corp0", bip="172.29.8.1/24")

    def test_every_cell(self) -> None:
        self.assertTrue(self.addresses["first1"][0].startswith("172.29.8."))
        self.check_table(self.POLICY)


class NoRules(Options):
    """`iptables: false`: no DNAT, no masquerading, no isolation; docker-proxy alone publishes."""

    table = "iptables: false"
    options = replace(BASE, ip_forward=True, dockerd_args=("--iptables=false",))

    def test_every_cell(self) -> None:
        host = self.lab.host
        self.assertNotIn("DOCKER", host.netns_exec(["iptables-save"]))
        # Where Docker puts it when the lab does not say otherwise: netd reads its command line.
        host.netns_exec(["cp", f"{host.folder}/docker.pid", "/run/docker.pid"])
        self.assert_open(self.containers["db"], Probe("tcp", self.addresses["web"][0], 443))
        self.check_table(self.POLICY)


if __name__ == "__main__":
    unittest.main()
