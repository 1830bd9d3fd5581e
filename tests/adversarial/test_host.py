# SPDX-License-Identifier: GPL-2.0-or-later
"""Through the host and at the host: published ports, routes, host services, the local network."""
from __future__ import annotations

import struct
import unittest
from typing import List

import packets as f
from arena import METADATA, TUNNELLED, Case, Tag
from netd import HostOptions, Place, Probe

HOST4, HOST6 = "192.0.2.1", "2001:db8:1::1"
LAN4, LAN6 = "10.231.9.1", "fd00:231:9::1"


def answers(place: Place, *probes: Probe) -> List[Probe]:
    """Which of them are open from @place, with all capabilities."""
    results = place.probe_many(probes, 400)
    return [probe for probe in probes if results[probe].state == "open"]


class Published(Case):
    """Ports that Docker publishes."""

    def test_from_the_internet(self) -> None:
        """The policy opens web's port to the local network, not to the internet."""
        a = self.arena
        rows = [Probe(proto, addr, port) for addr in (HOST4, HOST6)
                for proto, port in (("tcp", 8080), ("udp", 8053))]
        self.closed(lambda *probes: answers(a.outside, *probes), *rows)

    def test_of_a_tier_that_opens_nothing(self) -> None:
        a = self.arena
        local = f"{f.link_local(a.macs['host-office'])}%eth0"
        rows = [Probe(proto, addr, port) for addr in (LAN4, LAN6, local)
                for proto, port in (("tcp", 8082), ("udp", 8055))]
        self.closed(lambda *probes: answers(a.office, *probes), *rows)

    def test_on_every_address_of_the_host(self) -> None:
        """Addresses that belong to another interface, bridges included."""
        a = self.arena
        rows = [Probe("tcp", addr, 8082) for addr in (
            HOST4, a.gateway("front"), a.gateway("back"), "172.30.0.1", HOST6,
            a.gateway("front", 6), a.gateway("back", 6))]
        self.closed(lambda *probes: answers(a.outside, *probes), *rows)

    def test_bound_to_localhost(self) -> None:
        """Docker translates 127.0.0.1 before any check of strange addresses."""
        a = self.arena
        own = a.outside.netns_exec
        own(["ip", "address", "del", "127.0.0.1/8", "dev", "lo"])
        own(["ip", "route", "add", "127.0.0.1/32", "via", HOST4, "src", "192.0.2.9"])
        a.outside.sysctl("ipv4/conf/all/route_localnet", "1")

        def ask(*probes: Probe) -> List[Probe]:
            # The host would ask for its neighbour in the name of 127.0.0.1, and get no answer.
            a.host.probe_many([Probe("tcp", "192.0.2.9", 443)])
            return answers(a.outside, *probes)

        try:
            self.closed(ask, Probe("tcp", "127.0.0.1", 8081), Probe("udp", "127.0.0.1", 8054))
        finally:
            own(["ip", "route", "del", "127.0.0.1/32"])
            own(["ip", "address", "add", "127.0.0.1/8", "dev", "lo"])

    def test_broadcast_from_the_local_network(self) -> None:
        """docker-proxy listens on all addresses, broadcast and multicast ones too."""
        a = self.arena

        def attack(target: str) -> int:
            port = a.port()
            packet = f.ip4("192.0.2.9", target, f.UDP, f.udp("192.0.2.9", target, port, 8055, b"x"))
            to_mac = f.multicast_mac(target) if target.startswith("224") else f.BROADCAST
            frame = f.ether(to_mac, a.macs["outside"], f.IP, packet)
            return a.passed("input", f"udp sport {port}",
                            lambda: a.send_from_lan("outside", frame))

        self.stopped(attack, ("255.255.255.255",), ("192.0.2.255",), ("224.0.0.1",))

    def test_from_a_container_of_another_network(self) -> None:
        """evil goes through every address of the host."""
        a = self.arena
        addresses = [a.gateway("front"), a.gateway("back"), "172.30.0.1", HOST4, LAN4,
                     a.gateway("front", 6), a.gateway("back", 6), HOST6, LAN6, a.local("front") + "%eth0"]
        rows = [Probe("tcp", addr, 8082) for addr in addresses]
        rows += [Probe("udp", addr, 8055) for addr in (a.gateway("front"), a.gateway("front", 6))]
        self.closed(lambda *probes: a.opened("evil", *probes), *rows)

    def test_from_another_tier_of_the_same_network(self) -> None:
        """docker-proxy would launder evil into the host."""
        a = self.arena
        rows = [Probe("tcp", addr, 8080) for addr in (
            a.gateway("front"), HOST4, a.gateway("front", 6), HOST6, a.local("front") + "%eth0")]
        self.closed(lambda *probes: a.opened("evil", *probes), *rows)

    def test_answer_from_a_published_port_number(self) -> None:
        """A source port that is a published port, and mid-stream packets to one."""
        a = self.arena

        def attack(flags: int, sport: int, dport: int) -> List[str]:
            tag, src, dst = Tag(), "192.0.2.9", HOST4
            segment = f.tcp(src, dst, sport or a.port(), dport, flags, tag.bytes, 7, 7)
            a.send_from_lan("outside", f.ether(a.macs["host-outside"], a.macs["outside"], f.IP,
                                               f.ip4(src, dst, f.TCP, segment)))
            return a.heard(tag, "web")

        self.stopped(attack, (f.ACK, 0, 8080), (f.ACK | f.PSH, 8082, 8080), (f.SYN, 0, 8080))


