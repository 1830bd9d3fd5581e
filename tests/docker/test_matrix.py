# SPDX-License-Identifier: GPL-2.0-or-later
"""The truth tables of the shipped policies: packets and `explain` agree in every cell.

Every pair of containers of every tier, unmatched ones, the host, the internet and the
local network; TCP, UDP and ping; IPv4 and IPv6.  The same packets without netd are the
control: what netd allows gets through there too, and what `explain` lays at Docker's
door is closed there too.
"""
from __future__ import annotations

import unittest
from typing import Dict, List

from netd import POLICIES, HostOptions, Netd
from tables import LAN, PAYMENT6, Tables
from truth import Flow, flow, source_address

class ThreeTier(Tables):
    """policies/three-tier.yaml: three networks; one container is on two of them."""

    table = "three-tier.yaml"
    subnets = {"frontend": ("172.31.1.", "fd00:31:1::"), "backend": ("172.31.2.", "fd00:31:2::"),
               "internal": ("172.31.3.", "fd00:31:3::"), "other": ("172.31.4.", "fd00:31:4::")}
    ports = ("443/tcp", "8443/tcp", "8080/tcp", "5432/tcp", "53/udp", "9125/udp", "5432/udp")
    published = {"web": {"443/tcp": 18443, "8443/tcp": 18444, "8080/tcp": 18080,
                         "53/udp": 18053},
                 "app": {"8080/tcp": 28080}, "stray": {"443/tcp": 38443}}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.containers, cls.addresses, cls.gateways = {}, {}, {}
        host = cls.lab.host
        for name, (subnet4, subnet6) in cls.subnets.items():
            host.network(name, f"{subnet4}0/24", f"{subnet6}/64", internal=name == "internal")
        cls.run_container("web", "frontend", 10)
        cls.run_container("web2", "frontend", 11)
        cls.run_container("app", "backend", 10)
        cls.run_container("app2", "backend", 11)
        cls.run_container("db", "internal", 10)
        cls.run_container("cache", "internal", 11)
        cls.run_container("stray", "other", 10)
        cls.run_container("api", "backend", 12)
        host.docker("network", "connect", "--ip=172.31.3.12", "--ip6=fd00:31:3::12", "internal",
                    "api")
        cls.addresses["api"] += ["172.31.3.12", "fd00:31:3::12"]
        cls.serve_everywhere()

    def test_every_cell(self) -> None:
        self.check_table((POLICIES / self.table).read_text())


class ComposeApp(Tables):
    """policies/compose-app.yaml: three tiers in one network."""

    table = "compose-app.yaml"
    subnets = {"notes_default": ("172.31.5.", "fd00:31:5::")}
    ports = ("443/tcp", "3000/tcp", "5432/tcp", "6379/tcp", "587/tcp", "53/udp", "3000/udp")
    published = {"proxy": {"443/tcp": 8443, "3000/tcp": 13000}, "web-blue": {"3000/tcp": 23000},
                 "db": {"5432/tcp": 25432}}
    services = {"proxy": "", "web-blue": "", "web-green": "", "worker": "app", "db": "data",
                "queue": "data", "debug": ""}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.containers, cls.addresses, cls.gateways = {}, {}, {}
        cls.lab.host.network("notes_default", "172.31.5.0/24", "fd00:31:5::/64")
        for last, (service, tier) in enumerate(cls.services.items(), 10):
            labels = {"com.docker.compose.project": "notes", "com.docker.compose.service": service}
            labels.update({"com.acme.tier": tier} if tier else {})
            cls.run_container(service, "notes_default", last, labels=labels)
        cls.serve_everywhere()

    def to_hairpin(self) -> List[Flow]:
        """Published ports, from other containers through addresses of the host."""
        return [flow(source, addr, port, owner,
                     origin=name, at=at, note="through the host")
                for name, source in self.containers.items()
                for owner, ports in self.published.items() if owner != name
                for port, at in ports.items()
                for addr in (*self.gateways[name], "192.0.2.1", "2001:db8:1::1")]

    def all_flows(self) -> List[Flow]:
        return super().all_flows() + self.to_hairpin()

    def test_every_cell(self) -> None:
        self.check_table((POLICIES / self.table).read_text())


