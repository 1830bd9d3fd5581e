# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy, a host and a flow as plain values, for the oracle and the generator."""
from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Net = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@functools.lru_cache(maxsize=None)
def net_of(text: str) -> Net:
    """An address or CIDR; the same few are asked for a million times."""
    return ipaddress.ip_network(text)

PORT_PROTOS = ("tcp", "udp", "sctp")
ICMP = {4: "icmp", 6: "icmpv6"}


@dataclass(frozen=True)
class Port:
    """One port of a protocol; number 0 for icmp and icmpv6."""

    proto: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.number}/{self.proto}" if self.proto in PORT_PROTOS else self.proto


@dataclass(frozen=True)
class Ports:
    """An entry of a `ports:` list."""

    proto: str
    low: int = 0
    high: int = 0

    def holds(self, port: Port) -> bool:
        """Whether that port is one of these."""
        return self.proto == port.proto and self.low <= port.number <= self.high

    def __str__(self) -> str:
        if self.proto not in PORT_PROTOS:
            return self.proto
        return f"{self.low}/{self.proto}" if self.low == self.high \
            else f"{self.low}-{self.high}/{self.proto}"


def parse_ports(text: str) -> Ports:
    """Of "80/tcp", "80-90/udp", "icmp"."""
    numbers, slash, proto = text.partition("/")
    if not slash:
        return Ports(text)
    low, _, high = numbers.partition("-")
    return Ports(proto, int(low), int(high or low))


@dataclass(frozen=True)
class Match:
    """An entry of `match:`; None: the key is not there."""

    network: Optional[str] = None
    container: Optional[str] = None
    image: Optional[str] = None
    project: Optional[str] = None
    service: Optional[str] = None
    labels: Tuple[Tuple[str, str], ...] = ()
    endpoint: Optional[str] = None


@dataclass(frozen=True)
class Tier:
    """A tier; mode None: the policy's."""

    name: str
    matches: Tuple[Match, ...]
    mode: Optional[str] = None
    within: bool = True
    image_labels: bool = False
    speaks_for: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """Peers are texts, as in the policy; no ports: all; until: seconds since the epoch."""

    allow: bool
    source: Tuple[str, ...]
    target: Tuple[str, ...]
    ports: Tuple[Ports, ...] = ()
    until: Optional[int] = None
    log: bool = False


@dataclass(frozen=True)
class Assertion:
    """An entry of `tests:`."""

    source: str
    target: str
    port: Port
    expect: str


@dataclass
class Policy:
    """What the files of a policy say, all together."""

    tiers: List[Tier]
    rules: List[Rule]
    mode: str = "enforce"
    unmatched: str = "deny"
    tests: List[Assertion] = field(default_factory=list)

    def tier(self, name: str) -> Optional[Tier]:
        """The tier of that name."""
        return next((tier for tier in self.tiers if tier.name == name), None)


@dataclass(frozen=True)
class Network:
    """A network of Docker's."""

    name: str
    subnets: Tuple[Net, ...]
    gateways: Tuple[Address, ...]
    driver: str = "bridge"
    internal: bool = False
    icc: bool = True
    modes: Tuple[str, str] = ("nat", "nat")  # gateway_mode_ipv4, gateway_mode_ipv6
    masquerade: bool = True

    @property
    def managed(self) -> bool:
        """Whether netd holds it."""
        return self.driver == "bridge"


@dataclass(frozen=True)
class Published:
    """A published port."""

    host_ip: Address
    host_port: int
    port: Port


@dataclass(frozen=True)
class Container:
    """A container, without its networks."""

    name: str
    image: str
    labels: Dict[str, str] = field(hash=False)
    published: Tuple[Published, ...] = ()
    image_labels: Tuple[str, ...] = ()  # keys of those labels that came with the image
    kind: Optional[str] = None  # of a sandbox that is no container