class Routes(Case):
    """Past published ports, straight to a container."""

    def test_direct_route(self) -> None:
        a = self.arena
        for net, gate in (("172.31.0.0/16", HOST4), ("fd00:31::/32", HOST6)):
            a.outside.netns_exec(["ip", "route", "replace", net, "via", gate])
        rows = [Probe(proto, a.ip(name, n), port) for n in (4, 6) for name in ("web", "db")
                for proto, port in (("tcp", 80), ("tcp", 81), ("udp", 53))]
        self.closed(lambda *probes: answers(a.outside, *probes), *rows)

    def test_direct_route_where_the_port_is_open(self) -> None:
        """The local network may use web's published port, at the host only."""
        a = self.arena
        rows = [Probe("tcp", a.ip("web", n), 80) for n in (4, 6)]
        self.closed(lambda *probes: answers(a.office, *probes), *rows)

    def spoofed(self, source: str, target: str, to_port: int) -> List[str]:
        a, tag = self.arena, Tag()
        packet = f.ip(source, target, f.UDP, f.udp(source, target, a.port(), to_port, tag.bytes))
        kind = f.IP6 if ":" in source else f.IP
        a.send_from_lan("office", f.ether(a.macs["host-office"], a.macs["office"], kind, packet))
        return a.heard(tag, "db", "web")

    def test_container_address_from_the_local_network(self) -> None:
        a = self.arena
        a.host.sysctl("ipv4/conf/all/rp_filter", "0")
        a.host.sysctl("ipv4/conf/lan0/rp_filter", "0")
        self.stopped(lambda n: self.spoofed(a.ip("web", n), a.ip("db", n), 53), (4,), (6,))

    def test_gateway_address_from_the_local_network(self) -> None:
        """The host may talk to containers; IPv6 has no check for one's own address."""
        a = self.arena
        self.stopped(lambda source: self.spoofed(source, a.ip("db", 6), 53),
                     (a.gateway("front", 6),), (LAN6,))

    def test_source_route(self) -> None:
        a = self.arena

        def attack(option: int) -> List[str]:
            tag, src = Tag(), "192.0.2.9"
            options = bytes([option, 7, 4]) + f.addr(a.ip("web"))
            packet = f.ip4(src, a.ip("db"), f.UDP, f.udp(src, a.ip("db"), a.port(), 53, tag.bytes),
                           options=options)
            a.send_from_lan("outside", f.ether(a.macs["host-outside"], a.macs["outside"], f.IP,
                                               packet))
            return a.heard(tag, "db")

        # Record route stays; the kernel itself drops source routes unless it was told not to.
        self.stopped(attack, (7,))

    def test_other_networks(self) -> None:
        """Docker itself separates IPv4 here; IPv6 it does not."""
        a = self.arena
        rows = [Probe(p, a.ip("back", 6), port) for p, port in (("tcp", 80), ("udp", 53))]
        self.closed(lambda *probes: a.opened("evil", *probes), *rows)

    def test_a_container_as_a_router(self) -> None:
        """A container on two networks forwards by itself; netd lets it speak as itself only."""
        a = self.arena
        router = a.run("webrouter", ("front", 30, ()))
        try:
            a.host.docker("network", "connect", "--ip=172.31.2.30", "back", "webrouter")
            router.netns_exec(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])

            def attack() -> List[str]:
                a.on_again()
                tag = Tag()
                packet = f.ip4(a.ip("web2"), a.ip("back"), f.UDP, f.udp(
                    a.ip("web2"), a.ip("back"), a.port(), 53, tag.bytes))
                a.send("web2", f.ether(a.macs["webrouter"], a.macs["web2"], f.IP, packet))
                return a.heard(tag, "back")

            self.stopped(attack)
        finally:
            a.remove("webrouter")

    def test_metadata_and_tunnelled_addresses(self) -> None:
        """evil may reach port 443 on the internet, and that is not the internet."""
        a = self.arena
        rows = [Probe("tcp", addr, 443) for addr in (*METADATA, *TUNNELLED)]
        self.closed(lambda *probes: a.opened("evil", *probes), *rows)

    def test_other_ports_of_the_internet(self) -> None:
        a = self.arena
        rows = [Probe("tcp", addr, 80) for addr in ("203.0.113.10", "2001:db8:ff::10")]
        self.closed(lambda *probes: a.opened("evil", *probes), *rows)

    def test_names_as_a_way_out(self) -> None:
        """Docker's resolver asks from the container's own namespace, and is judged like it."""
        a = self.arena
        asker = a.run("evildns", ("front", 67, ()), extra=["--dns=192.0.2.9"])
        question = ["busybox", "timeout", "1", "busybox", "nslookup", "secret.example"]
        try:
            def attack() -> int:
                a.on_again()
                return a.passed("forward", "udp dport 53",
                                lambda: asker.exec(question, check=False))

            self.stopped(attack)
        finally:
            a.remove("evildns")