class SeveralNetworks(Tables):
    """Containers on several networks, internal ones with published ports, a resolver and peers that
    are this host; Docker's version decides who publishes what, and how."""

    table = "several networks"
    options = HostOptions(resolvers=("192.0.2.1", "2001:db8:1::1"))
    subnets = {"alpha": ("172.31.1.", ""), "beta": ("172.31.2.", "fd00:31:2::"),
               "gamma": ("172.31.3.", ""), "inner": ("172.31.4.", "fd00:31:4::")}
    ports = ("443/tcp", "8443/tcp", "7000/tcp", "9100/tcp", "53/udp", "53/tcp")
    published = {"web": {"443/tcp": 10443}, "dual": {"443/tcp": 11443, "8443/tcp": 18443},
                 "mixed": {"7000/tcp": 17000, "8443/tcp": 28443}, "lone": {"443/tcp": 12443},
                 "names": {"53/udp": 53, "53/tcp": 53}, "back": {"7000/tcp": 27000}}
    networks = {"web": ("gamma", "alpha"), "dual": ("alpha", "beta"), "mixed": ("beta", "gamma"),
                "lone": ("inner",), "names": ("alpha",), "back": ("inner", "gamma"),
                "app": ("gamma",), "six": ("beta",)}
    POLICY = """version: 1
tiers:
  alpha: {match: [{network: alpha}]}
  beta:  {match: [{network: beta}], within: deny}
  gamma: {match: [{network: gamma}]}
  inner: {match: [{network: inner}]}
allow:
  - {from: internet, to: alpha, ports: [443/tcp, 53/udp, 53/tcp]}
  - {from: world, to: [beta, gamma], ports: [7000/tcp]}
  - {from: lan, to: [beta, inner], ports: [443/tcp, 8443/tcp]}
  - {from: alpha, to: 192.0.2.1, ports: [9100/tcp]}       # this host: opens nothing
  - {from: 172.31.1.1, to: beta, ports: [8443/tcp]}       # and this
  - {from: alpha, to: "2001:db8:1::/64", ports: [9100/tcp]}
  - {from: [beta, inner], to: host, ports: [9100/tcp]}
  - {from: [alpha, beta, gamma, inner], to: dns}
  - {from: [gamma, inner], to: alpha, ports: [53/udp, 53/tcp, 443/tcp]}
  - {from: gamma, to: beta, ports: [7000/tcp]}
"""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.containers, cls.addresses, cls.gateways = {}, {}, {}
        host = cls.lab.host
        for name, (subnet4, subnet6) in cls.subnets.items():
            host.network(name, f"{subnet4}0/24", f"{subnet6}/64" if subnet6 else None,
                         internal=name == "inner")
        specs = ["/".join(reversed(port.split("/"))) for port in cls.ports]
        for last, (name, networks) in enumerate(cls.networks.items(), 10):
            publish = [f"{at}:{port}" for port, at in cls.published.get(name, {}).items()]
            container = host.run(name, networks[0], publish=publish, ip=cls.ends(networks[0], last)[0],
                                 cmd=["probe", "serve", *specs])
            for network in networks[1:]:
                host.docker("network", "connect", f"--ip={cls.ends(network, last)[0]}", network,
                            name)
            cls.containers[name] = container
            shown = container.inspect()["NetworkSettings"]["Networks"].values()
            cls.addresses[name] = [addr for one in shown for addr in
                                   (one["IPAddress"], one["GlobalIPv6Address"]) if addr]
            cls.gateways[name] = [end for network in networks for end in cls.ends(network, 1)]
        served = [spec for spec in specs if not spec.endswith("/53")]
        host.serve(*served)
        for place in (cls.lab.outside, cls.lab.office):
            place.serve(*specs)
        cls.lab.outside.netns_exec(["ip", "address", "add", PAYMENT6, "dev", "eth0", "nodad"])
        host.netns_exec(["ip", "route", "add", PAYMENT6, "via", cls.lab.outside.ip6])

    @classmethod
    def ends(cls, network: str, last: int) -> List[str]:
        """The addresses of the network that end so."""
        return [f"{subnet}{last}" for subnet in cls.subnets[network] if subnet]

    to_host = Tables.to_host_by_address

    def to_hairpin(self) -> List[Flow]:
        """Published ports, from other containers through addresses of the host."""
        return [flow(source, addr, f"{at}/{port.rpartition('/')[2]}", addr,
                     origin=source_address(source, addr), note=f"hairpin to {owner}")
                for name, source in self.containers.items()
                for owner, ports in self.published.items() if owner not in (name, "names", "lone")
                for port, at in ports.items()
                for addr in (*self.gateways[name], "192.0.2.1", "2001:db8:1::1")
                if self.has_family(name, addr)]

    def to_published(self) -> List[Flow]:
        """Asked by the host's address and port: who answers there netd must know."""
        return [flow(place, addr, f"{at}/{port.rpartition('/')[2]}", addr, origin=bind, bind=bind,
                     note=f"published by {name}, {port}")
                if name != "lone" else  # nobody listens there
                flow(place, addr, port, name, origin=bind, bind=bind, at=at,
                     note=f"published by {name}, {port}")
                for place, bind in self.senders_outside()
                for addr in (place.host6 if ":" in bind else place.host4,)
                for name, ports in self.published.items() for port, at in ports.items()]

    def all_flows(self) -> List[Flow]:
        return super().all_flows() + self.to_hairpin()

    def check_reports(self, netd: Netd, got: Dict[Flow, bool]) -> List[str]:
        """explain by the container's name, and ports: the same."""
        wrong = []
        rows = {(row["container"], row["port"], ":" in row["host_ip"]): row["reachable_from"]
                for row in netd.ask("ports")["ports"]}
        for one in self.to_published():
            name, port = one.note.removeprefix("published by ").split(", ")
            ways = [way for way in netd.explain(one.asked[0], name, port)["ways"]
                    if int(way["family"]) == one.family]
            if any(way["allowed"] for way in ways) != got[one]:
                wrong.append(f"{one.name}: explain of {name} differs from the packet")
            zone = "lan" if one.bind in LAN else "internet"
            if (zone in rows[(name, port, one.family == 6)]) != got[one]:
                wrong.append(f"{one.name}: ports differs from the packet")
        return wrong

    def test_every_cell(self) -> None:
        self.check_table(self.POLICY)


