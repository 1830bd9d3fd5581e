# SPDX-License-Identifier: GPL-2.0-or-later
"""What the truth tables have in common: who is there, and which packets are sent."""
from __future__ import annotations

from typing import Dict, List, Mapping, Sequence

from netd import Container, DockerCase, HostOptions, Netd, Place, figure
from truth import Flow, check, flow, measure, source_address, summary, verdicts

PAYMENT6 = "2001:db8:7::10"  # in the range that three-tier.yaml names
INTERNET = ("203.0.113.10", "192.0.2.9", "2001:db8:ff::10")
LAN = ("10.231.9.2", "fd00:231:9::2")


class Tables(DockerCase):
    """One host, its neighbours, and every flow between them."""

    options = HostOptions(resolvers=("203.0.113.10",))
    ports: Sequence[str]  # served by everybody, and asked of everybody
    containers: Dict[str, Container]
    addresses: Dict[str, List[str]]  # of each container, all networks
    gateways: Dict[str, List[str]]  # of each container
    published: Mapping[str, Mapping[str, int]]  # container: port: host port

    @classmethod
    def serve_everywhere(cls) -> None:
        """The host and both neighbours serve the same ports."""
        specs = ["/".join(reversed(port.split("/"))) for port in cls.ports if "/" in port]
        for place in (cls.lab.host, cls.lab.outside, cls.lab.office):
            place.serve(*specs)
        cls.lab.outside.netns_exec(["ip", "address", "add", PAYMENT6, "dev", "eth0", "nodad"])
        cls.lab.host.netns_exec(["ip", "route", "add", PAYMENT6, "via", cls.lab.outside.ip6])

    @classmethod
    def run_container(cls, name: str, network: str, last: int, **options: object) -> None:
        """A container that serves all ports; @last: the end of its addresses."""
        specs = ["/".join(reversed(port.split("/"))) for port in cls.ports if "/" in port]
        publish = [f"{at}:{port}" for port, at in cls.published.get(name, {}).items()]
        subnet4, subnet6 = cls.subnets[network]
        cls.containers[name] = cls.lab.host.run(
            name, network, ip=f"{subnet4}{last}", ip6=f"{subnet6}{last}", publish=publish,
            cmd=["probe", "serve", *specs], **options)
        cls.addresses[name] = [f"{subnet4}{last}", f"{subnet6}{last}"]
        cls.gateways[name] = [f"{subnet4}1", f"{subnet6}1"]

    subnets: Dict[str, "tuple[str, str]"] = {}

    # The cells

    def has_family(self, name: str, addr: str) -> bool:
        """The container has an address of the same one."""
        return any((":" in own) == (":" in addr) for own in self.addresses[name])

    def between_containers(self) -> List[Flow]:
        return [flow(source, addr, port, addr, origin=source_address(source, addr))
                for name, source in self.containers.items()
                for peer, addresses in self.addresses.items() if peer != name
                for addr in addresses if self.has_family(name, addr)
                for port in (*self.ports, "icmp")]

    def to_host(self) -> List[Flow]:
        return [flow(source, addr, port, "host", origin=source_address(source, addr))
                for name, source in self.containers.items()
                for addr in (*self.gateways[name], "192.0.2.1", "2001:db8:1::1")
                for port in (*self.ports, "icmp")]

    def to_outside(self) -> List[Flow]:
        return [flow(source, addr, port, addr, origin=source_address(source, addr))
                for name, source in self.containers.items()
                for addr in (*INTERNET, *LAN, PAYMENT6) if self.has_family(name, addr)
                for port in (*self.ports, "icmp")]

    def from_host(self) -> List[Flow]:
        return [flow(self.lab.host, addr, port, addr, origin="host")
                for addresses in self.addresses.values() for addr in addresses
                for port in (*self.ports, "icmp")]

    def senders_outside(self) -> List["tuple[Place, str]"]:
        return [(self.lab.outside, addr) for addr in INTERNET] + \
               [(self.lab.office, addr) for addr in LAN]

    def to_published(self) -> List[Flow]:
        """By the host's address on the sender's wire."""
        return [flow(place, place.host6 if ":" in bind else place.host4, port, name,
                     origin=bind, at=at, bind=bind, note="published")
                for place, bind in self.senders_outside()
                for name, ports in self.published.items() for port, at in ports.items()]

    def to_unpublished(self) -> List[Flow]:
        """By the container's own address, which neighbours have a route to."""
        return [flow(place, addr, port, addr, origin=bind, bind=bind)
                for place, bind in self.senders_outside()
                for name, addresses in self.addresses.items() for addr in addresses
                for port in (*self.ports, "icmp")
                if (":" in addr) == (":" in bind) and port not in self.published.get(name, {})]

    def all_flows(self) -> List[Flow]:
        parts = (self.between_containers, self.to_host, self.to_outside, self.from_host,
                 self.to_published, self.to_unpublished)
        return list(dict.fromkeys(one for part in parts for one in part()))

    def to_host_by_address(self) -> List[Flow]:
        """To the host by its address, which decides who answers there; of the families that each has."""
        return [flow(source, addr, port, addr, origin=source_address(source, addr))
                for name, source in self.containers.items()
                for addr in (*self.gateways[name], "192.0.2.1", "2001:db8:1::1")
                if self.has_family(name, addr) for port in (*self.ports, "icmp")]

    def check_table(self, policy: str) -> None:
        flows = self.all_flows()
        plain = measure(flows)
        netd = self.start_netd(policy)
        said, got = verdicts(netd, flows), measure(flows)
        missed = [one for one in flows if said[one].allowed and not got[one]]
        got.update(measure(missed, 3000))  # a busy machine is no denial
        wrong = check(plain, got, said) + self.check_reports(netd, got)
        figure(f"truth table of {self.table}", summary(plain, got))
        self.assertEqual("", "\n".join(wrong[:60]), f"{len(wrong)} of {len(flows)} cells")
        self.assert_not_void(said.values())
        self.assertEqual(netd.stop(), 0)

    def check_reports(self, netd: Netd, got: Dict[Flow, bool]) -> List[str]:
        """What else is asked while netd runs; what is wrong."""
        return []

    def assert_not_void(self, said: object) -> None:
        """All kinds of answers are in the table."""
        kinds = {(one.allowed, one.by) for one in said}  # type: ignore[attr-defined]
        self.assertLessEqual({(True, "netd"), (False, "netd")}, kinds)

    table = ""


__all__ = ["Flow", "INTERNET", "LAN", "PAYMENT6", "Tables"]
