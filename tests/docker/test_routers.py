# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers that speak for others (`speaks_for`): VPN routers, egress gateways, addresses that move.

Each is open on plain Docker, closed without the key (and the log says what would be needed), and with it
as open as the rules say; nobody else uses the addresses."""
from __future__ import annotations

import json
import unittest
from typing import List, Sequence, Tuple

from netd import Child, Container, DockerCase, Netd, Place, Probe, figure, wait_until

POLICY = """version: 1
tiers:
  cage: {match: [{container: client}], within: deny}
  gw: {match: [{container: gw}], within: deny%(gw)s}
  vpn: {match: [{container: wg}], within: deny%(vpn)s}
  web: {match: [{container: web}], within: deny}
  lb: {match: [{container: "lb-*"}], within: deny%(lb)s}
  local: {match: [{container: local}], within: deny%(local)s}
  attacker: {match: [{container: attacker}], within: deny}
allow:
  - {from: [cage, gw], to: internet, ports: [80/tcp]}
  - {from: vpn, to: [web, internet, host], ports: [80/tcp, 9/udp]}
  - {from: web, to: "10.8.0.0/28", ports: [80/tcp]}
  - {from: web, to: [lb, local], ports: [80/tcp]}
  - {from: local, to: web, ports: [80/tcp]}
  - {from: internet, to: web, ports: [9/udp]}
