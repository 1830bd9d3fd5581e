# SPDX-License-Identifier: GPL-2.0-or-later
"""On the bridge: who may speak as whom, and what the bridge learns, forgets and floods."""
from __future__ import annotations

import itertools
import struct
import unittest
from typing import Dict, List

import packets as f
from arena import AUDIT, Case, Tag
from netd import Child, Probe, wait_until


class Spoofing(Case):
    """Somebody else's address, MAC, ARP and neighbour discovery."""

    def udp(self, src: str, dst: str, tag: Tag, dport: int = 53) -> bytes:
        return f.ip(src, dst, f.UDP, f.udp(src, dst, self.arena.port(), dport, tag.bytes))

    def spoof(self, source: str, source_mac: str, to: str, family: int) -> List[str]:
        """evil sends a datagram to @to in another's name."""
        a, tag = self.arena, Tag()
        packet = self.udp(source, a.ip(to, family), tag)
        kind = f.IP if family == 4 else f.IP6
        a.send("evil", f.ether(a.macs[to], source_mac, kind, packet))
        return a.heard(tag, to)

    def test_address_of_a_peer(self) -> None:
        a = self.arena
        self.stopped(lambda n: self.spoof(a.ip("web", n), a.macs["evil"], "db", n), (4,), (6,))

    def test_address_and_mac_of_a_peer(self) -> None:
        a = self.arena
        self.stopped(lambda n: self.spoof(a.ip("web", n), a.macs["web"], "db", n), (4,), (6,))

    def test_link_local_address_of_a_peer(self) -> None:
        a = self.arena
        self.stopped(lambda: self.spoof(a.local("web"), a.macs["evil"], "db", 6))

    def test_address_of_the_gateway(self) -> None:
        a = self.arena
        self.stopped(lambda n: self.spoof(a.gateway("front", n), a.macs["evil"], "db", n), (4,), (6,))

    def test_mac_of_the_gateway(self) -> None:
        a = self.arena

        def attack() -> List[str]:
            tag = Tag()
            packet = self.udp(a.ip("evil"), a.ip("db"), tag)
            a.send("evil", f.ether(a.macs["db"], "02:42:ac:1f:01:01", f.IP, packet))
            return a.heard(tag, "db")

        self.stopped(attack)

    def test_address_from_the_local_network(self) -> None:
        a = self.arena
        self.stopped(lambda n, source: self.spoof(source, a.macs["evil"], "web", n),
                     (4, "10.231.9.2"), (6, "fd00:231:9::2"))

    def test_second_address_of_ones_own(self) -> None:
        a = self.arena
        self.stopped(lambda n, source: self.spoof(source, a.macs["evil"], "web", n),
                     (4, "172.31.1.67"), (6, "fd00:31:1::67"))

    def routed(self, source: str, family: int) -> List[str]:
        """evil sends through the gateway to the internet, where it may speak on port 443."""
        a, tag = self.arena, Tag()
        server = "203.0.113.10" if family == 4 else "2001:db8:ff::10"
        packet = self.udp(source, server, tag, 443)
        kind = f.IP if family == 4 else f.IP6
        a.send("evil", f.ether(a.macs["front"], a.macs["evil"], kind, packet))
        return a.heard(tag, "outside")

    def test_address_of_another_network_to_the_internet(self) -> None:
        self.stopped(lambda n: self.routed(self.arena.ip("back", n), n), (4,), (6,))

    def test_foreign_address_to_a_host_service(self) -> None:
        a = self.arena

        def attack() -> int:
            packet = self.udp("172.31.2.77", a.gateway("front"), Tag(), 9101)
            frame = f.ether(a.macs["front"], a.macs["evil"], f.IP, packet)
            return a.passed("input", "ip saddr 172.31.2.77", lambda: a.send("evil", frame))

        self.stopped(attack)

    # ARP

    def arp(self, operation: int, sender_mac: str, sender: str, target: str) -> List[str]:
        a, tag = self.arena, Tag()
        a.send("evil", f.arp(a.macs[target], a.macs["evil"], operation, (sender_mac, sender),
                             (a.macs[target], a.ip(target)), tag.bytes))
        return a.heard(tag, target)

    def test_arp_answer_for_a_peer(self) -> None:
        a = self.arena
        self.stopped(lambda operation: self.arp(operation, a.macs["evil"], a.ip("db"), "web"),
                     (1,), (2,))

    def test_arp_answer_for_the_gateway(self) -> None:
        a = self.arena
        self.stopped(lambda: self.arp(2, a.macs["evil"], a.gateway("front"), "web"))

    def test_arp_with_a_peers_mac_inside(self) -> None:
        a = self.arena
        self.stopped(lambda: self.arp(2, a.macs["db"], a.ip("evil"), "web"))

    def test_gratuitous_arp(self) -> None:
        a = self.arena

        def attack() -> List[str]:
            tag, taken = Tag(), (a.macs["evil"], a.ip("db"))
            a.send("evil", f.arp(f.BROADCAST, a.macs["evil"], 2, taken, taken, tag.bytes))
            return a.heard(tag, "web", "web2")

        self.stopped(attack)

    def test_arp_poisoning_of_the_host(self) -> None:
        """What the host believes afterwards, not only what arrives."""
        a = self.arena

        def attack() -> bool:
            a.host.netns_exec(["ip", "neigh", "flush", "all"])
            a.host.probe_many([Probe("tcp", a.ip("db"), 80)])
            # The kernel keeps an answer for a second before it believes another.
            a.host.netns_exec(["ip", "neigh", "replace", a.ip("db"), "lladdr", a.macs["db"],
                               "nud", "stale", "dev", a.bridges["front"]])
            poison = f.arp(a.macs["front"], a.macs["evil"], 1, (a.macs["evil"], a.ip("db")),
                           (a.macs["front"], a.gateway("front")))
            a.host.sysctl(f"ipv4/neigh/{a.bridges['front']}/locktime", "0")
            a.send("evil", poison)
            table = a.host.netns_exec(["ip", "neigh", "show", a.ip("db")])
            a.host.netns_exec(["ip", "neigh", "flush", "all"])
            return a.macs["evil"] in table

        self.stopped(attack)

    # Neighbour discovery

    def neighbour(self, kind: int, source: str, target: str, option: bytes = b"",
                  to: str = "web") -> List[str]:
        """evil sends neighbour discovery to @to; the option behind the tag's is ignored."""
        a, tag = self.arena, Tag()
        note = bytes([250, 2]) + tag.bytes + b"\0\0"
        packet = f.neighbour(source, a.local(to), kind, target, option + note)
        a.send("evil", f.ether(a.macs[to], a.macs["evil"], f.IP6, packet))
        return a.heard(tag, to)

    def test_advertisement_for_a_peer(self) -> None:
        a = self.arena
        option = f.nd_option(f.TARGET_MAC, a.macs["evil"])
        self.stopped(lambda target: self.neighbour(f.ADVERT, a.local("evil"), target, option),
                     (a.ip("db", 6),), (a.local("db"),), (a.gateway("front", 6),))

    def test_advertisement_in_a_peers_name(self) -> None:
        a = self.arena
        self.stopped(lambda: self.neighbour(f.ADVERT, a.ip("db", 6), a.ip("db", 6)))

    def test_solicitation_in_a_peers_name(self) -> None:
        """Its source and link-layer option would be believed."""
        a = self.arena
        option = f.nd_option(f.SOURCE_MAC, a.macs["evil"])
        self.stopped(lambda: self.neighbour(f.SOLICIT, a.ip("db", 6), a.ip("web", 6), option))

    def test_duplicate_address_probe_for_a_peer(self) -> None:
        """A container that starts would give its address up."""
        a = self.arena
        self.stopped(lambda: self.neighbour(f.SOLICIT, "::", a.ip("db", 6)))

    def test_answer_to_a_duplicate_address_probe(self) -> None:
        a = self.arena

        def attack() -> List[str]:
            tag = Tag()
            note = bytes([250, 2]) + tag.bytes + b"\0\0"
            packet = f.neighbour(a.ip("db", 6), "ff02::1", f.ADVERT, a.ip("db", 6), note)
            a.send("evil", f.ether("33:33:00:00:00:01", a.macs["evil"], f.IP6, packet))
            return a.heard(tag, "db")

        self.stopped(attack)

    def control_message(self, build: str, hide: str = "") -> List[str]:
        """A message that only routers send, plain or behind extension headers."""
        a, tag = self.arena, Tag()
        src, dst = a.local("evil"), a.local("web2")
        if build == "advert":
            message = f.icmp6(src, dst, f.ROUTER_ADVERT, 0, struct.pack(">BBHII", 64, 0, 0, 0, 0)
                              + bytes([250, 2]) + tag.bytes + b"\0\0")
        else:
            message = f.icmp6(src, dst, f.REDIRECT, 0, bytes(4) + f.addr(a.local("evil"))
                              + f.addr("2001:db8:ff::10") + bytes([250, 2]) + tag.bytes + b"\0\0")
        following = f.ICMP6
        if hide:
            message = f.options6(f.ICMP6, message)
            following = f.DESTINATION_OPTIONS if hide == "options" else f.HOP_BY_HOP
        packet = f.ip6(src, dst, following, message, hops=255)
        a.send("evil", f.ether(a.macs["web2"], a.macs["evil"], f.IP6, packet))
        return a.heard(tag, "web2")

    def test_router_advertisement(self) -> None:
        self.stopped(lambda hide: self.control_message("advert", hide),
                     ("",), ("options",), ("hop by hop",))

    def test_redirect(self) -> None:
        self.stopped(lambda hide: self.control_message("redirect", hide), ("",), ("options",))

    @unittest.skipIf(AUDIT, "SKIP: the kernel's connection tracking itself loses such a fragment")
    def test_router_advertisement_in_fragments(self) -> None:
        """Its type is in no fragment's own header; between tiers nothing of it passes."""
        a = self.arena

        def attack() -> List[str]:
            tag = Tag()
            src, dst = a.local("evil"), a.local("web")
            message = f.icmp6(src, dst, f.ROUTER_ADVERT, 0, struct.pack(">BBHII", 64, 0, 0, 0, 0)
                              + bytes([250, 3]) + tag.bytes + bytes(10))
            head = f.options6(f.ICMP6, b"")
            parts = [f.fragment6(f.DESTINATION_OPTIONS, 0, True, tag.number, head),
                     f.fragment6(f.DESTINATION_OPTIONS, 8, False, tag.number, message)]
            a.send("evil", *(f.ether(a.macs["web"], a.macs["evil"], f.IP6,
                                     f.ip6(src, dst, f.FRAGMENT, part, hops=255))
                             for part in parts))
            return a.heard(tag, "web")

        self.stopped(attack)


