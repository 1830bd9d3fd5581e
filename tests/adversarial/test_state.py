# SPDX-License-Identifier: GPL-2.0-or-later
"""Connection tracking: only what the policy decided passes as a reply or as related."""
from __future__ import annotations

import re
import struct
import unittest
from typing import List

import packets as f
from arena import AUDIT, POLICY, Case, Tag
from netd import LabError, Probe, wait_until

# Says argv[3:] to a server that answers with what it is told, which a helper may have rewritten: a line
# each, in a segment of its own, since a helper looks at what follows an end of line.
LINES = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as connection:
    answers = connection.makefile("rb")
    for line in sys.argv[3:]:
        connection.sendall(line.encode() + b"\\r\\n")
        assert any(answer.endswith(b"\\r\\n") for answer in answers), "the server has gone"
"""
NO_WEB_TO_DB = POLICY.replace("  - {from: web, to: db, ports: [80/tcp, 53/udp]}\n", "")


class Segments(Case):
    """Packets that begin nothing."""

    def tcp(self, flags: int, sport: int, to: str = "db", family: int = 4) -> List[str]:
        a, tag = self.arena, Tag()
        src, dst = a.ip("evil", family), a.ip(to, family)
        segment = f.tcp(src, dst, sport or a.port(), 80, flags, tag.bytes, 7, 7)
        a.send("evil", f.ether(a.macs[to], a.macs["evil"], f.IP if family == 4 else f.IP6,
                               f.ip(src, dst, f.TCP, segment)))
        return a.heard(tag, to)

    def test_odd_flags(self) -> None:
        flags = (f.SYN | f.ACK, f.RST, f.RST | f.ACK, f.FIN, f.FIN | f.ACK, 0, f.ACK,
                 f.FIN | f.PSH | f.URG)
        self.stopped(lambda n, x: self.tcp(x, 0, "db", n), *((n, x) for n in (4, 6) for x in flags))

    def test_source_port_that_is_allowed(self) -> None:
        """evil may reach port 443 outside; nobody may come from it."""
        self.stopped(lambda x: self.tcp(x, 443), (f.SYN,), (f.SYN | f.ACK,), (f.ACK,))

    def test_the_other_way_round(self) -> None:
        """web may open a connection to db's port 80; db may not open one from there."""
        a = self.arena

        def attack(flags: int) -> List[str]:
            tag, src, dst = Tag(), a.ip("db"), a.ip("web")
            segment = f.tcp(src, dst, 80, a.port(), flags, tag.bytes, 7, 7)
            a.send("db", f.ether(a.macs["web"], a.macs["db"], f.IP,
                                 f.ip4(src, dst, f.TCP, segment)))
            return a.heard(tag, "web")

        # A SYN of its own, a SYN+ACK first, both at once, the middle of a stream.
        self.stopped(attack, (f.SYN,), (f.SYN | f.ACK,), (f.ACK | f.PSH,))

    def test_after_connection_tracking_was_flushed(self) -> None:
        """A denied connection, taken up in the middle, from either side."""
        a = self.arena

        def attack(sender: str, to: str, sport: int, dport: int) -> List[str]:
            tag, src, dst = Tag(), a.ip(sender), a.ip(to)
            a.host.netns_exec(["conntrack", "-F"])
            segment = f.tcp(src, dst, sport, dport, f.ACK | f.PSH, tag.bytes, 9, 9)
            a.send(sender, f.ether(a.macs[to], a.macs[sender], f.IP,
                                   f.ip4(src, dst, f.TCP, segment)))
            return a.heard(tag, to)

        self.stopped(attack, ("evil", "db", 31000, 80), ("db", "evil", 80, 31000))

    def test_unsolicited_errors(self) -> None:
        """ICMP that belongs to no connection at all."""
        a = self.arena

        def attack(kind: int, code: int) -> List[str]:
            tag, src, dst = Tag(), a.ip("evil"), a.ip("db")
            inner = f.ip4(dst, src, f.UDP, f.udp(dst, src, 1, 2, tag.bytes))
            a.send("evil", f.ether(a.macs["db"], a.macs["evil"], f.IP,
                                   f.ip4(src, dst, f.ICMP, f.icmp(kind, code, bytes(4), inner))))
            return a.heard(tag, "db")

        self.stopped(attack, (3, 1), (3, 3), (0, 0), (8, 0), (11, 0), (5, 1), (13, 0))


