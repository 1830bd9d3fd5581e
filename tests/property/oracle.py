# SPDX-License-Identifier: GPL-2.0-or-later
"""What the policy language says about one flow, rule by rule, from its description alone.

Slow and simple on purpose. It shares nothing with the core but netd-policy(5).
"""
from __future__ import annotations

import functools
import ipaddress
import re
from dataclasses import dataclass
from itertools import combinations
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple, TypeVar

from model import (PORT_PROTOS, Address, Container, End, Endpoint, Flow, Host, Match, Member, Net, Network,
                   Outside, Policy, Port, Published, Rule, Tier, Verdict, World, net_of)

T = TypeVar("T")
PRIVATE = [ipaddress.ip_network(text) for text in
           ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
            "fe80::/10")]
DOCUMENTATION = [ipaddress.ip_network(text) for text in
                 ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
METADATA = [ipaddress.ip_network(text) for text in
            ("169.254.0.0/16", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")]
# Neither public nor local: this network, loopback, link-local, benchmarks, multicast, reserved,
# IPv6 that stands for some IPv4 address.
SPECIAL = [ipaddress.ip_network(text) for text in
           ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "198.18.0.0/15", "224.0.0.0/4",
            "240.0.0.0/4", "::/3", "4000::/2", "8000::/1", "2001::/23", "2002::/16")]


def _in(address: Address, nets: List[Net]) -> bool:
    return any(address in net for net in nets)  # other families are in none


@functools.lru_cache(maxsize=None)
def zone_of(address: Address) -> Optional[str]:
    """internet, lan, or None: in neither. Docker's own networks are not looked at."""
    if _in(address, METADATA):
        return None
    if _in(address, PRIVATE):
        return "lan"
    if _in(address, DOCUMENTATION):
        return "internet"
    return None if _in(address, SPECIAL) else "internet"


# Where nobody has told of the fleet.
SYMBOLIC_MEMBERS = [ipaddress.ip_address(text) for text in ("100.127.255.254", "fdff:ffff::fe")]
LINK_LOCAL = [ipaddress.ip_network("fe80::/10")]


# ---- the tier of an endpoint ----

def glob(pattern: str, text: str) -> bool:
    """* stands for any text, ? for any one letter."""
    parts = {"*": ".*", "?": "."}
    regex = "".join(parts.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def _holds(pattern: Optional[str], text: Optional[str]) -> bool:
    return pattern is None or (text is not None and glob(pattern, text))


def _matches(match: Match, endpoint: Endpoint, left_out: Sequence[str]) -> bool:
    """By all labels but those that are @left_out."""
    container = endpoint.container
    if container.kind:  # no container: only its network and its kind can be named
        return (_holds(match.network, endpoint.network.name)
                and match.endpoint in ((container.kind,) if _names_container(match) else (None,)))
    labels = {key: value for key, value in container.labels.items() if key not in left_out}
    return (match.endpoint is None and _holds(match.network, endpoint.network.name)
            and _holds(match.container, endpoint.container.name)
            and _holds(match.image, endpoint.container.image)
            and _holds(match.project, labels.get("com.docker.compose.project"))
            and _holds(match.service, labels.get("com.docker.compose.service"))
            and all(_holds(value, labels.get(key)) for key, value in match.labels))


def _names_container(match: Match) -> bool:
    return bool(match.container or match.image or match.project or match.service or match.labels
                or match.endpoint)


@dataclass(frozen=True)
class Standing:
    """What netd takes an endpoint for: tier, unmatched, conflict, unknown, address-clash or
    unmanaged."""

    kind: str
    tier: Optional[Tier] = None

    @property
    def name(self) -> str:
        """As reports name it."""
        return self.tier.name if self.tier else self.kind


OUTSIDE = Standing("outside")


def _by_reading(policy: Policy, endpoint: Endpoint, image: Sequence[str]) -> "tuple[bool, Standing]":
    """If the labels of @image are the image's alone.  With the level that decided."""
    for level in (True, False):
        tiers = [tier for tier in policy.tiers
                 if any(_names_container(match) == level and
                        _matches(match, endpoint, () if tier.image_labels else image)
                        for match in tier.matches)]
        if len(tiers) > 1:
            return level, Standing("conflict")
        if tiers:
            return level, Standing("tier", tiers[0])
    return False, Standing("unmatched")


def _by_matches(policy: Policy, endpoint: Endpoint) -> Standing:
    """A label that the image has with the same value may be either's: all readings must agree."""
    keys = endpoint.container.image_labels
    readings = [_by_reading(policy, endpoint, image) for n in range(len(keys) + 1)
                for image in combinations(keys, n)]
    first = readings[0]
    if all(one[1] == first[1] and (one[0] == first[0] or one[1].kind != "conflict")
           for one in readings):
        return first[1]
    return Standing("unknown")


# ---- the oracle ----

def kept(question: Callable[["Oracle", Address], T]) -> Callable[["Oracle", Address], T]:
    """The same few addresses are asked about again and again, and what is so of one stays so."""
    answers = f"kept {question.__name__}"

    @functools.wraps(question)
    def ask(oracle: "Oracle", address: Address) -> T:
        known = oracle.__dict__.setdefault(answers, {})
        if address not in known:
            known[address] = question(oracle, address)
        return known[address]  # type: ignore[no-any-return]

    return ask


class Oracle:
    """Verdicts under one policy, on one host or (world None) on none."""

    def __init__(self, policy: Policy, world: Optional[World], now: int) -> None:
        self.policy, self.world, self.now = policy, world, now
        self.tiers = {tier.name: tier for tier in policy.tiers}
        self.rules = [rule for rule in policy.rules if rule.until is None or now < rule.until]
        self.at_port: Dict[Port, List[Rule]] = {}
        self.standings: Dict[Tuple[str, str], Standing] = {}
        for endpoint in world.endpoints if world else []:
            self.standings[endpoint.key] = self._stand(endpoint)

    def _stand(self, endpoint: Endpoint) -> Standing:
        if not endpoint.network.managed:
            return Standing("unmanaged")
        if self._shares_address(endpoint):
            return Standing("address-clash")
        return _by_matches(self.policy, endpoint)

    def _shares_address(self, endpoint: Endpoint) -> bool:
        assert self.world is not None
        mine = {endpoint.ipv4, endpoint.ipv6} - {None}
        return any(mine & {other.ipv4, other.ipv6} for other in self.world.endpoints
                   if other is not endpoint and other.network.managed)

    def standing(self, end: End) -> Standing:
        """Of a container; kind outside: not one that netd guards."""
        if isinstance(end, Endpoint):
            return self.standings[end.key]
        if isinstance(end, Outside):
            return self._standing_outside(end.address)
        if not isinstance(end, Member):
            return OUTSIDE
        tier = self.tiers.get(end.tier)
        return Standing("tier", tier) if tier else Standing("unmatched")

    @kept
    def _standing_outside(self, address: Address) -> Standing:
        speaker = self.speaker(address)
        if not speaker and self._is_at_nobody(address):
            return Standing("unmatched")
        return Standing("tier", speaker) if speaker else OUTSIDE

    # ---- who speaks for others ----

    @kept
    def speaker(self, address: Address) -> Optional[Tier]:
        """The tier whose that address is as well: never one that Docker has dealt out, and of more
        than one address none on its networks, and unicast alone. A default route names nobody."""
        for tier in self.policy.tiers:
            for text in tier.speaks_for:
                net = net_of(text)
                if net.prefixlen == 0 or address not in net:
                    continue
                if net.num_addresses == 1:
                    return None if self._is_dealt_out(address) else tier
                local = address in net_of("fe80::/10")
                if self._is_outside(address) and zone_of(address) and not local:
                    return tier
        return None

    def _is_dealt_out(self, address: Address) -> bool:
        world = self.world or World([], [], [], [])
        return any(address in (end.ipv4, end.ipv6) for end in world.endpoints if end.network.managed) \
            or any(address in network.gateways for network in world.networks)

    def place(self, end: End, other: End) -> End:
        """Where a flow meets that end: at a container that speaks for it, one on the network of the
        other end if there is such; without one, outside."""
        speaker = self.speaker(end.address) if isinstance(end, Outside) else None
        if not speaker:
            return end
        if not self.standings:
            return end if self.world and self.world.networks else Member(speaker.name)

        def worth(one: Endpoint) -> int:
            if one is other:
                return 1
            if isinstance(other, Endpoint) and one.network is other.network:
                return 4
            return 2 if one.network.internal else 3

        assert self.world is not None
        ends = sorted((e for e in self.world.endpoints if self.standings[e.key].tier is speaker),
                      key=lambda e: e.key)
        return max(ends, key=worth) if ends else end

    # ---- rules ----

    @kept
    def _is_outside(self, address: Address) -> bool:
        """An address on a managed network is a container's or nobody's, never outside."""
        networks = self.world.networks if self.world else []
        return not any(_in(address, list(net.subnets)) for net in networks if net.managed)

    def _is_at_nobody(self, address: Address) -> bool:
        """On a network of Docker's, where no container has it."""
        return not self._is_outside(address) and not self.is_host(address)

    @kept
    def is_host(self, address: Address) -> bool:
        """One of this host's own: an interface's, or the gateway of a bridge."""
        if self.world is None or address.is_loopback:
            return address.is_loopback
        gateways = [gateway for net in self.world.networks if net.managed for gateway in net.gateways]
        return address in self.world.host_addresses or address in gateways

    def _is_dns(self, address: Address, port: Port) -> bool:
        resolvers = self.world.resolvers if self.world else []
        return address in resolvers and port.number == 53 and port.proto in ("tcp", "udp")

    def members(self) -> List[Address]:
        """The zone `hosts`: addresses that a host can have, and no container here."""
        said = self.world.members if self.world and self.world.members else SYMBOLIC_MEMBERS
        return sorted((address for address in said
                       if zone_of(address) and not _in(address, LINK_LOCAL)
                       and self._is_outside(address)),
                      key=lambda address: (address.version, address))

    def _peer(self, peer: str, end: End, port: Port, is_target: bool, allow: bool) -> bool:
        tier = self.tiers.get(peer)
        if tier:
            return self.standing(end).tier is tier
        if peer == "host":
            return isinstance(end, Host)
        if isinstance(end, Host):
            return peer == "dns" and is_target and end.address is not None \
                and self._is_dns(end.address, port)
        if not isinstance(end, Outside):
            return False
        of_tier = self._spoken_peer(peer)
        speaker = self.speaker(end.address)
        if speaker or (of_tier and allow):  # a deny rule means what the tier's range leaves out, too
            return of_tier is not None and of_tier is speaker \
                and end.address in net_of(peer)
        if not self._is_outside(end.address):
            return False
        if peer == "dns":
            return is_target and self._is_dns(end.address, port)
        if peer == "hosts":
            return end.address in self.members()
        if peer in ("internet", "lan", "world"):
            return zone_of(end.address) in (("internet", "lan") if peer == "world" else (peer,))
        return end.address in net_of(peer)

    def _spoken_peer(self, peer: str) -> Optional[Tier]:
        """The tier that speaks for all of an address or CIDR."""
        if not (peer[0].isdigit() or ":" in peer):
            return None
        net = net_of(peer)
        return next((tier for tier in self.policy.tiers for text in tier.speaks_for
                     for other in [net_of(text)]
                     if other.prefixlen and other.version == net.version
                     and net.subnet_of(other)), None)  # type: ignore[arg-type]

    def _rule(self, rule: Rule, flow: Flow) -> bool:
        """Of one of rules_at()."""
        return (any(self._peer(peer, flow.source, flow.port, False, rule.allow)
                    for peer in rule.source)
                and any(self._peer(peer, flow.target, flow.port, True, rule.allow)
                        for peer in rule.target))

    def rules_at(self, port: Port) -> List[Rule]:
        """Those that speak of it."""
        if port not in self.at_port:
            self.at_port[port] = [rule for rule in self.rules
                                  if not rule.ports or any(ports.holds(port) for ports in rule.ports)]
        return self.at_port[port]

    def _by_rules(self, flow: Flow) -> Optional[bool]:
        """None: no rule speaks of it."""
        said = {rule.allow for rule in self.rules_at(flow.port) if self._rule(rule, flow)}
        return None if not said else False not in said

    def _within(self, flow: Flow, at: Flow) -> bool:
        source, target = self.standing(flow.source).tier, self.standing(flow.target).tier
        return (source is not None and source == target and source.within
                and self._same_network(at.source, at.target))

    @staticmethod
    def _same_network(one: End, other: End) -> bool:
        if isinstance(one, Endpoint) and isinstance(other, Endpoint):
            return one.network.name == other.network.name
        return isinstance(one, Member) and isinstance(other, Member)

    # ---- verdicts ----

    def verdict(self, flow: Flow) -> Verdict:
        """What happens to that flow."""
        flow = Flow(self._seen(flow.source), self._seen(flow.target), flow.family, flow.port)
        if "outside" == self.standing(flow.source).kind == self.standing(flow.target).kind:
            return Verdict(True, by="nobody")
        source = self.place(flow.source, flow.target)
        at = Flow(source, self.place(flow.target, source), flow.family, flow.port)
        if self._is_nobodys(flow, at):
            return Verdict(True, by="nobody")
        verdict = self._netd(flow, at)
        if verdict.allowed and self._docker_drops(flow, at):
            return Verdict(False, by="docker")
        elsewhere = flow.target == at.target and self._answers_elsewhere(at)
        return Verdict(False) if elsewhere else verdict

    @staticmethod
    def _is_nobodys(flow: Flow, at: Flow) -> bool:
        """Behind one container; or an address that a tier speaks for, but just now nobody has."""
        if flow != at and isinstance(at.source, Endpoint) and at.source is at.target:
            return True
        return not any(isinstance(end, (Endpoint, Member)) for end in (at.source, at.target))

    def _seen(self, end: End) -> End:
        """A container on a network that netd does not guard is one more address; an address of the
        host is the host."""
        if isinstance(end, Outside) and self.is_host(end.address):
            return Host(end.address)
        if self.standing(end).kind != "unmanaged":
            return end
        assert isinstance(end, Endpoint)
        address = end.ipv4 or end.ipv6
        assert address is not None
        return Outside(address)

    def _netd(self, flow: Flow, at: Flow) -> Verdict:
        kinds = [self.standing(end).kind for end in (flow.source, flow.target)]
        if {"address-clash", "conflict", "unknown"} & set(kinds):
            return self._denied(flow)
        from_outside = isinstance(at.source, Outside)
        if from_outside and kinds[0] == "tier":  # a tier's address, from elsewhere
            return Verdict(self.policy.mode == "audit", self.policy.mode == "audit")
        if from_outside and isinstance(flow.target, Outside):
            return self._denied(flow)
        if from_outside and self.is_published(flow) and self._is_proxied(flow):
            ends = self._may_answer(flow.target)
            if len({self.standing(end) for end in ends}) > 1:
                return self._by_all(flow, ends)
        if self._is_beside_nobody(flow) and self.policy.mode != "audit":
            return Verdict(False)
        if self.policy.unmatched == "ignore" and "unmatched" in kinds and "tier" not in kinds:
            return Verdict(True)  # not judged
        if isinstance(flow.source, Host):
            return Verdict("unmatched" not in kinds or self.policy.mode == "audit")
        if from_outside and not self.is_published(flow):
            return self._denied(flow)
        said = self._by_rules(flow)
        if said or (said is None and self._within(flow, at)):
            return Verdict(True)
        return self._denied(flow)

    def _is_beside_nobody(self, flow: Flow) -> bool:
        """With an address of a container's own network that no container has: at no port that netd
        knows, so that even what it leaves alone does not get there."""
        return any(isinstance(one, Endpoint) and isinstance(other, Outside)
                   and not self.speaker(other.address)
                   and _in(other.address, list(one.network.subnets))
                   for one, other in ((flow.source, flow.target), (flow.target, flow.source)))

    def _may_answer(self, end: End) -> List[Endpoint]:
        """Those of the container's endpoints through which Docker may publish: behind docker-proxy
        it does not show which one it is."""
        if not isinstance(end, Endpoint):
            return []
        assert self.world is not None
        ends = [one for one in self.world.endpoints
                if one.container is end.container and one.network.managed]
        return [one for one in ends if not one.network.internal] or ends

    def _by_all(self, flow: Flow, ends: List[Endpoint]) -> Verdict:
        """It passes if it passes to each of them."""
        verdicts = []
        for end in ends:
            kind = self.standing(end).kind
            judged = self.policy.unmatched == "ignore" or self.policy.mode == "audit"
            if kind != "tier" and not (kind == "unmatched" and judged):
                audited = self.policy.mode == "audit"
                return Verdict(audited, audited)
            one = Flow(flow.source, end, flow.family, flow.port)
            ignored = kind == "unmatched" and self.policy.unmatched == "ignore"
            verdicts.append(Verdict(True) if ignored or self._by_rules(one) else self._denied(one))
        audited = any(verdict.audited for verdict in verdicts)
        return Verdict(True, audited) if all(verdict.allowed for verdict in verdicts) \
            else Verdict(False)

    def _denied(self, flow: Flow) -> Verdict:
        """Of what is sent to nobody the sender's mode decides."""
        nobody = isinstance(flow.target, Outside) and self._is_at_nobody(flow.target.address) \
            and not self.speaker(flow.target.address)
        modes = [self._mode(self.standing(end))
                 for end in (flow.source, *(() if nobody else (flow.target,)))]
        audited = "enforce" not in modes
        return Verdict(audited, audited)

    def _mode(self, standing: Standing) -> Optional[str]:
        """None: has no say. At the top of the policy audit mode is for all, whoever they are."""
        if self.policy.mode == "audit":
            return "audit"
        if standing.kind in ("conflict", "unknown", "address-clash"):
            return "enforce"
        if standing.kind == "unmatched":
            return None if self.policy.unmatched == "ignore" else "enforce"
        return (standing.tier.mode or "enforce") if standing.tier else None

    def openings(self, flow: Flow) -> Iterator[Published]:
        """The published ports that take such a flow in."""
        assert isinstance(flow.target, Endpoint)
        for published in flow.target.container.published:
            if (published.port == flow.port and published.host_ip.version == flow.family
                    and not published.host_ip.is_loopback):
                yield published

    def is_published(self, flow: Flow) -> bool:
        """Without an inventory every port is."""
        if isinstance(flow.target, Member):
            return True
        assert isinstance(flow.target, Endpoint)
        return self._publishes(flow.target, flow.family) and \
            any(True for _ in self.openings(flow))

    def _by_route(self, container: Container) -> List[Endpoint]:
        assert self.world is not None
        return sorted((end for end in self.world.endpoints
                       if end.container is container and not end.network.internal),
                      key=lambda end: (not (end.ipv4 and end.ipv6), -end.gw_priority,
                                       end.network.name))

    def _publisher(self, container: Container, family: int) -> Optional[Endpoint]:
        """On the network that has the container's default route: no internal one; one with both
        families first, then by gw_priority, then by name."""
        ends = self._by_route(container)
        ends = [end for end in ends if end.address(family)] or ends
        return ends[0] if ends and ends[0].network.managed else None

    def _publishes(self, end: Endpoint, family: int) -> bool:
        """At the host's addresses. What Docker does not publish, because the network is internal,
        counts: Docker drops it then."""
        publisher = self._publisher(end.container, family)
        if publisher is None:
            return end.network.internal
        return publisher is end and self._gateway_mode(end.network, family) != "isolated"

    def _gateway_mode(self, network: Network, family: int) -> str:
        """Before Docker 27 there was none but nat."""
        return network.modes[family == 6] if self._is_since(27) else "nat"

    def _is_routed(self, end: Endpoint, family: int) -> bool:
        """Its ports are open at its own address."""
        return self._publisher(end.container, family) is end and bool(end.address(family)) \
            and self._gateway_mode(end.network, family) == "routed"

    def _is_proxied(self, flow: Flow) -> bool:
        """Docker translates from family to the same, where it programs iptables or ip6tables, or
        routes; all else docker-proxy hands on."""
        if not isinstance(flow.target, Endpoint) or self._is_routed(flow.target, flow.family):
            return False
        return not flow.target.address(flow.family) or not self._is_filtered(flow.family)

    def _answers_elsewhere(self, flow: Flow) -> bool:
        """What Docker routes between two networks, to a container that is on the source's too: it
        answers there, with an address that is not its own on that network, so nobody takes it; unless
        Docker gave the question its gateway's address."""
        there, target = self._network_of(flow.source), flow.target
        if there is None or not isinstance(target, Endpoint) or there is target.network \
                or self._is_masqueraded(there, flow.family):
            return False
        assert self.world is not None
        return any(end.container is target.container and end.network is there
                   and end.address(flow.family) for end in self.world.endpoints)

    def _network_of(self, end: End) -> Optional[Network]:
        """Docker's network that it is on."""
        if isinstance(end, Endpoint):
            return end.network
        if not isinstance(end, Outside) or not self.world or self.speaker(end.address):
            return None
        return next((network for network in self.world.networks
                     if network.managed and _in(end.address, list(network.subnets))), None)

    def _is_masqueraded(self, network: Network, family: int) -> bool:
        """What leaves it has the host's address."""
        return network.masquerade and self._is_filtered(family) and \
            self._gateway_mode(network, family).startswith("nat")

    def _docker_drops(self, flow: Flow, at: Flow) -> bool:
        source, target = at.source, at.target
        if isinstance(source, Endpoint) and isinstance(target, Endpoint):
            if self._same_network(source, target):
                return self._is_filtered(flow.family) and not source.network.icc
            return self._drops_between(flow, at)
        if isinstance(source, Endpoint) and isinstance(target, Outside):
            if self._is_at_nobody(target.address) and not self.speaker(target.address):
                return self._drops_at_nobody(source, target, at)
            return source.network.internal or not self._has_route(source, flow.family)
        if isinstance(source, Host) and isinstance(target, Endpoint):
            return self._gateway_mode(target.network, flow.family) == "isolated"
        if isinstance(source, Endpoint) and isinstance(target, Host):
            if self._gateway_mode(source.network, flow.family) == "isolated":
                return True
            return target.address is not None and not self._has_route(source, flow.family) \
                and not any(target.address in subnet for subnet in source.network.subnets)
        if not (isinstance(source, Outside) and isinstance(target, Endpoint)):
            return False
        if self._is_at_nobody(source.address) and not self.speaker(source.address):
            return self._drops_at_nobody(target, source, at)
        assert self.world is not None
        return target.network.internal or (not self.world.userland_proxy and
                                           self.is_published(at) and self._is_proxied(at))

    def _is_filtered(self, family: int) -> bool:
        return self.world is None or (self.world.iptables if family == 4 else self.world.ip6tables)

    def _drops_between(self, flow: Flow, at: Flow) -> bool:
        """Between two networks. What is open at a container's own address, and not at one that it
        speaks for, is open to others, too; and where Docker filters nothing, internal networks have no
        route but to who answers on the source's own network."""
        source, target = at.source, at.target
        assert isinstance(source, Endpoint) and isinstance(target, Endpoint)
        own = target if flow.target == target else None
        if self._sends_to_networks(source, flow.family) and self._lets_in(target.network, own, flow):
            return False
        if self._is_filtered(flow.family):
            return True
        if not source.network.internal and own and self._answers_elsewhere(at):
            return False
        return self._is_since(26) and (source.network.internal or target.network.internal)

    def _sends_to_networks(self, source: Endpoint, family: int) -> bool:
        return not source.network.internal and self._has_route(source, family)

    def _lets_in(self, network: Network, target: Optional[Endpoint], flow: Flow) -> bool:
        """Gateway mode routed: ping, and what is published at the target's own address."""
        if network.internal or self._gateway_mode(network, flow.family) != "routed":
            return False
        if flow.port.proto not in PORT_PROTOS:
            return True
        return target is not None and self._is_routed(target, flow.family) and \
            any(published.port == flow.port and published.host_ip.version == flow.family
                for published in target.container.published)

    def _drops_at_nobody(self, end: Endpoint, nobody: Outside, at: Flow) -> bool:
        """As between containers."""
        there, filtered = self._network_of(nobody), self._is_filtered(at.family)
        assert there is not None
        if there is end.network:
            return filtered and not there.icc
        if end is at.source:
            let = self._sends_to_networks(end, at.family) and self._lets_in(there, None, at)
        else:
            let = not there.internal and self._lets_in(end.network, end, at)
        if let or (not there.internal and end is at.target and self._answers_elsewhere(at)):
            return False
        return filtered or (self._is_since(26) and (end.network.internal or there.internal))

    def _has_route(self, end: Endpoint, family: int) -> bool:
        """The container's default route is there; before Docker 28 it has one for both families,
        before 26 on internal networks too."""
        ends = self._by_route(end.container)
        if self._is_since(28):
            ends = [one for one in ends if one.address(family)]
        if not ends:
            return end.network.internal and not self._is_since(26)
        return ends[0] is end

    def _is_since(self, major: int) -> bool:
        """Docker is of that version or later, or nobody knows."""
        engine = self.world.engine if self.world else None
        return engine is None or int(engine.partition(".")[0]) >= major
