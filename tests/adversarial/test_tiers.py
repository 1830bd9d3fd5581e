# SPDX-License-Identifier: GPL-2.0-or-later
"""Two tiers on one bridge: what reaches whom past the packet filter's eyes."""
from __future__ import annotations

import struct
import unittest
from typing import List

import packets as f
from arena import Case, Tag
from netd import Probe, wait_until

PORTS = {"tcp": 80, "udp": 53}


class Tiers(Case):
    """Two tiers on one bridge."""

    def frame(self, tag: Tag, family: int, to: str = "db") -> bytes:
        a = self.arena
        src, dst = a.ip("evil", family), a.ip(to, family)
        packet = f.ip(src, dst, f.UDP, f.udp(src, dst, a.port(), 53, tag.bytes))
        return f.ether(a.macs[to], a.macs["evil"], f.IP if family == 4 else f.IP6, packet)

    def test_plain(self) -> None:
        a = self.arena
        probes = [Probe(p, a.ip("db", n), port) for n in (4, 6) for p, port in PORTS.items()]
        self.closed(lambda *probes: a.opened("evil", *probes), *probes)

    def test_link_local(self) -> None:
        a = self.arena
        probes = [Probe(proto, a.local("db") + "%eth0", port) for proto, port in PORTS.items()]
        self.closed(lambda *p: a.opened("evil", *p), *probes)

    def test_vlan_tags(self) -> None:
        """Frames with a tag pass no inet hook; the victim's kernel takes tag 0 off. Control and
        attack are heard under the tag: whether the victim's kernel takes it is its business."""
        a = self.arena
        tags = ((f.VLAN, 0), (f.VLAN, 5), (f.QINQ, 0), (f.QINQ, 7))

        def attack(family: int, tpid: int, vid: int) -> List[str]:
            tag = Tag()
            a.send("evil", f.tagged(self.frame(tag, family), tpid, vid))
            return a.heard(tag, "db")

        self.stopped(attack, *((n, *t) for n in (4, 6) for t in tags))

    def test_two_tags(self) -> None:
        a = self.arena

        def attack() -> List[str]:
            tag = Tag()
            a.send("evil", f.tagged(f.tagged(self.frame(tag, 4)), f.QINQ))
            return a.heard(tag, "db")

        self.stopped(attack)

    def test_vlan_tags_towards_the_host(self) -> None:
        a = self.arena

        def attack() -> int:
            port = a.port()
            packet = f.ip4(a.ip("evil"), a.gateway("front"), f.UDP,
                           f.udp(a.ip("evil"), a.gateway("front"), port, 9101, b"x"))
            frame = f.tagged(f.ether(a.macs["front"], a.macs["evil"], f.IP, packet))
            return a.passed("input", f"udp sport {port}", lambda: a.send("evil", frame))

        self.stopped(attack)

    def test_other_kinds_of_frames(self) -> None:
        """LLC, spanning tree, LLDP, PPPoE, MPLS, EtherCAT, loop test, and a wrong type for IP."""
        a = self.arena

        def attack(kind: str) -> List[str]:
            tag = Tag()
            inner = self.frame(tag, 4)[14:]
            src, dst = a.macs["evil"], a.macs["db"]
            frame = {
                "llc": lambda: f.llc(dst, src, b"\xaa\xaa\x03\0\0\0\x08\0" + inner),
                "bpdu": lambda: f.llc("01:80:c2:00:00:00", src, b"\x42\x42\x03" + bytes(35)
                                      + tag.bytes),
                "pppoe": lambda: f.ether(dst, src, 0x8864, bytes(6) + b"\x00\x21" + inner),
                "mpls": lambda: f.ether(dst, src, 0x8847, b"\0\0\x01\x40" + inner),
                "lldp": lambda: f.ether(dst, src, 0x88CC, tag.bytes),
                "unknown": lambda: f.ether(dst, src, f.EXPERIMENTAL, tag.bytes),
                "rarp": lambda: f.ether(dst, src, 0x8035, inner),
            }[kind]()
            a.send("evil", frame)
            return a.heard(tag, "db")

        kinds = ("llc", "bpdu", "pppoe", "mpls", "lldp", "unknown", "rarp")
        self.stopped(attack, *((kind,) for kind in kinds))

    def test_wrong_type_for_the_packet(self) -> None:
        """IPv6 in a frame that says IPv4, and the other way round."""
        a = self.arena

        def attack(family: int, kind: int) -> List[str]:
            tag = Tag()
            frame = f.ether(a.macs["db"], a.macs["evil"], kind, self.frame(tag, family)[14:])
            with a.without_bridge_netfilter():  # which would drop it by itself
                a.send("evil", frame)
                return a.heard(tag, "db")

        self.stopped(attack, (4, f.IP6), (6, f.IP))

    def test_broadcast_and_multicast(self) -> None:
        """To everybody on the bridge, and to one address in a frame for everybody."""
        a = self.arena

        def attack(family: int, group: str, to_mac: str) -> List[str]:
            tag, src = Tag(), a.ip("evil", family)
            packet = f.ip(src, group, f.UDP, f.udp(src, group, a.port(), 53, tag.bytes))
            a.send("evil", f.ether(to_mac, a.macs["evil"], f.IP if family == 4 else f.IP6, packet))
            return a.heard(tag, "db", "web")

        self.stopped(
            attack, (4, "255.255.255.255", f.BROADCAST), (4, "172.31.1.255", f.BROADCAST),
            (4, "224.0.0.1", "01:00:5e:00:00:01"), (4, a.ip("db"), f.BROADCAST),
            (6, "ff02::1", "33:33:00:00:00:01"), (6, a.ip("db", 6), f.BROADCAST))

    def test_broadcast_to_a_host_service(self) -> None:
        a = self.arena

        def attack(family: int, group: str) -> int:
            port, src = a.port(), a.ip("evil", family)
            packet = f.ip(src, group, f.UDP, f.udp(src, group, port, 9101, b"x"))
            to_mac = f.BROADCAST if group.startswith("255") else f.multicast_mac(group)
            frame = f.ether(to_mac, a.macs["evil"], f.IP if family == 4 else f.IP6, packet)
            return a.passed("input", f"udp sport {port}", lambda: a.send("evil", frame))

        self.stopped(attack, (4, "255.255.255.255"), (4, "224.0.0.1"), (6, "ff02::1"))

    def test_through_the_gateways_mac(self) -> None:
        """Routed back onto the same bridge, so that no bridge hook sees both ports."""
        a = self.arena

        def attack(family: int) -> List[str]:
            tag = Tag()
            frame = self.frame(tag, family)
            a.send("evil", f.mac(a.macs["front"]) + frame[6:])
            return a.heard(tag, "db")

        self.stopped(attack, (4,), (6,))

    def test_without_bridge_netfilter(self) -> None:
        """bridge-nf-call-* off under a running netd: opens nothing."""
        a = self.arena
        probes = [Probe(p, a.ip("db", n), port) for n in (4, 6) for p, port in PORTS.items()]

        def attack() -> List[Probe]:
            with a.without_bridge_netfilter():
                allowed = a.opened("web", Probe("tcp", a.ip("web2"), 80))
                self.assertEqual(1, len(allowed), "one tier is still together")
                return a.opened("evil", *probes)

        self.stopped(attack)

    def test_another_address_of_a_container_on_two_networks(self) -> None:
        """A kernel takes packets for any address of its own on any interface. What is together on
        one network does not reach a neighbour's address on another, with bridge-nf-call-* off too,
        where a tier's ports alone decide."""
        a = self.arena
        for name, number in (("east", 5), ("west", 6)):
            a.host.network(name, f"172.31.{number}.0/24", f"fd00:31:{number}::/64")
        a.run("eastern", ("east", 66, ()))
        a.run("bridgehead", ("east", 10, ()))
        a.host.docker("network", "connect", "--ip=172.31.6.10", "--ip6=fd00:31:6::10", "west",
                      "bridgehead")

        def send(network: int, family: int, to: str) -> List[str]:
            a.on_again()
            tag = Tag()
            src, dst = (("172.31.5.66", f"172.31.{network}.10") if family == 4 else
                        ("fd00:31:5::66", f"fd00:31:{network}::10"))
            packet = f.ip(src, dst, f.UDP, f.udp(src, dst, a.port(), 53, tag.bytes))
            with a.without_bridge_netfilter():
                a.send("eastern", f.ether(to, a.macs["eastern"],
                                          f.IP if family == 4 else f.IP6, packet))
                return a.heard(tag, "bridgehead")

        try:
            own, group = a.macs["bridgehead"], f.multicast_mac("224.0.0.1")
            self.stopped(lambda family, to: send(6, family, to),
                         *((n, to) for n in (4, 6) for to in (own, group, f.BROADCAST)))
            for family in (4, 6):
                self.assertTrue(send(5, family, own), "the address that they share a network by")
        finally:
            a.remove("eastern")
            a.remove("bridgehead")
            for name in ("east", "west"):
                a.host.docker("network", "rm", name)

    def test_packet_mark_of_a_container(self) -> None:
        """netd's own mark between its tables, set by the sender."""
        a = self.arena

        def attack() -> List[str]:
            tag = Tag()
            a.send("evil", f.tagged(self.frame(tag, 4)), self.frame(tag, 4),
                   options=["--mark", str(0xFFFFFFFF)])
            return a.heard(tag, "db")

        self.stopped(attack)

    def test_packet_mark_of_a_bridge_table(self) -> None:
        """The same by a rule of others for frames, where no inet hook sees them."""
        a = self.arena
        marking = """table bridge marking {
            chain a { type filter hook prerouting priority -200; meta mark set 0xffffffff; }
            chain b { type filter hook forward priority -200; meta mark set 0xffffffff; }
        }"""

        def attack() -> List[str]:
            tag = Tag()
            a.host.netns_exec(["nft", "-f", "-"], stdin=marking)
            try:
                with a.without_bridge_netfilter():
                    a.send("evil", self.frame(tag, 4))
                    return a.heard(tag, "db")
            finally:
                a.host.netns_exec(["nft", "delete", "table", "bridge", "marking"])

        self.stopped(attack)

    def test_extension_headers(self) -> None:
        """The transport header is not where the packet says; UDP to a port that db opens to web."""
        a = self.arena

        def attack(kind: str) -> List[str]:
            tag = Tag()
            src, dst = a.ip("evil", 6), a.ip("db", 6)
            segment = f.udp(src, dst, a.port(), 53, tag.bytes)
            message, following = segment, f.UDP
            for _ in range(8 if kind == "many" else 1):
                message = f.options6(following, message)
                following = f.HOP_BY_HOP if kind == "hop by hop" else f.DESTINATION_OPTIONS
            if kind == "atomic fragment":
                message, following = f.fragment6(f.UDP, 0, False, 7, segment), f.FRAGMENT
            if kind == "no next header":
                message, following = segment, 59
            packet = f.ip6(src, dst, following, message)
            a.send("evil", f.ether(a.macs["db"], a.macs["evil"], f.IP6, packet))
            return a.heard(tag, "db")

        self.stopped(attack, ("options",), ("hop by hop",), ("many",), ("atomic fragment",),
                     ("no next header",))

    def test_fragments(self) -> None:
        """Ports in the second fragment."""
        a = self.arena

        def attack(kind: str) -> List[str]:
            tag = Tag()
            src, dst = a.ip("evil"), a.ip("db")
            segment = f.udp(src, dst, a.port(), 53, bytes(8) + tag.bytes + bytes(4))
            packets = f.fragments4(src, dst, f.UDP, segment, 8, tag.number)
            if kind == "ipv6":
                src, dst = a.ip("evil", 6), a.ip("db", 6)
                segment = f.udp(src, dst, a.port(), 53, tag.bytes + bytes(12))
                packets = [f.ip6(src, dst, f.FRAGMENT, f.fragment6(
                    f.UDP, i, i + 8 < len(segment), tag.number, segment[i:i + 8]))
                    for i in range(0, len(segment), 8)]
            if kind == "whole in one":  # the tag in one fragment, so that one alone shows
                packets = f.fragments4(src, dst, f.UDP, segment, 24, tag.number)
            ether_kind = f.IP6 if kind == "ipv6" else f.IP
            a.send("evil", *(f.ether(a.macs["db"], a.macs["evil"], ether_kind, packet)
                             for packet in packets))
            # Fragments are heard at the server, which answers a whole datagram only, and in its log
            # before one of web's.
            behind, web = a.port(), a.ip("web", 6 if kind == "ipv6" else 4)
            packet = f.ip(web, dst, f.UDP, f.udp(web, dst, behind, 53, b"behind"))
            a.send("web", f.ether(a.macs["db"], a.macs["web"], ether_kind, packet))
            wait_until("web's datagram", lambda: f"]:{behind}" in a["db"].logs())
            return [line for line in a["db"].logs().splitlines() if f"]:{a_port(segment)}" in line]

        def a_port(segment: bytes) -> int:
            return int.from_bytes(segment[:2], "big")

        self.stopped(attack, ("tiny",), ("whole in one",), ("ipv6",))

    def test_ip_options(self) -> None:
        """Source routing and record route."""
        a = self.arena

        def attack(options: bytes) -> List[str]:
            tag = Tag()
            src, dst = a.ip("evil"), a.ip("db")
            segment = f.udp(src, dst, a.port(), 53, tag.bytes)
            a.send("evil", f.ether(a.macs["db"], a.macs["evil"], f.IP,
                                   f.ip4(src, dst, f.UDP, segment, options=options)))
            return a.heard(tag, "db")

        last = f.addr(a.ip("back"))
        self.stopped(attack, (b"\x07\x07\x04" + bytes(4),), (b"\x83\x07\x08" + last,),
                     (b"\x89\x07\x08" + last,), (b"\x94\x04\0\0",))

    def test_other_protocols(self) -> None:
        """Nothing but what the rules name: tunnels, SCTP, UDP-Lite, unknown ones."""
        a = self.arena

        def attack(family: int, proto: int) -> List[str]:
            tag = Tag()
            src, dst = a.ip("evil", family), a.ip("db", family)
            payload = {
                f.IPIP: f.ip4(a.ip("web"), dst if family == 4 else a.ip("db"), f.UDP, f.udp(
                    a.ip("web"), a.ip("db"), 1, 53, tag.bytes)),
                f.SIT: f.ip6(a.ip("web", 6), a.ip("db", 6), f.UDP, f.udp(
                    a.ip("web", 6), a.ip("db", 6), 1, 53, tag.bytes)),
                f.GRE: b"\0\0\x08\0" + f.ip4(a.ip("web"), a.ip("db"), f.UDP, f.udp(
                    a.ip("web"), a.ip("db"), 1, 53, tag.bytes)),
                f.UDPLITE: f.udp(src, dst, a.port(), 53, tag.bytes, f.UDPLITE),
                f.SCTP: struct.pack(">HHII", a.port(), 80, 0, 0) + b"\x01\0\0\x14" + tag.bytes
                + bytes(4),
            }.get(proto, tag.bytes)
            a.send("evil", f.ether(a.macs["db"], a.macs["evil"], f.IP if family == 4 else f.IP6,
                                   f.ip(src, dst, proto, payload)))
            return a.heard(tag, "db")

        self.stopped(attack, *((n, p) for n in (4, 6) for p in (
            f.IPIP, f.SIT, f.GRE, f.UDPLITE, f.SCTP, 50, 89, 253)))

    def test_ipv6_on_a_network_without_it(self) -> None:
        a = self.arena

        def to_a_peer() -> List[str]:
            tag = Tag()
            src, dst = a.local("evil4"), a.local("back4")
            packet = f.ip6(src, dst, f.UDP, f.udp(src, dst, a.port(), 53, tag.bytes))
            a.send("evil4", f.ether(a.macs["back4"], a.macs["evil4"], f.IP6, packet))
            return a.heard(tag, "back4")

        def to_the_host() -> int:
            src, dst, port = a.local("evil4"), a.local("plain"), a.port()
            packet = f.ip6(src, dst, f.UDP, f.udp(src, dst, port, 9101, b"x"))
            frame = f.ether(a.macs["plain"], a.macs["evil4"], f.IP6, packet)
            a.host.sysctl(f"ipv6/conf/{a.bridges['plain']}/disable_ipv6", "0")
            return a.passed("input", f"udp sport {port}", lambda: a.send("evil4", frame))

        self.stopped(lambda attack: attack(), (to_a_peer,), (to_the_host,))


if __name__ == "__main__":
    unittest.main()