class HostServices(Case):
    """What listens on the host."""

    def test_on_every_address(self) -> None:
        a = self.arena
        addresses = [a.gateway("front"), a.gateway("back"), "172.30.0.1", HOST4, LAN4,
                     a.gateway("front", 6), a.gateway("back", 6), HOST6, LAN6, a.local("front") + "%eth0"]
        rows = [Probe(proto, addr, port) for addr in addresses
                for proto, port in (("tcp", 9100), ("udp", 9101))]
        self.closed(lambda *probes: a.opened("evil", *probes), *rows)

    def test_from_an_internal_network(self) -> None:
        a = self.arena
        rows = [Probe(proto, a.gateway("inner"), port)
                for proto, port in (("tcp", 9100), ("udp", 9101))]
        self.closed(lambda *probes: a.opened("inner", *probes), *rows)

    def test_in_a_container_with_the_hosts_network(self) -> None:
        a = self.arena
        one = a.host.run("hostmode", "host", cmd=["probe", "serve", "tcp/9102"])
        try:
            self.closed(lambda *probes: a.opened("evil", *probes),
                         Probe("tcp", a.gateway("front"), 9102), Probe("tcp", HOST6, 9102))
        finally:
            one.remove()

    def to_host(self, target: str, proto: int, payload: bytes, match: str) -> int:
        a = self.arena
        src = a.ip("evil", 6 if ":" in target else 4)
        frame = f.ether(a.macs["front"], a.macs["evil"], f.IP6 if ":" in target else f.IP,
                        f.ip(src, target, proto, payload))
        return a.passed("input", match, lambda: a.send("evil", frame))

    def test_loopback_addresses(self) -> None:
        """Where Docker has set route_localnet the kernel would take them."""
        a = self.arena
        a.host.sysctl(f"ipv4/conf/{a.bridges['front']}/route_localnet", "1")
        try:
            self.stopped(lambda target: self.to_host(target, f.UDP, f.udp(
                a.ip("evil"), target, 4444, 9101, b"x"), "udp sport 4444"),
                ("127.0.0.1",), ("127.9.9.9",))
        finally:
            a.host.sysctl(f"ipv4/conf/{a.bridges['front']}/route_localnet", "0")

    def test_tunnels_and_other_protocols(self) -> None:
        a = self.arena
        inner = f.ip4(a.ip("web"), a.ip("db"), f.UDP, f.udp(a.ip("web"), a.ip("db"), 1, 53, b"x"))
        rows = [(target, proto) for target in (a.gateway("front"), a.gateway("front", 6))
                for proto in (f.IPIP, f.SIT, f.GRE, f.SCTP, f.UDPLITE, 50, 253)]
        self.stopped(lambda target, proto: self.to_host(
            target, proto, inner, f"meta l4proto {proto}"), *rows)

    def test_icmp(self) -> None:
        """Echo, timestamp, redirect, and errors that belong to no connection."""
        a = self.arena
        gate = f.addr(a.gateway("front"))
        rows = [(8, 0, struct.pack(">HH", 1, 1)), (13, 0, struct.pack(">HH", 1, 1)),
                (5, 1, f.addr(a.ip("evil"))), (3, 3, bytes(4)), (11, 0, bytes(4)),
                (3, 4, struct.pack(">HH", 0, 600))]
        inner = f.ip4(a.gateway("front"), a.ip("evil"), f.UDP, f.udp(a.gateway("front"), a.ip("evil"),
                                                                  1, 2, b""))
        self.assertTrue(gate)
        # Errors without a connection are invalid to connection tracking: nothing but a firewall
        # drops them.
        self.stopped(lambda kind, code, rest: self.to_host(
            a.gateway("front"), f.ICMP, f.icmp(kind, code, rest, inner), "meta l4proto icmp"), *rows)

    def test_echo_over_ipv6(self) -> None:
        a = self.arena
        src, dst = a.ip("evil", 6), a.gateway("front", 6)
        message = f.icmp6(src, dst, 128, 0, struct.pack(">HH", 1, 1))
        self.stopped(lambda: self.to_host(dst, f.ICMP6, message,
                                          "icmpv6 type echo-request"))

    def test_odd_tcp(self) -> None:
        """No SYN: connection tracking calls it invalid, or takes it up in the middle."""
        a = self.arena
        rows = [(flags,) for flags in (f.SYN | f.ACK, f.RST, f.FIN, 0, f.FIN | f.PSH | f.URG,
                                       f.ACK, f.FIN | f.ACK)]

        def attack(flags: int) -> int:
            port = a.port()
            segment = f.tcp(a.ip("evil"), a.gateway("front"), port, 9100, flags, b"", 5, 5)
            return self.to_host(a.gateway("front"), f.TCP, segment, f"tcp sport {port}")

        self.stopped(attack, *rows)


class WithoutProxy(Case):
    """Docker without docker-proxy: what is published is translated on every way."""

    options = HostOptions(ip_forward=True, userland_proxy=False, lenient=True)

    def test_from_the_internet(self) -> None:
        a = self.arena
        self.closed(lambda *probes: answers(a.outside, *probes), Probe("tcp", HOST4, 8080),
                     Probe("udp", HOST4, 8053))

    def test_hairpin(self) -> None:
        """Back onto the bridge it came from."""
        a = self.arena
        self.closed(lambda *probes: a.opened("evil", *probes), Probe("tcp", a.gateway("front"), 8080),
                     Probe("tcp", HOST4, 8080))

    def test_loopback_address_of_the_host(self) -> None:
        """Docker has set route_localnet on its bridges."""
        a = self.arena

        def attack() -> int:
            packet = f.ip4(a.ip("evil"), "127.0.0.1", f.UDP,
                           f.udp(a.ip("evil"), "127.0.0.1", 4444, 9101, b"x"))
            frame = f.ether(a.macs["front"], a.macs["evil"], f.IP, packet)
            return a.passed("input", "udp sport 4444", lambda: a.send("evil", frame))

        self.stopped(attack)


if __name__ == "__main__":
    unittest.main()