@dataclass(frozen=True)
class Endpoint:
    """A container on a network."""

    container: Container
    network: Network
    ipv4: Optional[Address]
    ipv6: Optional[Address]
    gw_priority: int = 0

    def address(self, family: int) -> Optional[Address]:
        """Its address of that family."""
        return self.ipv4 if family == 4 else self.ipv6

    @functools.cached_property
    def key(self) -> Tuple[str, str]:
        """What names it."""
        return self.container.name, self.network.name


@dataclass
class World:
    """The facts about a host."""

    networks: List[Network]
    containers: List[Container]
    endpoints: List[Endpoint]
    resolvers: List[Address]
    ip6tables: bool = True  # whether Docker filters IPv6
    host_addresses: List[Address] = field(default_factory=list)  # beside the gateways
    userland_proxy: bool = True
    engine: Optional[str] = None
    members: List[Address] = field(default_factory=list)  # what other hosts of the fleet say
    iptables: bool = True  # whether Docker filters IPv4


@dataclass(frozen=True)
class Host:
    """This machine, as an end of a flow; where it matters, at one of its addresses."""

    address: Optional[Address] = None


@dataclass(frozen=True)
class Outside:
    """An address as an end of a flow."""

    address: Address


@dataclass(frozen=True)
class Member:
    """Some container of a tier, where there is no inventory: two are on one network."""

    tier: str


End = Union[Host, Outside, Member, Endpoint]


@dataclass(frozen=True)
class Flow:
    """The port is the container's own, or that of a service on the host or outside."""

    source: End
    target: End
    family: int
    port: Port


@dataclass(frozen=True)
class Verdict:
    """audited: it passes, but enforce would deny it. by: netd, docker, nobody."""

    allowed: bool
    audited: bool = False
    by: str = "netd"


def inventory(world: World) -> Dict[str, Any]:
    """The world as the JSON that --inventory reads."""
    return {
        "version": 1,
        "networks": [_network_json(n, i) for i, n in enumerate(world.networks)],
        "containers": [_container_json(world, c, i) for i, c in enumerate(world.containers)],
        "resolvers": [str(address) for address in world.resolvers],
        "host_addresses": [str(address) for address in world.host_addresses],
        "iptables": world.iptables, "ip6tables": world.ip6tables,
        "userland_proxy": world.userland_proxy,
        **({"engine": world.engine} if world.engine else {}),
        **({"hosts": [{"name": f"host-{i}", "address": str(address)}
                      for i, address in enumerate(world.members)]} if world.members else {}),
    }


def _network_json(network: Network, index: int) -> Dict[str, Any]:
    json = {"id": f"{index + 0xa000:064x}", "name": network.name, "driver": network.driver,
            "internal": network.internal, "icc": network.icc, "masquerade": network.masquerade,
            "subnets": [str(subnet) for subnet in network.subnets],
            "gateways": [str(address) for address in network.gateways]}
    for key, mode in zip(("gateway_mode_ipv4", "gateway_mode_ipv6"), network.modes):
        if mode != "nat":
            json[key] = mode
    if network.managed:
        json["bridge"] = f"br-{index}"
    return json


def _container_json(world: World, container: Container, index: int) -> Dict[str, Any]:
    kind = {"kind": container.kind} if container.kind else {"image": container.image}
    return {
        "id": f"{index + 1:064x}", "name": container.name, **kind,
        "labels": container.labels, "image_labels": list(container.image_labels),
        "endpoints": [_endpoint_json(e) for e in world.endpoints if e.container is container],
        "published": [{"host_ip": str(p.host_ip), "host_port": p.host_port, "port": str(p.port)}
                      for p in container.published],
    }


def _endpoint_json(endpoint: Endpoint) -> Dict[str, Any]:
    json: Dict[str, Any] = {"network": endpoint.network.name}
    if endpoint.gw_priority:
        json["gw_priority"] = endpoint.gw_priority
    if endpoint.ipv4:
        json["ipv4"] = str(endpoint.ipv4)
    if endpoint.ipv6:
        json["ipv6"] = str(endpoint.ipv6)
    return json