class Errors(Case):
    """ICMP errors about connections of others, and about one's own."""

    def speak(self, family: int = 4) -> int:
        """A datagram from web to db, which is allowed; its source port."""
        a = self.arena
        port, src, dst = a.port(), a.ip("web", family), a.ip("db", family)
        packet = f.ip(src, dst, f.UDP, f.udp(src, dst, port, 53, b"hello"))
        a.send("web", f.ether(a.macs["db"], a.macs["web"], f.IP if family == 4 else f.IP6, packet))
        return port

    def error(self, sender: str, of: "tuple[str, str]", ports: "tuple[int, int]", tag: Tag) -> bytes:
        """Too big, says @sender to @of[0] about what it has sent to @of[1]."""
        inner = f.ip(*of, f.UDP, f.udp(*of, *ports, tag.bytes))
        if ":" in sender:
            body = f.icmp6(sender, of[0], 2, 0, struct.pack(">I", 1280) + inner)
            return f.ip6(sender, of[0], f.ICMP6, body)
        return f.ip4(sender, of[0], f.ICMP, f.icmp(3, 4, struct.pack(">HH", 0, 600), inner))

    def test_of_a_third_container(self) -> None:
        a = self.arena

        def attack(family: int, victim: str) -> List[str]:
            tag, port = Tag(), self.speak(family)
            web, db = a.ip("web", family), a.ip("db", family)
            of, ports = ((web, db), (port, 53)) if victim == "web" else ((db, web), (53, port))
            packet = self.error(a.ip("evil", family), of, ports, tag)
            a.send("evil", f.ether(a.macs[victim], a.macs["evil"],
                                   f.IP if family == 4 else f.IP6, packet))
            return a.heard(tag, victim)

        self.stopped(attack, *((n, name) for n in (4, 6) for name in ("web", "db")))

    def test_of_the_local_network(self) -> None:
        """About a connection between two containers, which never leaves the host."""
        a = self.arena

        def attack(family: int, sender: str) -> List[str]:
            tag, port = Tag(), self.speak(family)
            packet = self.error(sender, (a.ip("web", family), a.ip("db", family)), (port, 53), tag)
            a.send_from_lan("office", f.ether(a.macs["host-office"], a.macs["office"],
                                              f.IP if family == 4 else f.IP6, packet))
            return a.heard(tag, "web")

        self.stopped(attack, (4, "10.231.9.2"), (6, "fd00:231:9::2"))

    def test_about_the_hosts_connections(self) -> None:
        a = self.arena

        def attack() -> int:
            host, db = a.gateway("front"), a.ip("db")
            a.host.netns_exec(["conntrack", "-F"])
            a.host.probe_many([Probe("udp", db, 53)])
            flow = re.search(f"src={host} dst={db} sport=([0-9]+)", a.flows())
            assert flow is not None
            port = int(flow[1])
            forged = self.error(a.ip("evil"), (host, db), (port, 53), Tag())
            return a.passed("input", f"ip saddr {a.ip('evil')} ct state related", lambda: a.send(
                "evil", f.ether(a.macs["front"], a.macs["evil"], f.IP, forged)))

        self.stopped(attack)

    def test_of_an_end_pass(self) -> None:
        """The other half: db may say to web what is wrong with what web sends."""
        a = self.arena
        a.on()
        for family in (4, 6):
            tag, port = Tag(), self.speak(family)
            packet = self.error(a.ip("db", family), (a.ip("web", family), a.ip("db", family)),
                                (port, 53), tag)
            a.send("db", f.ether(a.macs["web"], a.macs["db"], f.IP if family == 4 else f.IP6,
                                 packet))
            self.assertEqual(["web"], a.heard(tag, "web"))


