# SPDX-License-Identifier: GPL-2.0-or-later
"""Docker 28's kinds of networks: gateway modes, IPv6 alone, trusted interfaces, gateway priorities.

Packets and `explain` agree in every cell, as in test_matrix.py, and the same packets without netd
are the control.  What Docker opens at a container's own address (`routed`) is opened by the same rule
that opens a published port, and by nothing else.
"""
from __future__ import annotations

import unittest
from typing import Dict, List, Tuple

import flows
from netd import Container, HostOptions, Netd, Probe, engine_version
from tables import LAN, Flow, Tables
from truth import flow, source_address

BRIDGE = "com.docker.network.bridge."


def modes(mode4: str, mode6: str) -> Dict[str, str]:
    """The options of a network."""
    return {f"{BRIDGE}gateway_mode_ipv4": mode4, f"{BRIDGE}gateway_mode_ipv6": mode6}


@unittest.skipIf(engine_version() < (28,), "Docker before 28 has no gateway modes")
class GatewayModes(Tables):
    """A network of each kind, and a container on two of them."""

    table = "gateway modes"
    options = HostOptions(ip6tables=True, ip_forward=True)
    ports = ("443/tcp", "8443/tcp", "9000/tcp", "53/udp")
    beside: Container
    # Of each network: its options, and whether it has IPv4.
    networks: Dict[str, Tuple[Dict[str, str], bool]] = {
        "nat": ({}, True), "routed": (modes("routed", "routed"), True),
        "mixed": (modes("nat", "routed"), True),
        "bare": (modes("nat-unprotected", "nat-unprotected"), True),
        "isolated": (modes("isolated", "isolated"), True), "inner": ({}, True), "six": ({}, False),
        "trust": ({f"{BRIDGE}trusted_host_interfaces": "ext0:lan0"}, True)}
    placed = {"nat": "nat", "routed": "routed", "mixed": "mixed", "bare": "bare", "iso": "isolated",
              "iso2": "isolated", "inner": "inner", "six": "six", "trust": "trust",
              "local": "routed", "prio": "nat"}
    # By which mode the container's ports are published, IPv4 and IPv6: at this host, at its own
    # address, or not.
    modes = {"nat": "hh", "routed": "oo", "mixed": "ho", "bare": "hh", "iso": "--", "iso2": "--",
             "inner": "--", "six": "-h", "trust": "hh", "local": "oo", "prio": "oo"}
    published = {name: {"443/tcp": 10443 + i, "53/udp": 10053 + i}
                 for i, name in enumerate(placed) if name != "local"}
    POLICY = """version: 1
tiers:
  on-nat: {match: [{network: nat}]}
  on-routed: {match: [{network: routed}], within: deny}
  on-mixed: {match: [{network: mixed}]}
  on-bare: {match: [{network: bare}]}
  on-isolated: {match: [{network: isolated}]}
  on-inner: {match: [{network: inner}], within: deny}
  on-six: {match: [{network: six}]}
  on-trust: {match: [{network: trust}]}
allow:
  - {from: internet, to: [on-nat, on-routed, on-mixed, on-bare, on-isolated, on-inner, on-six, on-trust], ports: [443/tcp, 9000/tcp]}
  - {from: lan, to: [on-routed, on-mixed, on-six, on-trust], ports: [53/udp, 8443/tcp]}
  - {from: on-nat, to: [on-routed, on-mixed, on-bare, on-isolated, on-six], ports: [443/tcp, 9000/tcp, icmp, icmpv6]}
  - {from: [on-routed, on-mixed], to: [on-nat, on-six], ports: [443/tcp]}
  - {from: [on-inner, on-six], to: on-routed, ports: [443/tcp, 8443/tcp]}
  - {from: [on-nat, on-routed, on-mixed, on-isolated, on-inner, on-six], to: host, ports: [443/tcp]}
  - {from: [on-nat, on-routed, on-bare, on-isolated, on-inner, on-six], to: internet, ports: [443/tcp]}
"""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.containers, cls.addresses, cls.gateways = {}, {}, {}
        cls.subnets = {name: (f"172.31.{i}." if has_ipv4 else "", f"fd00:31:{i}::")
                       for i, (name, (_, has_ipv4)) in enumerate(cls.networks.items(), 1)}
        for name, (options, has_ipv4) in cls.networks.items():
            cls.create(name, options, has_ipv4)
        for last, (name, network) in enumerate(cls.placed.items(), 10):
            extra = ["--publish=127.0.0.1:10999:8443"] if name == "local" else []
            cls.run_on(name, network, last, extra)
        cls.connect("prio", "routed", 20)
        cls.serve_everywhere()

    @classmethod
    def create(cls, name: str, options: Dict[str, str], has_ipv4: bool) -> None:
        """A network."""
        subnet4, subnet6 = cls.subnets[name]
        args = [f"--subnet={subnet4}0/24"] if has_ipv4 else ["--ipv4=false"]
        args += ["--internal"] if name in ("inner", "isolated") else []
        args += [f"--opt={key}={value}" for key, value in options.items()]
        cls.lab.host.docker("network", "create", "--ipv6", f"--subnet={subnet6}/64", *args, name)

    @classmethod
    def run_on(cls, name: str, network: str, last: int, extra: List[str]) -> None:
        """A container, by its addresses."""
        ends = [f"{subnet}{last}" for subnet in cls.subnets[network] if subnet]
        specs = ["/".join(reversed(port.split("/"))) for port in cls.ports]
        publish = [f"{at}:{port}" for port, at in cls.published.get(name, {}).items()]
        cls.containers[name] = cls.lab.host.run(
            name, network, ip=ends[0] if len(ends) > 1 else None, ip6=ends[-1], publish=publish,
            cmd=["probe", "serve", *specs], extra=extra)
        cls.addresses[name] = ends
        cls.gateways[name] = [f"{subnet}1" for subnet in cls.subnets[network] if subnet]

    @classmethod
    def connect(cls, name: str, network: str, last: int) -> None:
        """To one more network, which has its default route."""
        subnet4, subnet6 = cls.subnets[network]
        cls.lab.host.docker("network", "connect", "--gw-priority=10", f"--ip={subnet4}{last}",
                            f"--ip6={subnet6}{last}", network, name)
        cls.addresses[name] += [f"{subnet4}{last}", f"{subnet6}{last}"]

    def mode(self, name: str, addr: str) -> str:
        """How the container's ports are published over the family of @addr."""
        return self.modes[name][":" in addr]

    def is_direct(self, name: str, addr: str, port: str) -> bool:
        """Docker opens the port at this address of the container."""
        asked = port in self.published.get(name, {}) or (name == "local" and port == "8443/tcp")
        routed = any(subnet and addr.startswith(subnet)
                     for network in ("routed", "mixed") for subnet in self.subnets[network])
        return asked and routed and self.mode(name, addr) == "o"

    def to_host(self) -> List[Flow]:
        """Where the container has a way: from an internal network to its gateway alone."""
        return [flow(source, addr, port, "host", origin=source_address(source, addr))
                for name, source in self.containers.items()
                for addr in (*self.gateways[name],
                             *(("192.0.2.1", "2001:db8:1::1") if name != "inner" else ()))
                if self.has_family(name, addr) for port in (*self.ports, "icmp")]

    def to_published(self) -> List[Flow]:
        """At this host."""
        return [one for one in super().to_published() if self.mode(one.asked[1], one.addr) == "h"]

    def to_unpublished(self) -> List[Flow]:
        """At the container's own address, where no port of the host leads to the same."""
        return [flow(place, addr, port, addr, origin=bind, bind=bind)
                for place, bind in self.senders_outside()
                for name, addresses in self.addresses.items() for addr in addresses
                for port in (*self.ports, "icmp")
                if (":" in addr) == (":" in bind) and
                (port not in self.published.get(name, {}) or self.mode(name, addr) != "h")]

    def check_reports(self, netd: Netd, got: Dict[Flow, bool]) -> List[str]:
        """`ports` says who reaches what is published, and where."""
        wrong, seen = [], set()
        rows = {(row["container"], row["port"], ":" in row["host_ip"]): row
                for row in netd.ask("ports")["ports"]}
        for one in got:
            number = one.asked[2]
            name = next((name for name, addresses in self.addresses.items()
                         if one.asked[1] in (name, *addresses)), "")
            row = rows.get((name, number, one.family == 6))
            published = number in self.published.get(name, {})
            direct = published and self.is_direct(name, one.addr, number)
            if one.bind is None or row is None or not (direct or one.note == "published"):
                continue
            seen.add((name, number, one.family))
            zone = "lan" if one.bind in LAN else "internet"
            if (zone in row["reachable_from"]) != got[one]:
                wrong.append(f"{one.name}: ports says {row}, the packet differs")
            if direct and (row["host_ip"], row["host_port"]) != (one.addr, one.port):
                wrong.append(f"{one.name}: ports says it is at {row['host_ip']}")
        return wrong if len(seen) > 20 else [f"ports was compared with {len(seen)} alone"]

    def test_every_cell(self) -> None:
        self.check_table(self.POLICY)

    def test_nothing_is_at_the_host(self) -> None:
        """What is published by routing, or not at all, is at no port of the host, netd or not."""
        probes: Dict[bool, List[Probe]] = {True: [], False: []}
        for name, mode in self.modes.items():
            for family, addr in enumerate((self.lab.outside.host4, self.lab.outside.host6)):
                if name != "local":
                    at = self.published[name]["443/tcp"]
                    probes[mode[family] == "h"].append(Probe("tcp", addr, at))
        self.assert_open(self.lab.outside, *probes[True])
        self.assert_denied(self.lab.outside, *probes[False])
        self.start_netd(self.POLICY)
        self.assert_open(self.lab.outside, *probes[True])
        self.assert_denied(self.lab.outside, *probes[False])

    def test_what_is_asked_for_on_loopback(self) -> None:
        """Docker routes a port there that was asked for on 127.0.0.1; netd opens it to nobody."""
        own = [addr for addr in self.addresses["local"] if "." in addr]
        probes = [Probe("tcp", addr, 8443) for addr in own]
        self.assert_open(self.lab.office, *probes)
        netd = self.start_netd(self.POLICY)
        self.assert_denied(self.lab.office, *probes)
        self.assertFalse(netd.allowed(LAN[0], "local", "8443/tcp", 4))
        self.assert_open(self.lab.host, *probes)

    def run_beside(self, name: str, publish: List[str], cmd: List[str]) -> List[str]:
        """One more container on the network for this test; its addresses."""
        ends = [f"{subnet}40" for subnet in self.subnets["routed"]]
        container = self.lab.host.run(name, "routed", ip=ends[0], ip6=ends[1], publish=publish, cmd=cmd)
        self.addCleanup(container.remove)
        self.beside = container
        return ends

    def test_what_is_asked_for_on_loopback_of_one_family(self) -> None:
        """That the other family was asked for on all addresses opens nothing over this one."""
        ends = self.run_beside("apart", ["127.0.0.1:10998:8443", "[::]:10998:8443"],
                               ["probe", "serve", "tcp/8443"])
        probes = [Probe("tcp", addr, 8443) for addr in ends]
        self.assert_open(self.lab.office, *probes)
        netd = self.start_netd(self.POLICY)
        self.assert_denied(self.lab.office, probes[0])
        self.assert_open(self.lab.office, probes[1])
        self.assertFalse(netd.allowed(LAN[0], "apart", "8443/tcp", 4))

    def test_an_open_flow_stops_both_ways(self) -> None:
        """With the commit that denies it; its control is the same connection, allowed once more."""
        ends = self.run_beside("stream", ["17009:9000", "17009:53/udp"], ["probe", "serve", "tcp/80"])
        netd = self.start_netd(self.POLICY)
        for addr in ends:  # one family after the other: each server has both
            lasting = []
            for proto, place, port in (("tcp", self.lab.outside, 9000), ("udp", self.lab.office, 53)):
                lasting.append(flows.Flow(f"to {addr}", proto, place, addr, port, self.beside))
                self.addCleanup(lasting[-1].stop)
                lasting[-1].wait_alive()
            netd.apply(self.POLICY + "deny:\n  - {from: world, to: on-routed}\n")
            flows.check_stopped(lasting, flows.now_ms())
            netd.apply(self.POLICY)
            for one in lasting:
                one.wait_alive()
                one.stop()

    def test_a_rule_that_goes_closes_it(self) -> None:
        """And one that comes opens it: the control of each is the other."""
        probes = [Probe("tcp", addr, 443) for addr in self.addresses["routed"]]
        netd = self.start_netd(self.POLICY)
        self.assert_open(self.lab.outside, *probes)
        netd.apply(self.POLICY + "deny:\n  - {from: internet, to: on-routed}\n")
        self.assert_denied(self.lab.outside, *probes)
        netd.apply(self.POLICY)
        self.assert_open(self.lab.outside, *probes)


if __name__ == "__main__":
    unittest.main()