"""
KEYS = {"gw": ', speaks_for: [0.0.0.0/0, "::/0"]', "vpn": ", speaks_for: [10.8.0.0/24]",
        "lb": ', speaks_for: [172.31.3.100, "fd00:31:3::100"]',
        "local": ', speaks_for: [169.254.7.7, "fe80::77"]'}
CLOSED = POLICY % {key: "" for key in KEYS}
OPEN = POLICY % KEYS
INTERNET, OTHER = Probe("tcp", "203.0.113.10", 80), Probe("tcp", "203.0.113.10", 81)
INTERNET6 = Probe("tcp", "2001:db8:ff::10", 80)
CLIENT_OF_VPN, BEHIND_VPN = "10.8.0.5", "10.8.0.77"
VIP, VIP6 = "172.31.3.100", "fd00:31:3::100"
LOCAL, LOCAL6 = "169.254.7.7", "fe80::77"
PATIENT_MS = 3000  # for what is open: a slow machine is no denial
NEEDED = "`speaks_for` of its tier would admit it"
FORWARDS = ["--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "net.ipv6.conf.all.forwarding=1"]


def run_all(place: Place, *commands: str) -> None:
    """Each in that network, with all capabilities."""
    for command in commands:
        place.netns_exec(command.split())


class Routers(DockerCase):
    """A client behind a gateway; a VPN router, a server and two that share an address on `home`."""

    client: Container
    gw: Container
    wg: Container
    web: Container
    lb: Tuple[Container, Container]
    local: Container
    attacker: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        cls.lab.outside.serve("tcp/80", "tcp/81")
        host.serve("tcp/80")
        host.network("cage", "172.31.1.0/24", "fd00:31:1::/64")
        host.network("egress", "172.31.2.0/24", "fd00:31:2::/64")
        host.network("home", "172.31.3.0/24", "fd00:31:3::/64")
        both = ["probe", "serve", "tcp/80", "tcp/81"]
        cls.client = host.run("client", "cage", ip="172.31.1.10", ip6="fd00:31:1::10", cmd=both)
        cls.gw = host.run("gw", "cage", ip="172.31.1.20", ip6="fd00:31:1::20", extra=FORWARDS)
        host.docker("network", "connect", "egress", "gw")
        cls.wg = host.run("wg", "home", ip="172.31.3.10", extra=FORWARDS, cmd=both)
        cls.web = host.run("web", "home", ip="172.31.3.20", ip6="fd00:31:3::20", cmd=both,
                           publish=["8009:9/udp"])
        cls.lb = (host.run("lb-1", "home", ip="172.31.3.31", ip6="fd00:31:3::31"),
                  host.run("lb-2", "home", ip="172.31.3.32", ip6="fd00:31:3::32"))
        cls.local = host.run("local", "home", ip="172.31.3.40", ip6="fd00:31:3::40", cmd=both,
                             extra=["--link-local-ip", LOCAL, "--link-local-ip", LOCAL6])
        cls.attacker = host.run("attacker", "home", ip="172.31.3.66", ip6="fd00:31:3::66")
        cls.set_up_routes()

    @classmethod
    def set_up_routes(cls) -> None:
        """Through the gateway, which hides its clients; to whoever is behind the VPN router."""
        egress = [link["ifname"] for link in json.loads(cls.gw.netns_exec(["ip", "-j", "addr"]))
                  for a in link["addr_info"] if a["local"].startswith("172.31.2.")][0]
        for tool in ("iptables", "ip6tables"):
            cls.gw.netns_exec([tool, "-t", "nat", "-A", "POSTROUTING", "-o", egress, "-j",
                               "MASQUERADE"])
        run_all(cls.gw, f"ip route replace default via 172.31.2.1 dev {egress}",
                f"ip -6 route replace default via fd00:31:2::1 dev {egress}")
        run_all(cls.client, "ip route replace default via 172.31.1.20",
                "ip -6 route replace default via fd00:31:1::20")
        run_all(cls.wg, "ip link add wg0 type veth peer name wg1", "ip link set wg0 up",
                "ip link set wg1 up", "ip addr add 10.8.0.1/24 dev wg0",
                f"ip addr add {CLIENT_OF_VPN}/32 dev wg0", f"ip addr add {BEHIND_VPN}/32 dev wg0")
        run_all(cls.web, "ip route add 10.8.0.0/24 via 172.31.3.10",
                "ip route add 169.254.0.0/16 dev eth0")
        run_all(cls.lab.host, "ip route add 10.8.0.0/24 via 172.31.3.10",
                "iptables -t nat -I POSTROUTING -s 10.8.0.0/24 -o ext0 -j MASQUERADE")

    def from_vpn(self, *probes: Probe, timeout_ms: int = 900) -> List[str]:
        """As a client of the VPN."""
        found = self.wg.probe_many(probes, timeout_ms, CLIENT_OF_VPN)
        return [found[probe].state for probe in probes]

    def check_log(self, netd: Netd, *words: str) -> None:
        """Some line has them all."""
        wait_until(f"{words} in the log", lambda: any(
            all(word in line for word in words) for line in netd.log().splitlines()))

    # VPN

    def test_vpn(self) -> None:
        web, closed = Probe("tcp", "172.31.3.20", 80), Probe("tcp", "172.31.3.20", 81)
        host = Probe("tcp", "172.31.3.1", 80)
        answers = (web, INTERNET, host)
        back, far = Probe("tcp", CLIENT_OF_VPN, 80), Probe("tcp", BEHIND_VPN, 80)
        self.assertEqual(self.from_vpn(*answers, closed, OTHER, timeout_ms=PATIENT_MS), ["open"] * 5,
                         "control")
        self.assert_open(self.web, back, far)
        netd = self.start_netd(CLOSED)
        self.assertNotIn("open", self.from_vpn(*answers))
        self.assert_denied(self.web, back)
        self.check_log(netd, "denied: wg (172.31.3.10, vpn)", f"as {CLIENT_OF_VPN} -> web", NEEDED)
        self.assertFalse(netd.allowed(CLIENT_OF_VPN, "web", "80/tcp", 4))
        netd.apply(OPEN)
        self.assertEqual(self.from_vpn(*answers, timeout_ms=PATIENT_MS), ["open"] * 3)
        self.assertNotIn("open", self.from_vpn(closed, OTHER))
        self.assertEqual({e["container"]: e.get("speaks_for") for e in netd.ask("endpoints")["endpoints"]
                          if e["container"] in ("wg", "web")}, {"wg": ["10.8.0.0/24"], "web": None})
        self.assert_open(self.web, back)
        self.assert_denied(self.web, far, Probe("tcp", CLIENT_OF_VPN, 81))
        self.assert_open(self.lab.host, back)
        self.assert_denied(self.lab.outside, back)
        for source, target, port, allowed in (
                (CLIENT_OF_VPN, "web", "80/tcp", True), (CLIENT_OF_VPN, "web", "81/tcp", False),
                (CLIENT_OF_VPN, "203.0.113.10", "80/tcp", True), (CLIENT_OF_VPN, "host", "80/tcp", True),
                ("web", CLIENT_OF_VPN, "80/tcp", True), ("web", BEHIND_VPN, "80/tcp", False),
                ("203.0.113.10", CLIENT_OF_VPN, "80/tcp", False), ("host", BEHIND_VPN, "80/tcp", True)):
            self.assertEqual(netd.allowed(source, target, port, 4), allowed,
                             f"explain {source} {target} {port}")
        self.assertEqual(netd.stop(), 0)

    # Egress gateway

    def test_gateway(self) -> None:
        inwards = Probe("tcp", "172.31.1.10", 80)
        run_all(self.gw, "ip addr add 203.0.113.99/32 dev lo")
        self.addCleanup(run_all, self.gw, "ip addr del 203.0.113.99/32 dev lo")

        def begins(timeout_ms: int) -> str:
            """What the outside, through the gateway, reaches of the client."""
            return self.gw.probe_many([inwards], timeout_ms, "203.0.113.99")[inwards].state

        self.assert_open(self.client, INTERNET, INTERNET6, OTHER)
        self.assertEqual(begins(PATIENT_MS), "open", "control")
        netd = self.start_netd(CLOSED)
        self.assert_denied(self.client, INTERNET, INTERNET6)
        self.check_log(netd, "denied: client (172.31.1.10, cage) -> 203.0.113.10", "speaks_for")
        netd.apply(OPEN)
        self.assert_open(self.client, INTERNET, INTERNET6)
        self.assert_denied(self.client, OTHER)
        self.assertNotEqual(begins(900), "open")
        self.assertEqual(self.gw.netns_exec(["sh", "-c", "ip route get 203.0.113.10"]).split()[2],
                         "172.31.2.1")
        self.assertEqual(netd.stop(), 0)

    # What --link-local-ip gives: no list of Docker's shows it

    def as_local(self, *probes: Probe) -> List[str]:
        """From that address."""
        found = self.local.probe_many(probes, 900, LOCAL)
        return [found[probe].state for probe in probes]

    def test_link_local_ip(self) -> None:
        to, other = Probe("tcp", LOCAL, 80), Probe("tcp", LOCAL, 81)
        web, closed = Probe("tcp", "172.31.3.20", 80), Probe("tcp", "172.31.3.20", 81)
        for address in (f"{LOCAL}/16", f"{LOCAL6}/64"):
            self.assertIn(address, self.local.netns_exec(["ip", "addr"]))
        to6, other6 = (Probe("tcp", f"{LOCAL6}%eth0", port) for port in (80, 81))
        self.assert_open(self.web, to, other, to6, other6)
        self.assertEqual(self.as_local(web, closed), ["open"] * 2, "control")
        netd = self.start_netd(CLOSED)
        self.assert_denied(self.web, to, to6)
        self.assertNotIn("open", self.as_local(web))
        self.check_log(netd, "denied: local (172.31.3.40, local)", f"as {LOCAL} -> web", NEEDED)
        netd.apply(OPEN)
        self.assert_open(self.web, to, to6)
        self.assert_denied(self.web, other, other6)
        self.assertEqual(self.as_local(web), ["open"])
        self.assertNotIn("open", self.as_local(closed))
        self.assertTrue(netd.allowed("web", LOCAL, "80/tcp", 4))
        self.assertFalse(netd.allowed("web", LOCAL, "81/tcp", 4))
        run_all(self.attacker, f"ip addr add {LOCAL}/16 dev eth0",
                f"ip addr add {LOCAL6}/64 dev eth0 nodad")
        run_all(self.local, f"ip addr del {LOCAL}/16 dev eth0", f"ip addr del {LOCAL6}/64 dev eth0")
        self.web.netns_exec(["ip", "neigh", "flush", "dev", "eth0"])
        self.assert_denied(self.web, to, to6)
        netd.off()
        self.assert_open(self.web, to, to6)  # the control: that one answers on plain Docker
        run_all(self.attacker, f"ip addr del {LOCAL}/16 dev eth0",
                f"ip addr del {LOCAL6}/64 dev eth0")
        run_all(self.local, f"ip addr add {LOCAL}/16 dev eth0",
                f"ip addr add {LOCAL6}/64 dev eth0 nodad")

    # An address that moves

    def hold(self, holder: Container) -> None:
        """It has the address, on its interface, and says so."""
        for other in (*self.lb, self.attacker):
            for address in (f"{VIP}/32", f"{VIP6}/128"):
                other.netns_exec(["ip", "addr", "del", address, "dev", "eth0"], check=False)
        run_all(holder, f"ip addr add {VIP}/32 dev eth0", f"ip addr add {VIP6}/128 dev eth0 nodad")
        self.web.netns_exec(["ip", "neigh", "flush", "dev", "eth0"])

    def test_address_that_moves(self) -> None:
        vip, vip6 = Probe("tcp", VIP, 80), Probe("tcp", VIP6, 80)
        for holder in (*self.lb, self.attacker):
            self.hold(holder)
            self.assert_open(self.web, vip, vip6)
        netd = self.start_netd(CLOSED)
        self.hold(self.lb[0])
        self.assert_denied(self.web, vip, vip6)
        netd.apply(OPEN)
        for holder in (*self.lb, self.lb[0]):
            self.hold(holder)
            self.assert_open(self.web, vip, vip6)
            self.assert_denied(self.web, Probe("tcp", VIP, 81))
        self.hold(self.attacker)
        self.assert_denied(self.web, vip, vip6)
        self.assertTrue(netd.allowed("web", VIP, "80/tcp", 4))
        self.assertEqual(netd.stop(), 0)

    # Nobody else

    def floods(self) -> List[Tuple[str, Place, Sequence[str], str, str]]:
        """Who sends in the name of a client of the VPN: name, place, its route, target, port."""
        return [("neighbour", self.attacker,
                 ["ip addr replace 10.8.0.66/32 dev eth0",
                  "ip route replace 172.31.3.20 dev eth0 src 10.8.0.66"], "172.31.3.20", "9"),
                ("gateway", self.gw,
                 ["ip addr replace 10.8.0.66/32 dev lo",
                  "ip route replace 192.0.2.1 via 172.31.1.1 src 10.8.0.66"], "192.0.2.1", "8009"),
                ("outside", self.lab.outside,
                 ["ip addr replace 10.8.0.66/32 dev lo",
                  "ip route replace 192.0.2.1 dev wire0 src 10.8.0.66"], "192.0.2.1", "8009")]

    def arrive(self) -> List[str]:
        """Whose datagrams reach the server."""
        names = []
        for name, place, commands, target, port in self.floods():
            if name == "outside":
                wire = json.loads(place.netns_exec(["ip", "-j", "route", "get", "192.0.2.1"]))[0]["dev"]
                commands = [command.replace("wire0", wire) for command in commands]
            run_all(place, *commands)
            sink: Child = self.web.probe("sink", "udp", "9")
            sink.wait_for_line("^ready$")
            place.netns_exec([place.probe_path, "flood", "--count", "500", "--pause-us", "50", "udp",
                              target, port], check=False)
            names += [name] if int(sink.stop()[-1].split()[1]) else []
        return names

    def test_addresses_of_another_tier(self) -> None:
        self.assertEqual(self.arrive(), [name for name, *_ in self.floods()], "control")
        netd = self.start_netd(OPEN)
        got = self.arrive()
        figure("addresses that another tier speaks for, used by others", f"{len(self.floods())} "
               f"floods, through: {got or 'none'}")
        self.assertEqual(got, [])
        self.assertEqual(netd.stop(), 0)


if __name__ == "__main__":
    unittest.main()
