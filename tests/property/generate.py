# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies, hosts and questions: small worlds in which much of it meets."""
from __future__ import annotations

import ipaddress
import random
from dataclasses import replace
from typing import Dict, List, Optional, Tuple

from model import (ICMP, PORT_PROTOS, Address, Assertion, Container, Endpoint, Match, Net, Network,
                   Policy, Port, Ports, Published, Rule, Tier, World)

NOW = 1893456000  # 2030-01-01T00:00:00Z
ROLES = ("web", "app", "db", "cache", "edge-1")
NETWORKS = ("front", "back", "data", "far")
OUTSIDE = ("8.8.8.8", "203.0.113.7", "203.0.113.90", "198.51.100.200", "192.0.2.1", "10.1.2.3",
           "10.200.0.1", "192.168.7.7", "100.64.0.5", "172.31.0.9", "11.0.0.1", "172.32.0.1",
           "2001:db8::7", "2001:db8:1::7", "2600::1", "fd12::5", "fd99::1")
METADATA = ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
PREFIXES = ("10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16", "203.0.113.0/24", "203.0.113.7",
            "198.51.100.128/25", "100.64.0.0/10", "172.16.0.0/12", "8.8.8.0/24", "2001:db8::/32",
            "2001:db8:1::/48", "fd00::/8", "fd12::5", "169.254.169.254", "fd00:ec2::254",
            "168.63.129.16", "2600::/12", "10.77.2.200", "172.18.0.0/16")
WIDE = ("0.0.0.0/0", "::/0", "10.0.0.0/7", "fc00::/6", "128.0.0.0/1")
# What a tier may speak for: each tier something else, since an address is one tier's. The last two are on
# networks of Docker's: whether one there is answered is a matter of ARP, which tests/docker/test_routers.py
# asks with packets; here it is whether it may pass, wherever the tier's containers are.
SPOKEN = {"web": ("10.1.0.0/16",), "app": ("198.51.100.0/24", "2001:db8:1::/48"),
          "db": ("192.168.7.7", "fd12::5"), "cache": ("0.0.0.0/0", "::/0"),
          "edge-1": ("100.64.0.0/10", "192.168.9.9", "10.77.2.200", "172.18.1.200")}
KINDS = ("build", "ingress", "other")
NUMBERS = (22, 53, 80, 81, 443, 5432, 8080, 9000, 9010)


def _rarely(*of: object) -> bool:
    """True for some of them: a matter of what they are, so no other draw is another one for it."""
    return random.Random(repr(of)).random() < 0.25