class Links(Tables):
    """Legacy `--link` on Docker's first network: it makes names, and opens nothing of netd's."""

    table = "links"
    ports = ("443/tcp", "7000/tcp", "8443/tcp", "53/udp")
    published = {"server": {"443/tcp": 10443}}
    linked = {"server": (), "client": ("--link", "server:db"), "other": (), "stray": ("--link", "server")}
    POLICY = """version: 1
tiers:
  server: {match: [{container: server}]}
  client: {match: [{container: client}]}
  other:  {match: [{container: other}]}
allow:
  - {from: [client, other], to: server, ports: [443/tcp, 7000/tcp, 53/udp]}
  - {from: server, to: client, ports: [8443/tcp]}
  - {from: internet, to: server, ports: [443/tcp]}
  - {from: client, to: internet, ports: [443/tcp]}
"""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.containers, cls.addresses, cls.gateways = {}, {}, {}
        specs = ["/".join(reversed(port.split("/"))) for port in cls.ports]
        for name, link in cls.linked.items():
            publish = [f"{at}:{port}" for port, at in cls.published.get(name, {}).items()]
            # Named "bridge", Docker 26's own client takes it for a network without links.
            container = cls.lab.host.run(name, "default", publish=publish, cmd=["probe", "serve", *specs],
                                         extra=["--expose=7000", "--expose=53/udp", *link])
            cls.containers[name], cls.addresses[name] = container, [container.address("bridge")]
            cls.gateways[name] = ["172.30.0.1"]
        cls.serve_everywhere()

    def to_host(self) -> List[Flow]:
        """There is no IPv6 here."""
        return [flow(source, addr, port, "host", origin=source_address(source, addr))
                for name, source in self.containers.items()
                for addr in (*self.gateways[name], "192.0.2.1") for port in (*self.ports, "icmp")]

    def test_every_cell(self) -> None:
        self.assertIn("db", self.containers["client"].exec(["cat", "/etc/hosts"]))
        self.check_table(self.POLICY)


if __name__ == "__main__":
    unittest.main()
