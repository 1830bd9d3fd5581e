# SPDX-License-Identifier: GPL-2.0-or-later
"""Tiers inside one bridge, against frames made by hand (G3, G1).

The attacker has Docker's default capabilities and sends by `docker exec`.  Every frame
bears a token; a sniffer in the victim lists those that reach its interface.  The control:
on plain Docker each of them does."""
from __future__ import annotations

import json
import unittest
from typing import Dict, List, Sequence, Set, Tuple

import frames
from flows import PUMP
from frames import (ARP, BROADCAST, IP, IP6, SVLAN, VLAN, arp, eth, icmp, ipv4, ipv6, tagged, tcp,
                    udp)
from netd import TRIES, Child, Container, DockerCase, HostOptions, Probe, figure, wait_until

POLICY = """version: 1
tiers:
  attacker: {match: [{label: {role: attacker}}]}
  victim: {match: [{label: {role: victim}}]}
  friend: {match: [{label: {role: friend}}]}
allow:
  - {from: friend, to: victim, ports: [9/udp, 80/tcp]}
"""
FRAMES_PROGRAM = [PUMP[0], frames.__file__]
GATEWAY4, GATEWAY6 = "172.31.1.1", "fd00:31:1::1"


class L2(DockerCase):
    """Three tiers on one dual-stack network."""

    options = HostOptions(lenient=True)  # IPv6 on an IPv4 network: Docker 28 drops it by itself
    attacker: Container
    victim: Container
    friend: Container
    bridge: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        cls.bridge = host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        serve = ["probe", "serve", "tcp/80"]
        for last, name in enumerate(("attacker", "victim", "friend"), 10):
            container = host.run(name, "app", ip=f"172.31.1.{last}", ip6=f"fd00:31:1::{last}",
                                 labels={"role": name}, cmd=serve)
            setattr(cls, name, container)

    def identity(self, container: Container, network: str = "app") -> frames.Host:
        """Its addresses on the network."""
        endpoint = container.inspect()["NetworkSettings"]["Networks"][network]
        return frames.Host(endpoint["MacAddress"], endpoint["IPAddress"],
                           endpoint["GlobalIPv6Address"])

    # Sending and counting

    def arriving(self, attacks: Dict[str, bytes], sender: Container, victim: Container,
                 interface: str = "eth0") -> Set[str]:
        """The names of those attacks of which a frame reaches the victim."""
        sniffer = victim.spawn([*FRAMES_PROGRAM, interface])
        sniffer.wait_for_line("^ready$")
        commands = "".join(f"probe raw {interface} {frame.hex()} 2 >/dev/null\n"
                           for frame in attacks.values())
        sender.exec(["sh", "-e"], stdin=commands)
        numbers = {int(number) for number in sniffer.stop()[-1].split()[1:]}
        return {name for number, name in enumerate(attacks) if number in numbers}

    def attacks(self) -> Dict[str, bytes]:
        """Frames that must not reach the victim."""
        me, you, friend = (self.identity(one) for one in (self.attacker, self.victim, self.friend))
        gateway_mac = json.loads(self.lab.host.netns_exec(
            ["ip", "-j", "link", "show", self.bridge]))[0]["address"]
        made: Dict[str, bytes] = {}

        def add(name: str, make: object) -> None:
            made[name] = make(frames.token(len(made)))  # type: ignore[operator]

        def frame(kind: int, payload: bytes, source: str = me.mac,
                  destination: str = you.mac) -> bytes:
            return eth(destination, source, kind, payload)

        # In its own name: another tier.
        add("udp IPv4", lambda t: frame(IP, udp(me.ip4, you.ip4, t)))
        add("udp IPv6", lambda t: frame(IP6, udp(me.ip6, you.ip6, t)))
        add("udp fe80", lambda t: frame(IP6, udp(me.local, you.local, t)))
        for flags, name in ((0x12, "SYN+ACK"), (4, "RST"), (1, "FIN"), (0, "NULL"), (0x29, "XMAS"),
                            (0x10, "ACK")):
            add(f"tcp {name}", lambda t, f=flags: frame(IP, tcp(me.ip4, you.ip4, f, t)))
            add(f"tcp6 {name}", lambda t, f=flags: frame(IP6, tcp(me.ip6, you.ip6, f, t)))
        add("icmp error", lambda t: frame(IP, icmp(me.ip4, you.ip4, 3, udp(
            you.ip4, me.ip4, t), 1)))
        add("icmp echo reply", lambda t: frame(IP, icmp(me.ip4, you.ip4, 0, t)))
        add("icmpv6 error", lambda t: frame(IP6, icmp(me.ip6, you.ip6, 1, udp(
            you.ip6, me.ip6, t))))
        add("icmpv6 echo reply", lambda t: frame(IP6, icmp(me.ip6, you.ip6, 129, t)))
        for proto in (4, 41, 47, 50, 132):
            add(f"ip protocol {proto}", lambda t, p=proto: frame(IP, ipv4(
                me.ip4, you.ip4, p, t)))
        add("hop-by-hop options", lambda t: frame(IP6, ipv6(
            me.ip6, you.ip6, 0, b"\x11\0\x01\x04\0\0\0\0" + udp(me.ip6, you.ip6, t)[40:])))
        add("IPv6 atomic fragment", lambda t: frame(IP6, ipv6(
            me.ip6, you.ip6, 44, b"\x11\0\0\0\0\0\0\x07" + udp(me.ip6, you.ip6, t)[40:])))
        add("broadcast", lambda t: frame(IP, udp(me.ip4, "255.255.255.255", t),
                                         destination=BROADCAST))
        add("subnet broadcast", lambda t: frame(IP, udp(me.ip4, "172.31.1.255", t),
                                                destination=BROADCAST))
        add("multicast", lambda t: frame(IP, udp(me.ip4, "224.0.0.1", t),
                                         destination="01:00:5e:00:00:01"))
        add("IPv6 multicast", lambda t: frame(IP6, udp(me.ip6, "ff02::1", t),
                                              destination="33:33:00:00:00:01"))
        # Past br_netfilter.
        for name, tags in (("VLAN 0", [(VLAN, 0)]), ("802.1ad 0", [(SVLAN, 0)]),
                           ("VLAN 0 twice", [(VLAN, 0), (VLAN, 0)]), ("VLAN 5", [(VLAN, 5)])):
            add(f"{name}, IPv4", lambda t, g=tags: tagged(frame(IP, udp(me.ip4, you.ip4, t)), *g))
            add(f"{name}, IPv6", lambda t, g=tags: tagged(frame(IP6, udp(me.ip6, you.ip6, t)), *g))
            add(f"{name}, as a friend", lambda t, g=tags: tagged(frame(
                IP, udp(friend.ip4, you.ip4, t), friend.mac), *g))
        for kind in (0x88b5, 0x8847, 0x8863, 0x0040):
            add(f"type {kind:04x}", lambda t, k=kind: frame(k, t + bytes(56)))
        # In another's name.
        for name, ip in (("friend", friend.ip4), ("gateway", GATEWAY4), ("LAN", "10.231.9.2"),
                         ("nobody", "172.31.1.99"), ("internet", "203.0.113.10"),
                         ("unspecified", "0.0.0.0")):
            add(f"address of {name}", lambda t, i=ip: frame(IP, udp(i, you.ip4, t)))
        for name, ip in (("friend", friend.ip6), ("friend, local", friend.local),
                         ("gateway", GATEWAY6), ("nobody", "fd00:31:1::99")):
            add(f"IPv6 address of {name}", lambda t, i=ip: frame(IP6, udp(i, you.ip6, t)))
        add("address and MAC of friend", lambda t: frame(IP, udp(friend.ip4, you.ip4, t),
                                                         friend.mac))
        add("IPv6 address and MAC of friend", lambda t: frame(IP6, udp(friend.ip6, you.ip6, t),
                                                              friend.mac))
        add("address and MAC of gateway", lambda t: frame(IP, udp(GATEWAY4, you.ip4, t),
                                                          gateway_mac))
        add("own address, MAC of friend", lambda t: frame(IP, udp(me.ip4, you.ip4, t), friend.mac))
        add("own address, a new MAC", lambda t: frame(IP, udp(me.ip4, you.ip4, t),
                                                      "02:00:00:00:00:77"))
        # ARP and neighbour discovery.
        for name, ip in (("friend", friend.ip4), ("gateway", GATEWAY4), ("nobody", "172.31.1.99")):
            add(f"ARP reply for {name}", lambda t, i=ip: frame(ARP, arp(
                2, me.mac, i, you.mac, you.ip4) + t))
            add(f"ARP request from {name}", lambda t, i=ip: frame(ARP, arp(
                1, me.mac, i, "00:00:00:00:00:00", you.ip4) + t, destination=BROADCAST))
        add("ARP, sender's MAC is not the frame's", lambda t: frame(ARP, arp(
            2, friend.mac, me.ip4, you.mac, you.ip4) + t))
        for name, ip in (("friend", friend.ip6), ("gateway", GATEWAY6)):
            add(f"advertisement for {name}", lambda t, i=ip: frame(IP6, frames.advert(
                me.ip6, you.ip6, i, me.mac, t)))
            add(f"advertisement as {name}", lambda t, i=ip: frame(IP6, frames.advert(
                i, you.ip6, i, me.mac, t)))
        add("router advertisement", lambda t: frame(IP6, icmp(
            me.local, "ff02::1", 134, b"\x40\0\x07\x08" + bytes(8) + t),
            destination="33:33:00:00:00:01"))
        add("redirect", lambda t: frame(IP6, icmp(me.local, you.ip6, 137, bytes(32) + t)))
        return made

    # The tests

    def test_frames_made_by_hand(self) -> None:
        attacks = self.attacks()
        plain = self.arriving(attacks, self.attacker, self.victim)
        self.assertEqual(set(attacks) - plain, set(), "closed on plain Docker: void")
        self.recover()
        netd = self.start_netd(POLICY)
        self.assertEqual(self.arriving(attacks, self.attacker, self.victim), set())
        self.check_legitimate()
        figure("hand-made frames", f"{len(attacks)} attacks, {len(plain)} arrive on plain Docker, "
               "0 with netd")
        self.assertEqual(netd.stop(), 0)

    def recover(self) -> None:
        """Let everybody forget what poisoned it."""
        for container in (self.attacker, self.victim, self.friend):
            for family in ("-4", "-6"):
                container.netns_exec(["ip", family, "neigh", "flush", "dev", "eth0"])
        self.lab.host.netns_exec(["ip", "neigh", "flush", "dev", self.bridge])
        self.assert_open(self.friend, Probe("tcp", "172.31.1.11", 80),
                         Probe("tcp", "fd00:31:1::11", 80))

    def check_legitimate(self) -> None:
        """What the policy allows beside the attacks."""
        v4, v6 = Probe("tcp", "172.31.1.11", 80), Probe("tcp", "fd00:31:1::11", 80)
        self.assert_open(self.friend, v4, v6)
        self.assert_denied(self.attacker, v4, v6)
        self.assert_open(self.lab.host, v4, v6)

    def test_bridge_nf_switched_off_under_netd(self) -> None:
        attacks = self.attacks()
        self.recover()
        self.start_netd(POLICY)
        self.switch_bridge_nf_off()
        self.assertEqual(self.arriving(attacks, self.attacker, self.victim), set())
        self.assert_denied(self.attacker, Probe("tcp", "172.31.1.11", 80),
                           Probe("tcp", "fd00:31:1::11", 80))

    def test_bridge_nf_is_switched_on_again(self) -> None:
        """By netd, as soon as the watchdog wakes it; what the policy allows passes again."""
        allowed = Probe("tcp", "172.31.1.11", 80), Probe("tcp", "fd00:31:1::11", 80)
        netd = self.start_netd(POLICY, env={"WATCHDOG_USEC": str(20_000_000)})
        assert netd.child is not None
        netd.child.forget_lines()
        self.switch_bridge_nf_off()
        self.assert_denied(self.friend, *allowed)  # the control: netd sleeps
        netd.child.wait_for_line(f"nf_call_ip6tables of bridge {self.bridge}", 30)
        self.check_legitimate()

    def switch_bridge_nf_off(self) -> None:
        """On the host and on the bridge."""
        for call in ("iptables", "ip6tables", "arptables"):
            self.lab.host.sysctl(f"bridge/bridge-nf-call-{call}", "0")
            self.addCleanup(self.lab.host.sysctl, f"bridge/bridge-nf-call-{call}", "1")
        self.lab.host.netns_exec(["ip", "link", "set", self.bridge, "type", "bridge",
                                  "nf_call_iptables", "0", "nf_call_ip6tables", "0"])

    def test_theft_of_a_mac(self) -> None:
        """One frame with the friend's MAC moves its unicast to the thief's port."""
        me, you, friend = (self.identity(one) for one in (self.attacker, self.victim, self.friend))
        theft = {"theft": eth(BROADCAST, friend.mac, IP, udp(me.ip4, "255.255.255.255",
                                                             frames.token(0)))}
        before = self.port_of(friend.mac)
        self.arriving(theft, self.attacker, self.victim)
        self.assertNotEqual(self.port_of(friend.mac), before, "control")
        self.recover()
        self.assertEqual(self.port_of(friend.mac), before)
        self.start_netd(POLICY)
        self.arriving(theft, self.attacker, self.victim)
        self.assertEqual(self.port_of(friend.mac), before)
        self.assertTrue(you)

    def port_of(self, address: str) -> str:
        """Where the bridge sends frames for this MAC."""
        entries = self.lab.host.netns_exec(["bridge", "fdb", "show", "br", self.bridge])
        ports = [line.split()[2] for line in entries.splitlines() if line.startswith(address)]
        return ports[0] if ports else ""

    def test_ipv6_on_an_ipv4_network(self) -> None:
        """Somebody switches it on inside; Docker knows of no address."""
        host = self.lab.host
        host.network("four", "172.31.9.0/24")
        pair = [self.container(name, "four", labels={"role": "friend"}, ip=f"172.31.9.{last}")
                for last, name in enumerate(("four1", "four2"), 10)]
        for one in pair:
            one.netns_exec(["sh", "-euc", "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"])
        shown = json.loads(pair[1].netns_exec(["ip", "-j", "-6", "address", "show", "eth0"]))
        probe = Probe("tcp", shown[0]["addr_info"][0]["local"] + "%eth0", 80)
        wait_until("duplicate address detection",
                   lambda: self.states(pair[0], probe) == ["open"])  # the control
        self.start_netd(POLICY)
        self.assert_denied(pair[0], probe)
        self.assert_open(pair[0], Probe("tcp", "172.31.9.11", 80))  # within: allow

    def new_pair(self) -> Tuple[Container, Container, Dict[str, bytes]]:
        """Two containers that netd does not know, and frames from one to the other."""
        one, two = (self.container(name, "app", labels={"role": "friend"}, ip=f"172.31.1.{last}",
                                   ip6=f"fd00:31:1::{last}")
                    for last, name in enumerate(("new1", "new2"), 20))
        me, you = self.identity(one), self.identity(two)
        plain = [eth(you.mac, me.mac, IP, udp(me.ip4, you.ip4, frames.token(0))),
                 eth(you.mac, me.mac, IP6, udp(me.ip6, you.ip6, frames.token(1))),
                 eth(you.mac, me.mac, IP, udp(me.ip4, you.ip4, frames.token(2)))]
        return one, two, {"IPv4": plain[0], "IPv6": plain[1], "VLAN 0": tagged(plain[2], (VLAN, 0))}

    def test_unknown_ports_while_netd_is_dead(self) -> None:
        """Containers that were plugged in then: nothing between them either.

        But for frames that no IP hook sees, where the kernel cannot name the bridge of a port
        (no NFT_BRIDGE_META): netd/THREATS.md, out of reach.
        """
        netd = self.start_netd(POLICY)
        netd.kill9()
        one, two, sent = self.new_pair()
        self.assertLessEqual(self.arriving(sent, one, two), {"VLAN 0"})
        netd.off()
        self.assertEqual(self.arriving(sent, one, two), set(sent), "control")

    # Hot connect

    def connect_many(self, flooder: Container, times: int, awaited: Sequence[Child]) -> None:
        """In and out of the network, while the floods go on; the first time until all of @awaited have
        received something."""
        host = self.lab.host
        for _ in range(times):
            host.docker("network", "connect", "--ip=172.31.1.50", "--ip6=fd00:31:1::50", "app",
                        flooder.id)
            self.tell_friend(self.identity(flooder).mac)
            for sink in awaited:  # an ARP request that was too early is repeated a second later
                sink.wait_for_line("^receiving$")
            awaited = ()
            host.docker("network", "disconnect", "app", flooder.id)

    def tell_friend(self, mac: str) -> None:
        """Of the MAC of what is plugged in and out, so that it has to ask nobody."""
        self.friend.netns_exec(["ip", "-batch", "-"], stdin="".join(
            f"neigh replace {addr} lladdr {mac} dev eth0 nud permanent\n"
            for addr in ("172.31.1.50", "fd00:31:1::50")))

    def hot_connects(self, times: int, is_control: bool = False) -> Dict[str, int]:
        """Floods from and to a container that is plugged in and out; what arrives. It floods the
        internet too, so it has no other network whose gateway it could take."""
        flooder = self.lab.host.run("flooder", "none", labels={"role": "attacker"})
        self.lab.host.docker("network", "disconnect", "none", flooder.id)
        self.tell_friend("02:42:ac:1f:01:32")  # that of 172.31.1.50; from Docker 28 on it is random
        sinks = {place.name: place.probe("sink", "udp", "9")
                 for place in (self.victim, flooder, self.lab.outside)}
        for sink in sinks.values():
            sink.wait_for_line("ready")
        floods: List[Child] = []
        for place, addresses in ((flooder, ("172.31.1.11", "fd00:31:1::11", "203.0.113.10")),
                                 (self.friend, ("172.31.1.50", "fd00:31:1::50"))):
            for addr in addresses:
                floods.append(self.endless_flood(place, addr))
        self.connect_many(flooder, times, list(sinks.values()) if is_control else ())
        for flood in floods:
            self.assertTrue(flood.running, flood.lines)
            flood.stop()
        counts = {name: int(sink.stop()[-1].split()[1]) for name, sink in sinks.items()}
        flooder.remove()
        return counts

    def endless_flood(self, place: Container, addr: str) -> Child:
        """One that does not mind having no route yet."""
        return place.probe("flood", "--seconds", "3000", "--pause-us", "100", "udp", addr, "9")

    def test_hot_connect_under_flood(self) -> None:
        control = self.hot_connects(3, is_control=True)
        self.assertTrue(all(control.values()), f"control: {control}")
        netd = self.start_netd(POLICY)
        counts = self.hot_connects(TRIES)
        figure("hot connects under flood", f"{TRIES} connects: {sum(counts.values())} packets "
               f"(control, 3 connects without netd: {sum(control.values())})")
        self.assertEqual(counts, {"victim": 0, "flooder": 0, "outside": 0})
        self.check_legitimate()
        self.assertEqual(netd.stop(), 0)


if __name__ == "__main__":
    unittest.main()
