# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows between tiers, zones and prefixes, as `plan` and `matrix` speak of them: something passes
from one to the other where it passes between some of their members."""
from __future__ import annotations

import ipaddress
import random
from itertools import product
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from generate import METADATA, NOW, OUTSIDE
from model import (ICMP, PORT_PROTOS, Address, End, Endpoint, Flow, Host, Member, Net, Outside,
                   Policy, Port, Rule, Verdict, World, net_of)
from oracle import Oracle, zone_of

ZONES = ("internet", "lan")
Groups = Dict[str, List[End]]


def is_prefix(name: str) -> bool:
    """An address or CIDR, by its letters."""
    return name[0].isdigit() or ":" in name


def named_prefixes(policies: Sequence[Policy]) -> Set[str]:
    """All that rules name."""
    return {peer for policy in policies for rule in policy.rules
            for peer in (*rule.source, *rule.target) if is_prefix(peer)}


class Level:
    """One host (or none) under one policy, or under an old and a new one."""

    def __init__(self, policies: Sequence[Policy], world: Optional[World],
                 resolvers: Sequence[Address] = (), members: Sequence[Address] = ()) -> None:
        self.policies, self.world = policies, world
        self.resolvers = world.resolvers if world else list(resolvers)
        self.oracles = [Oracle(policy, world, NOW) for policy in policies]
        for oracle in self.oracles if resolvers else []:
            oracle.world = World([], [], [], self.resolvers, members=list(members))
        self.members = self.oracles[0].members()
        self.spoken = {text for policy in policies for tier in policy.tiers
                       for text in tier.speaks_for if self._speaks(text)}
        self.prefixes = [net_of(text)
                         for text in named_prefixes(policies) | self.spoken]
        self.inner = self._classes()
        self.outer = self._outer()

    def _speaks(self, text: str) -> bool:
        """No default route, and no address that Docker has dealt out."""
        net = net_of(text)
        return net.prefixlen > 0 and (net.num_addresses > 1 or any(
            oracle.speaker(net.network_address) for oracle in self.oracles))

    # ---- who there is ----

    def _classes(self) -> Groups:
        """Containers that the policies treat alike."""
        ends: List[End] = [endpoint for endpoint in self.world.endpoints
                           if endpoint.network.managed] if self.world else \
            [Member(name) for name in sorted({tier.name for policy in self.policies
                                              for tier in policy.tiers})]
        classes: Groups = {}
        for end in ends:
            names = [oracle.standing(end).name for oracle in self.oracles]
            name = names[0] if len(set(names)) == 1 else f"{names[-1]} (was {names[0]})"
            classes.setdefault(name, []).append(end)
        return classes

    def _outer(self) -> Groups:
        groups: Groups = {"host": [Host()]}
        for zone in ZONES:
            candidates = [ipaddress.ip_address(text) for text in (*OUTSIDE, *METADATA, *MORE)]
            candidates += [address for net in self.prefixes for address in self._around(net)]
            groups[zone] = self._typical([a for a in candidates if zone_of(a) == zone], None)
        for net in self.prefixes:
            candidates = [ipaddress.ip_address(text) for text in (*OUTSIDE, *METADATA, *MORE)]
            candidates += [address for inner in self.prefixes for address in self._around(inner)]
            text = str(net.network_address) if net.num_addresses == 1 else str(net)
            groups[text] = [end for zone in (*ZONES, None) for end in self._typical(
                [a for a in candidates if a in net and zone_of(a) == zone], net)]
        groups["dns"] = [Outside(address) for address in self.resolvers]
        groups["hosts"] = self._typical(self.members, None, are_members=True)
        return groups

    @staticmethod
    def _around(net: Net) -> Iterator[Address]:
        first, last = int(net.network_address), int(net.broadcast_address)
        kind = type(net.network_address)
        for number in (first - 1, first, first + 1, last, last + 1):
            if 0 <= number < 2 ** net.max_prefixlen:
                yield kind(number)

    def _typical(self, candidates: List[Address], of: Optional[Net],
                 are_members: bool = False) -> List[End]:
        """Of each family one that the fewest prefixes speak of, no resolver and no host of the fleet."""
        ends: List[End] = []
        for family in (4, 6):
            fitting = [address for address in candidates if address.version == family]
            if fitting:
                ends.append(Outside(min(fitting, key=lambda a: self._cost(a, of, are_members))))
        return ends

    def _cost(self, address: Address, of: Optional[Net], is_member: bool) -> Tuple[int, int, int]:
        world = self.world or World([], [], [], [])
        on_network = any(address in net for network in world.networks for net in network.subnets)
        named = [net.prefixlen + 1 for net in self.prefixes if address in net
                 and not (of and of.version == net.version and of.subnet_of(net))]  # type: ignore
        is_host = self.oracles[0].is_host(address)
        known = (address in self.resolvers) + (not is_member and address in self.members)
        return on_network + is_host, known, max(named, default=0)

    # ---- what passes ----

    def ends(self, name: str) -> List[End]:
        """Those that the name stands for; also an address that no rule names."""
        found = self.inner.get(name) or self.outer.get(name)
        return found if found is not None else [Outside(ipaddress.ip_address(name))]

    def verdicts(self, which: int, names: Tuple[str, str], family: int,
                 port: Port) -> Iterator[Verdict]:
        """Of all pairs of members."""
        for verdicts in self.by_address(which, names, family, port).values():
            yield from verdicts

    def by_address(self, which: int, names: Tuple[str, str], family: int,
                   port: Port) -> Dict[Optional[End], List[Verdict]]:
        """The same for each address that stands for a prefix or zone."""
        found: Dict[Optional[End], List[Verdict]] = {}
        if port.proto in ICMP.values() and ICMP[family] != port.proto:
            return found
        oracle = self.oracles[which]
        for one, other in product(self.ends(names[0]), self.ends(names[1])):
            flow = Flow(one, other, family, port)
            if are_two(one, other) and can_be_sent(oracle, flow):
                outer = next((end for end in (one, other) if isinstance(end, Outside)), None)
                found.setdefault(outer, []).append(oracle.verdict(flow))
        return found

    def pairs(self) -> Iterator[Tuple[str, str]]:
        """All between which reports speak of flows. Prefixes and dns only where a rule does: for
        all others the zones stand."""
        for one in self.inner:
            for other in self.inner:
                yield one, other
            for other in self.outer:
                if self._is_worth_asking(one, other, True):
                    yield one, other
                if other != "dns" and self._is_worth_asking(one, other, False):
                    yield other, one

    def _is_worth_asking(self, inner: str, outer: str, outgoing: bool) -> bool:
        if outer == "dns":
            return any("dns" in rule.target for policy in self.policies for rule in policy.rules)
        if outer == "hosts":
            return any("hosts" in (*rule.source, *rule.target) for policy in self.policies
                       for rule in policy.rules)
        if not is_prefix(outer) or outer in self.spoken:
            return True
        return any(self._names(oracle, rule, inner, outer, outgoing) for oracle in self.oracles
                   for rule in oracle.policy.rules)

    def _names(self, oracle: Oracle, rule: Rule, inner: str, outer: str, outgoing: bool) -> bool:
        tier = oracle.standing(self.inner[inner][0]).tier
        near, far = (rule.source, rule.target) if outgoing else (rule.target, rule.source)
        return tier is not None and tier.name in near and outer in far

    def probes(self, source: random.Random, count: int) -> List[Port]:
        """Ports on both sides of where the policies or the host cut the space."""
        cuts = {(ports.proto, number) for policy in self.policies for rule in policy.rules
                for ports in rule.ports if ports.proto in PORT_PROTOS
                for number in (ports.low - 1, ports.low, ports.high, ports.high + 1)}
        for container in self.world.containers if self.world else []:
            cuts |= {(published.port.proto, published.port.number)
                     for published in container.published}
        ports = [Port(proto, number) for proto, number in sorted(cuts) if 0 < number < 65536]
        chosen = source.sample(ports, min(len(ports), count))
        return [*chosen, Port("tcp", 53), Port(source.choice(PORT_PROTOS), 64000), Port("icmp"),
                Port("icmpv6")]


MORE = ("9.9.9.9", "120.0.0.1", "150.0.0.1", "192.169.0.1", "172.20.9.9", "192.168.77.1",
        "100.70.0.1", "10.99.0.1", "2400::1", "3000::1", "fc00::1", "fdff::1", "fe80::9")


def are_two(one: End, other: End) -> bool:
    """A container does not talk to itself here; a tier without a host has two."""
    if isinstance(one, Endpoint) and isinstance(other, Endpoint):
        return one.container is not other.container
    return True


def can_be_sent(oracle: Oracle, flow: Flow) -> bool:
    """Both ends have an address of the family. A published port has one in front of it."""
    for end in (flow.source, flow.target):
        if isinstance(end, Outside) and end.address.version != flow.family:
            return False
    ends = [end for end in (flow.source, flow.target) if isinstance(end, Endpoint)]
    if all(end.address(flow.family) for end in ends):
        return True
    return (isinstance(flow.source, Outside) and not oracle.is_host(flow.source.address)
            and isinstance(oracle.place(flow.source, flow.target), Outside)
            and isinstance(flow.target, Endpoint)
            and flow.target.network.managed and oracle.is_published(flow))


def describe(verdicts: Iterable[Verdict]) -> str:
    """The best of them: allow, audit, docker (would pass but for Docker) or deny."""
    found = {"audit" if v.audited else "allow" if v.allowed else v.by for v in verdicts}
    return next((word for word in ("allow", "audit", "docker") if word in found), "deny")