class Flows(Case):
    """Connections that were allowed, and what others make of them."""

    def test_answer_of_another(self) -> None:
        """evil has seen that web asked db, and answers first; so does somebody outside."""
        a = self.arena

        def attack(sender: str) -> List[str]:
            tag, port = Tag(), a.port()
            web, db = a.ip("web"), a.ip("db")
            ask = f.ip4(web, db, f.UDP, f.udp(web, db, port, 53, b"who"))
            a.send("web", f.ether(a.macs["db"], a.macs["web"], f.IP, ask))
            answer = f.ip4(db, web, f.UDP, f.udp(db, web, 53, port, tag.bytes))
            if sender == "evil":
                a.send("evil", f.ether(a.macs["web"], a.macs["evil"], f.IP, answer))
            else:
                a.send_from_lan("office", f.ether(a.macs["host-office"], a.macs["office"], f.IP,
                                                  answer))
            return a.heard(tag, "web")

        self.stopped(attack, ("evil",), ("office",))

    @unittest.skipIf(AUDIT, "SKIP: audit mode cuts nothing")
    def test_revoked(self) -> None:
        """What a change denies stops; the control is that it lived until then."""
        a = self.arena
        a.on()
        holds = {f"{p}{n}": a["web"].probe("hold", p, a.ip("db", n), port)
                 for n in (4, 6) for p, port in (("tcp", "80"), ("udp", "53"))}
        kept = a["web"].probe("hold", "tcp", a.ip("web2"), "80")
        try:
            for hold in (*holds.values(), kept):
                hold.wait_for_line("^alive 3$")
            a.netd.apply(NO_WEB_TO_DB)
            for name, hold in holds.items():
                hold.forget_lines()
                with self.subTest(name), self.assertRaises(LabError):
                    while True:  # what was on its way may still arrive
                        hold.wait_for_line("^alive", timeout=0.3)
            kept.forget_lines()
            kept.wait_for_line("^alive")
        finally:
            for hold in (*holds.values(), kept):
                hold.stop()
            a.netd.apply(POLICY)
        self.legitimate()

    def test_marks_that_others_give_to_connections(self) -> None:
        """A rule of the host's own software marks every connection, with the very number that netd
        has in its rules too: whatever it knows an accepted connection by, a mark is not it."""
        a = self.arena
        probes = ((a["evil"], Probe("tcp", a.ip("db"), 80)), (a["db"], Probe("udp", a.ip("web"), 53)),
                  (a.outside, Probe("tcp", "192.0.2.1", 8082)))

        def attack(value: str) -> List[Probe]:
            if value == "netd's":
                rules = a.host.netns_exec(["nft", "list", "ruleset"])
                found = re.search(r"ct \w+ set ct \w+ & \w+ \| (\w+)", rules)
                value = found[1] if found else "1"
            hooks = "".join(f"chain {hook} {{ type filter hook {hook} priority -140; "
                            f"ct mark set {value}; ct label set 1; }}\n"
                            for hook in ("prerouting", "output"))
            a.host.netns_exec(["nft", "-f", "-"], stdin=f"table inet marking {{ {hooks} }}")
            try:
                return [probe for place, probe in probes
                        if place.probe_many([probe], 400)[probe].state == "open"]
            finally:
                a.host.netns_exec(["nft", "delete", "table", "inet", "marking"])

        self.stopped(attack, ("netd's",), ("0xffffffff",), ("1",))

    def test_connection_of_a_former_owner(self) -> None:
        """Another tier's container gets the same address and MAC, and goes on where it was."""
        a = self.arena

        def attack(port: int) -> List[str]:
            tag = Tag()
            a.run("web3", ("front", 40, ()))
            a.on_again()
            src, dst = "172.31.1.40", a.ip("db")
            flow = f"src={src} dst={dst} sport={port}"

            def known() -> bool:  # a new port of a bridge takes a moment to forward
                self.datagram("web3", src, dst, port, Tag())
                return flow in a.flows()

            wait_until("the first owner's flow", known)
            a.remove("web3")
            a.run("evil3", ("front", 40, ()))
            a.on_again()
            # Docker clears the flows of an address that it takes back, from 26 on also of one that it
            # deals; not each way of starting a container does.
            a.host.netns_exec(["conntrack", "-I", "-p", "udp", "-s", src, "-d", dst, "--sport",
                               str(port), "--dport", "53", "--timeout", "60"])
            self.assertIn(flow, a.flows())
            self.datagram("evil3", src, dst, port, tag)
            heard = a.heard(tag, "db")
            a.remove("evil3")
            return heard

        self.stopped(attack, (32001,))

    def datagram(self, name: str, src: str, dst: str, port: int, tag: Tag) -> None:
        a = self.arena
        a.send(name, f.ether(a.macs["db"], a.macs[name], f.IP, f.ip4(
            src, dst, f.UDP, f.udp(src, dst, port, 53, tag.bytes))))

    def test_expected_connections(self) -> None:
        """A helper, assigned by somebody else, expects a connection that no rule allows."""
        a = self.arena
        helper = """
            table ip helping {
                ct helper ftp { type "ftp" protocol tcp; }
                chain out { type filter hook prerouting priority -150; tcp dport 443 ct helper set "ftp"; }
            }
        """
        a.host.netns_exec(["nft", "-f", "-"], stdin=helper)
        try:
            self.stopped(lambda: self.expect(a.port()))
        finally:
            a.host.netns_exec(["nft", "delete", "table", "ip", "helping"])

    def expect(self, port: int) -> List[str]:
        """evil tells a server outside, which it may reach, to connect to its port @port."""
        a, tag, server = self.arena, Tag(), "192.0.2.9"
        order = "PORT " + a.ip("evil").replace(".", ",") + f",{port >> 8},{port & 255}"
        a["evil"].netns_exec(["python3", "-c", LINES, server, "443", "", order])
        expected = a.host.netns_exec(["conntrack", "-L", "expect"])
        found = re.search(f"src={server} dst=[0-9.]+ sport=0 dport=([0-9]+)", expected)
        assert found is not None, f"the helper expects nothing: {expected}"
        number = int(found[1])
        segment = f.tcp(server, "192.0.2.1", 20, number, f.SYN, tag.bytes)
        a.send_from_lan("outside", f.ether(a.macs["host-outside"], a.macs["outside"], f.IP,
                                           f.ip4(server, "192.0.2.1", f.TCP, segment)))
        return a.heard(tag, "evil")

    def test_denied_flows_fill_no_table(self) -> None:
        """10,000 denied flows leave no entry in connection tracking."""
        a = self.arena

        def attack() -> bool:
            a.host.netns_exec(["conntrack", "-F"])
            src, dst = a.ip("evil"), a.ip("db")
            a.send("evil", *(f.ether(a.macs["db"], a.macs["evil"], f.IP, f.ip4(
                src, dst, f.UDP, f.udp(src, dst, port, 53, b"x"))) for port in range(1, 10000, 5)))
            return int(a.host.netns_exec(["conntrack", "-C"])) > 1000

        self.stopped(attack)


if __name__ == "__main__":
    unittest.main()