class Learning(Case):
    """What the bridge learns, forgets and floods."""

    changes: Child  # says them
    marks = itertools.count()

    def fdb(self, name: str) -> str:
        """The port behind which the bridge believes a container to be."""
        a = self.arena
        for line in a.host.netns_exec(["bridge", "fdb", "show", "br",
                                       a.bridges["front"]]).splitlines():
            if line.startswith(a.macs[name]) and "permanent" not in line:
                return line.split()[2]
        return ""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.changes = cls.arena.host.spawn(["bridge", "monitor", "fdb"])
        cls.addClassCleanup(cls.changes.stop)
        wait_until("the bridge to tell what it learns", lambda: cls.mark() in cls.learned())

    @classmethod
    def mark(cls) -> str:
        """A MAC that the bridge is told of: what it has learned before is told before."""
        a, mark = cls.arena, f"02:00:00:00:{next(cls.marks):02x}:ff"
        for what in ("add", "del"):
            a.host.netns_exec(["bridge", "fdb", what, mark, "dev", a.bridges["front"], "self", "permanent"])
        return mark

    @classmethod
    def learned(cls) -> Dict[str, List[str]]:
        """The ports behind which it has believed each MAC to be."""
        found: Dict[str, List[str]] = {}
        for line in list(cls.changes.lines):
            words = line.split()
            if words[0] != "Deleted":
                found.setdefault(words[0], []).append(words[2])
        return found

    def steal(self, destination: str) -> bool:
        """evil sends one frame with db's MAC as its source; whether the bridge has believed it. (Not
        where it believes db to be a moment later: db may have spoken, one time of thirty.)"""
        a = self.arena
        a.host.probe_many([Probe("tcp", a.ip("db"), 80)])
        port, before = self.fdb("db"), len(self.learned().get(a.macs["db"], ()))
        a.send("evil", f.ether(destination, a.macs["db"], 0x88CC, bytes(46)))
        self.changes.wait_for_line(f"^{self.mark()} ")
        after = self.learned().get(a.macs["db"], [])[before:]
        a.host.netns_exec(["ip", "neigh", "flush", "all"])
        a.host.probe_many([Probe("tcp", a.ip("db"), 80)])
        return any(other != port for other in after)

    def test_mac_theft(self) -> None:
        self.stopped(lambda: self.steal(f.BROADCAST))

    @unittest.skipIf(AUDIT, "SKIP: an option of the bridge stops this, and no rule sees it")
    def test_mac_theft_by_reserved_destination(self) -> None:
        """Frames for 01:80:c2:00:00:0x do not pass the bridge's prerouting hook, those of LLDP
        none at all."""
        self.stopped(lambda last: self.steal(f"01:80:c2:00:00:{last}"), ("02",), ("03",), ("0d",),
                     ("0e",))

    def test_a_stolen_mac_gives_no_frames(self) -> None:
        """Where a bridge learns from LLDP frames (a kernel without no_linklocal_learn), a MAC can
        be stolen until its owner speaks again; what is sent to it does not come to the thief."""
        a = self.arena
        bridge = a.bridges["front"]

        def attack() -> List[str]:
            tag = Tag()
            a.host.netns_exec(["ip", "link", "set", bridge, "type", "bridge",
                               "no_linklocal_learn", "0"])
            for _ in range(3):  # the owner may speak between theft and datagram
                packet = f.ip4(a.ip("web"), a.ip("db"), f.UDP,
                               f.udp(a.ip("web"), a.ip("db"), a.port(), 53, tag.bytes))
                a.send("evil", f.ether("01:80:c2:00:00:0e", a.macs["db"], 0x88CC, bytes(46)))
                a.send("web", f.ether(a.macs["db"], a.macs["web"], f.IP, packet))
            a.host.netns_exec(["ip", "neigh", "flush", "all"])
            a.host.probe_many([Probe("tcp", a.ip("db"), 80)])  # now it speaks
            return a.heard(tag, "evil")

        self.stopped(attack)

    def test_ip_to_a_reserved_destination(self) -> None:
        """What is sent to 01:80:c2:00:00:0x does not become the bridge's: the port itself receives
        it, past the bridge's hooks for LLDP. Under a strange address it is no container's."""
        a = self.arena
        sources = {4: "198.51.100.66", 6: "2001:db8:bad::66"}

        def attack(last: str, family: int) -> int:
            port, src, dst = a.port(), sources[family], a.gateway("front", family)
            packet = f.ip(src, dst, f.UDP, f.udp(src, dst, port, 9101, b"x"))
            frame = f.ether(f"01:80:c2:00:00:{last}", a.macs["evil"],
                            f.IP if family == 4 else f.IP6, packet)
            return a.passed("input", f"udp sport {port}", lambda: a.send("evil", frame))

        self.stopped(attack, *((last, family) for last in ("0e", "03") for family in (4, 6)))

    def test_flooded_frames_of_others(self) -> None:
        """The bridge forgets a silent container after five minutes and floods what is for it."""
        a = self.arena

        def attack() -> List[str]:
            tag = Tag()
            a.host.probe_many([Probe("tcp", a.ip("db"), 80)])
            port = self.fdb("db")
            # What db still says of that connection is not to bring it back.
            a.host.netns_exec(["bridge", "link", "set", "dev", port, "learning", "off"])
            a.host.netns_exec(["bridge", "fdb", "del", a.macs["db"], "dev", port, "master"])
            packet = f.ip4(a.ip("web"), a.ip("db"), f.UDP,
                           f.udp(a.ip("web"), a.ip("db"), a.port(), 53, tag.bytes))
            try:
                a.send("web", f.ether(a.macs["db"], a.macs["web"], f.IP, packet))
                self.assertEqual(["db"], a.heard(tag, "db"))
                return a.heard(tag, "evil", "web2")
            finally:
                a.host.netns_exec(["bridge", "link", "set", "dev", port, "learning", "on"])

        self.stopped(attack)

    def querying(self) -> "tuple[bytes, bytes]":
        """An MLD and an IGMP query of "evils", with answering times of hundredths of a second."""
        a = self.arena
        src, every = a.local("evils"), "ff02::1"
        message = f.icmp6(src, every, 130, 0, struct.pack(">HH", 10, 0) + bytes(16))
        alert = bytes([f.ICMP6, 0, 5, 2, 0, 0, 1, 0])
        body = b"\x11\x01" + bytes(6)
        igmp = body[:2] + struct.pack(">H", f.checksum(body)) + body[4:]
        return (f.ether(f.multicast_mac(every), a.macs["evils"], f.IP6,
                        f.ip6(src, every, f.HOP_BY_HOP, alert + message, hops=1)),
                f.ether("01:00:5e:00:00:01", a.macs["evils"], f.IP,
                        f.ip4("172.31.5.66", "224.0.0.1", f.IGMP, igmp, ttl=1,
                              options=b"\x94\x04\0\0")))

    def test_multicast_queries(self) -> None:
        """A bridge with a querier sends neighbour discovery to known listeners only: a container
        that queries, and whose query the others do not hear, would cut them off."""
        a = self.arena

        def attack() -> List[str]:
            bridge = a.host.network("snoop", "172.31.5.0/24", "fd00:31:5::/64")
            names = {"evils": 66, "webs": 10, "webs2": 11}
            try:
                for name, last in names.items():
                    a.run(name, ("snoop", last, ()))
                a.on_again()
                a.send("evils", *self.querying())
                # The query's own answering time; then the bridge believes in a querier.
                a.host.netns_exec(["sleep", "0.3"])
                return [group for group in ("239.9.9.9", "ff15::99") if not self.flooded(group)]
            finally:
                for name in names:
                    if name in a.containers:
                        a.remove(name)
                a.host.docker("network", "rm", "snoop")
                self.assertTrue(bridge)

        self.stopped(attack)

    def flooded(self, group: str) -> bool:
        """Whether a group that nobody has joined is still sent to everybody, as before."""
        a, tag = self.arena, Tag()
        four = "." in group
        src = "172.31.5.10" if four else "fd00:31:5::10"
        packet = f.ip(src, group, f.UDP, f.udp(src, group, a.port(), 5353, tag.bytes), hops=1)
        frame = f.ether(f.multicast_mac(group), a.macs["webs"], f.IP if four else f.IP6, packet)
        with a.without_bridge_netfilter():
            a.send("webs", frame)
            return bool(a.heard(tag, "webs2"))


if __name__ == "__main__":
    unittest.main()