class Generator:
    """One stream of random things: equal seeds, equal things."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.wide = self.chance(0.15)  # prefixes that cut through the zones

    def chance(self, share: float) -> bool:
        """True in that share of the calls."""
        return self.random.random() < share

    # ---- the host ----

    def world(self) -> World:
        """A host with some containers."""
        networks = [self._network(name, i) for i, name in enumerate(NETWORKS)
                    if self.chance(0.8) or i == 0]
        if self.chance(0.2):
            networks.append(Network("lan0", (ipaddress.ip_network("192.168.9.0/24"),),
                                    (ipaddress.ip_address("192.168.9.1"),), "macvlan"))
        containers = [self._container(i) for i in range(self.random.randint(3, 8))]
        endpoints = [endpoint for container in containers
                     for endpoint in self._endpoints(container, networks, containers)]
        if self.chance(0.1):
            self._clash(endpoints)
        return World(networks, containers, endpoints, self._resolvers(), not self.chance(0.2),
                     self._host_addresses(), not self.chance(0.1),
                     self.random.choice((None, "20.10.24", "26.1.5", "28.5.2")),
                     self._members(),
                     iptables=not (_rarely("iptables", containers) and _rarely("too", containers)))

    def _members(self) -> List[Address]:
        """Of the fleet: none, some, some that are no host's."""
        said = [text for text in (*OUTSIDE, *METADATA, "127.0.0.1", "fe80::9", "172.18.0.2", "10.77.1.7")
                if self.chance(0.15)]
        return [ipaddress.ip_address(text) for text in said]

    def _host_addresses(self) -> List[Address]:
        """Where it publishes, is the resolver, or is in a rule."""
        return [ipaddress.ip_address(text) for text in
                ("192.168.1.5", "fd12::99", "192.168.1.1", "fd12::53", "203.0.113.7", "fd12::5",
                 *OUTSIDE[:2]) if self.chance(0.25)]

    def _network(self, name: str, index: int) -> Network:
        subnets: List[Net] = [ipaddress.ip_network(
            self.random.choice((f"172.18.{index}.0/24", f"10.77.{index}.0/24")))]
        if self.chance(0.5):
            subnets.append(ipaddress.ip_network(f"fd00:{index + 1}::/64"))
        internal, icc, modes = self.chance(0.2), not self.chance(0.1), (self._mode(), self._mode())
        if not internal:  # Docker takes it for an internal network alone
            modes = tuple("nat" if mode == "isolated" else mode for mode in modes)
        return Network(name, tuple(subnets), tuple(subnet[1] for subnet in subnets), "bridge",
                       internal, icc, modes, not _rarely("masquerade", subnets, modes))

    def _mode(self) -> str:
        return self.random.choice(("routed", "nat-unprotected", "isolated")) \
            if self.chance(0.15) else "nat"

    def _container(self, index: int) -> Container:
        role = self.random.choice(ROLES)
        labels: Dict[str, str] = {}
        if self.chance(0.5):
            labels["tier"] = role
        if self.chance(0.5):
            labels["com.docker.compose.project"] = self.random.choice(("shop", "blog"))
            labels["com.docker.compose.service"] = role
        published = tuple(self._published(index * 8 + i) for i in range(self.random.randint(0, 4)))
        container = Container(f"{role}-c{index}", f"ghcr.io/img/{role}:{self.random.randint(1, 2)}",
                              labels, published, tuple(key for key in sorted(labels)
                                                       if _rarely(key, index, published)))
        if _rarely(container):
            return Container(f"sandbox-{index}", "", {}, kind=KINDS[index % len(KINDS)])
        return container

    def _published(self, index: int) -> Published:
        host_ip = self.random.choice(("0.0.0.0", "0.0.0.0", "::", "127.0.0.1", "::1",
                                      "192.168.1.5", "fd12::99"))
        proto = self.random.choice(("tcp", "tcp", "udp", "sctp"))
        return Published(ipaddress.ip_address(host_ip), 30000 + index,
                         Port(proto, self.random.choice(NUMBERS)))

    def _endpoints(self, container: Container, networks: List[Network],
                   containers: List[Container]) -> List[Endpoint]:
        number = containers.index(container) + 2
        chosen = self.random.sample(networks, min(len(networks),
                                                  self.random.choice((1, 1, 1, 2, 2, 3, 4))))
        return [Endpoint(container, network, network.subnets[0][number],
                         network.subnets[1][number] if len(network.subnets) > 1 else None,
                         self.random.choice((1, 1, -1, 7)) if self.chance(0.2) else 0)
                for network in chosen]

    def _clash(self, endpoints: List[Endpoint]) -> None:
        one = self.random.choice(endpoints)
        for i, other in enumerate(endpoints):
            if other.network is one.network and other is not one and one.network.managed:
                endpoints[i] = replace(other, ipv4=one.ipv4)
                return

    def _resolvers(self) -> List[Address]:
        texts = [self.random.choice(("8.8.8.8", "192.168.1.1", "169.254.169.254"))]
        if self.chance(0.5):
            texts.append(self.random.choice(("2001:db8::53", "fd12::53")))
        return [ipaddress.ip_address(text) for text in texts]

    # ---- the policy ----

    def policy(self) -> Policy:
        """A policy without errors (there may be warnings)."""
        names = self.random.sample(ROLES, self.random.randint(1, len(ROLES)))
        tiers = [self._tier(name) for name in names]
        allow = [self._rule(names, True) for _ in range(self.random.randint(0, 8))]
        deny = [self._rule(names, False) for _ in range(self.random.choice((0, 0, 1, 2, 3)))]
        return Policy(tiers, allow + deny, "audit" if self.chance(0.1) else "enforce",
                      "ignore" if self.chance(0.25) else "deny")

    def _tier(self, name: str) -> Tier:
        matches = tuple(self._match(name) for _ in range(self.random.choice((1, 1, 2, 3))))
        mode = self.random.choice((None, None, None, None, "audit", "enforce"))
        spoken = SPOKEN[name] if _rarely(matches, name, mode) else ()
        return Tier(name, matches, mode, not self.chance(0.4), _rarely(matches), spoken)

    def _match(self, name: str) -> Match:
        network = self.random.choice((*NETWORKS, "f*", "?a*", "*"))
        match = self.random.choice((
            Match(network=network), Match(network=network), Match(network=network),
            Match(labels=(("tier", name),)), Match(labels=(("tier", name[:1] + "*"),)),
            Match(container=name + "-*"), Match(container="*-c?"), Match(image=f"*/{name}:*"),
            Match(image="*:1"), Match(project="shop", service=name[:2] + "*"),
            Match(project="blog", service=name)))
        if _rarely(match, network, name):
            match = Match(endpoint=KINDS[len(name) % len(KINDS)])
        return replace(match, network=network) if self.chance(0.2) else match

    def _rule(self, tiers: List[str], allow: bool) -> Rule:
        kind = self.random.choice(("inner", "inner", "in", "out", "out", "mixed"))
        source = self._peers(tiers, kind in ("inner", "out"), kind == "mixed", False, allow)
        target = self._peers(tiers, kind in ("inner", "in"), kind == "mixed", True, allow)
        if kind == "mixed":
            source = tuple(dict.fromkeys((*source, self.random.choice(tiers))))
        until = self.random.choice((NOW - 1, NOW, NOW + 1, NOW + 86400)) if self.chance(0.15) \
            else None
        ports = () if self.chance(0.25) else self._ports()
        return Rule(allow, source, target, ports, until, self.chance(0.1))

    def _peers(self, tiers: List[str], inner: bool, mixed: bool, is_target: bool,
               allow: bool) -> Tuple[str, ...]:
        outer = ["internet", "lan", "world", "hosts", self._prefix(), self._prefix(), self._prefix()]
        if is_target or allow:
            outer.append("host")
        if is_target:
            outer += ["dns", "dns"]
        pool = tiers + outer if mixed else tiers if inner else outer
        count = min(len(pool), self.random.choice((1, 1, 1, 2, 3)))
        return tuple(dict.fromkeys(self.random.sample(pool, count)))

    def _prefix(self) -> str:
        return self.random.choice(WIDE if self.wide and self.chance(0.3) else PREFIXES)

    def _ports(self) -> Tuple[Ports, ...]:
        return tuple(self._port_entry() for _ in range(self.random.choice((1, 1, 2, 3))))

    def _port_entry(self) -> Ports:
        proto = self.random.choice(("tcp", "tcp", "tcp", "udp", "udp", "sctp", "icmp", "icmpv6"))
        if proto not in PORT_PROTOS:
            return Ports(proto)
        low = self.random.choice(NUMBERS)
        high = self.random.choice((low, low, low + 9, 10000, 65535))
        return Ports(proto, self.random.choice((low, low, 1)), high)

    def changed(self, policy: Policy) -> Policy:
        """The policy after some edits."""
        names = [tier.name for tier in policy.tiers]
        new = Policy(list(policy.tiers), list(policy.rules), policy.mode, policy.unmatched)
        for _ in range(self.random.randint(1, 3)):
            self._edit(new, names)
        return new

    def _edit(self, policy: Policy, names: List[str]) -> None:
        what = self.random.choice(("add", "add", "remove", "ports", "tier", "mode"))
        if what == "add":
            policy.rules.append(self._rule(names, not self.chance(0.3)))
        elif what == "mode" and self.chance(0.3):
            policy.mode = "audit" if policy.mode == "enforce" else "enforce"
        elif what in ("tier", "mode"):
            at = self.random.randrange(len(policy.tiers))
            policy.tiers[at] = self._tier(policy.tiers[at].name)
        elif policy.rules:
            at = self.random.randrange(len(policy.rules))
            rule = policy.rules.pop(at)
            if what == "ports":
                policy.rules.insert(at, replace(rule, ports=self._ports()))

    # ---- questions ----

    def questions(self, policy: Policy, world: Optional[World],
                  count: int) -> List[Tuple[str, str, Port]]:
        """From, to, port, as `explain` takes them."""
        return [self._question(policy, world) for _ in range(count)]

    def _question(self, policy: Policy, world: Optional[World]) -> Tuple[str, str, Port]:
        inside = ["tier:" + tier.name for tier in policy.tiers]
        if world:
            inside = inside[:2] + ["container:" + c.name for c in world.containers
                                   if any(e.container is c for e in world.endpoints)]
        kind = self.random.choice(("inner", "inner", "in", "in", "out", "out", "none"))
        source = inside if kind in ("inner", "out") else ["host", "hosts", "internet", "lan", *self._some()]
        target = inside if kind in ("inner", "in") else \
            ["host", "hosts", "internet", "lan", "dns", "dns", *self._some(), *self._meta()]
        if kind == "none" and self.chance(0.8):
            target = inside
        one, other = self.random.choice(source), self.random.choice(target)
        if one == other and one.startswith("container:"):
            other = "host"
        return one, other, self.port(policy)

    def _some(self) -> List[str]:
        return self.random.sample(OUTSIDE, 6)

    def _meta(self) -> List[str]:
        return self.random.sample(METADATA, 1)

    def port(self, policy: Policy) -> Port:
        """One that the policy's rules name, or the next to it, or some other."""
        if self.chance(0.15):
            return Port(self.random.choice(list(ICMP.values())))
        named = [ports for rule in policy.rules for ports in rule.ports
                 if ports.proto in PORT_PROTOS]
        if named and self.chance(0.6):
            ports = self.random.choice(named)
            number = self.random.choice((ports.low - 1, ports.low, ports.high, ports.high + 1))
            return Port(ports.proto, min(max(number, 1), 65535))
        return Port(self.random.choice(PORT_PROTOS), self.random.choice(NUMBERS))

    def assertion(self, policy: Policy, expect: str) -> Assertion:
        """A test with a tier at one end at least; the caller knows what to expect."""
        names = [tier.name for tier in policy.tiers]
        outer = ["internet", "lan", "host", "hosts", *self._some()]
        source = self.random.choice(names if self.chance(0.6) else outer)
        target = self.random.choice(names if self.chance(0.6) or source not in names else
                                    [*outer, "dns"])
        if source not in names and target not in names:
            target = names[0]
        return Assertion(source, target, self.port(policy), expect)
