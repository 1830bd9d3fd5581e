# SPDX-License-Identifier: GPL-2.0-or-later
"""What netd says of flows and containers, by name: denied, only audited, logged on request."""
from __future__ import annotations

import re
import sys
import threading
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "adversarial"))

# pylint: disable=wrong-import-position
import packets
from netd import Container, DockerCase, Netd, Probe, wait_until

POLICY = """version: 1
tiers:
  web: {match: [{container: "web"}]}
  db:  {match: [{container: "db"}]}
allow:
  - {from: web, to: db, ports: [80/tcp], log: true}
deny:
  - {from: web, to: db, ports: [82/tcp], log: true}
"""
AUDIT = POLICY.replace("version: 1\n", "version: 1\nmode: audit\n")
WEB4, DB4 = "web (172.31.1.10, web)", "db (172.31.1.11, db)"
WEB6, DB6 = "web (fd00:31:1::10, web)", "db (fd00:31:1::11, db)"
# Binds NFLOG group 17, as ulogd would: NFULNL_MSG_CONFIG with NFULNL_CFG_CMD_BIND.
HOLDER = """
import signal, socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.bind((0, 0))
body = struct.pack("=BBH", 0, 0, socket.htons(17)) + struct.pack("=HHBxxx", 5, 1, 1)
s.send(struct.pack("=IHHII", 16 + len(body), 4 << 8 | 1, 5, 1, 0) + body)
assert struct.unpack_from("=i", s.recv(4096), 16) == (0,)
print("bound", flush=True)
signal.pause()
"""


class Log(DockerCase):
    """Two tiers on one network."""

    web: Container
    db: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        for name, last, publish in (("web", 10, ["8080:80"]), ("db", 11, [])):
            setattr(cls, name, host.run(name, "app", ip=f"172.31.1.{last}",
                                        ip6=f"fd00:31:1::{last}", publish=publish,
                                        cmd=["probe", "serve", "tcp/80", "tcp/81"]))

    def says(self, netd: Netd, text: str) -> None:
        """netd logs it, whole."""
        assert netd.child is not None
        netd.child.wait_for_line("^info: " + re.escape(text) + "$")

    def test_denied(self) -> None:
        netd = self.start_netd(POLICY)
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81),
                           Probe("udp", "fd00:31:1::11", 5353))
        self.says(netd, f"denied: {WEB4} -> {DB4}, 81/tcp: no rule allows it")
        self.says(netd, f"denied: {WEB6} -> {DB6}, 5353/udp: no rule allows it")
        self.assert_denied(self.web, Probe("tcp", "172.31.1.1", 9100))
        self.says(netd, f"denied: {WEB4} -> 172.31.1.1 (this host), 9100/tcp: no rule allows it")

    def test_a_client_that_tries_again_is_said_once(self) -> None:
        netd = self.start_netd(POLICY)
        for port in (81, 81, 81, 5000):
            self.assert_denied(self.web, Probe("tcp", "172.31.1.11", port))
        self.says(netd, f"denied: {WEB4} -> {DB4}, 5000/tcp: no rule allows it")
        self.assertEqual(1, netd.log().count(f"{DB4}, 81/tcp"))

    def test_only_audited(self) -> None:
        netd = self.start_netd(AUDIT)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 81))
        self.says(netd, f"would be denied: {WEB4} -> {DB4}, 81/tcp: no rule allows it")

    def test_logged_by_a_rule(self) -> None:
        netd = self.start_netd(POLICY)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.says(netd, f"allowed by policy.yaml:6: {WEB4} -> {DB4}, 80/tcp")
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 82))
        self.says(netd, f"denied by policy.yaml:8: {WEB4} -> {DB4}, 82/tcp")

    def test_a_noisy_neighbour(self) -> None:
        """A container of the same tier is denied some ten thousand times a second: what another one
        is denied is in the log, every bit of it, and the noise is not."""
        netd = self.start_netd(POLICY.replace('container: "web"', 'container: "*w*"'))
        noisy = self.container("wild", "app")
        netd.wait_synced()
        noise = [Probe("udp", "172.31.1.11", port) for port in range(20000, 22000)]
        done = threading.Event()

        def flood() -> None:
            while not done.is_set():
                noisy.probe_many(noise, 50)

        noisemaker = threading.Thread(target=flood)
        noisemaker.start()
        try:
            assert netd.child is not None
            netd.child.wait_for_line("wild .172.31.1.[0-9]*, web. -> ")
            wait_until("the noise to be over its limit", lambda: self.dropped() > 10000)
            quiet = [Probe(proto, addr, port) for port in range(7001, 7006)
                     for proto in ("tcp", "udp") for addr in ("172.31.1.11", "fd00:31:1::11")]
            self.web.probe_many(quiet, 300)
            wanted = {f"info: denied: {WEB4 if '.' in p.addr else WEB6} -> "
                      f"{DB4 if '.' in p.addr else DB6}, {p.port}/{p.proto}: no rule allows it" for p in quiet}
            wait_until("all that the quiet one was denied",
                       lambda: wanted <= set(netd.log().splitlines()))
        finally:
            done.set()
            noisemaker.join()
        self.assertLess(netd.log().count("denied: wild"), 500)
        # Whom the rules have counted is no change of the rules.
        self.assertIn("172.31.1.10", self.lab.host.netns_exec(
            ["nft", "list", "set", "inet", "netd", "logged4"]))
        self.assertEqual([], netd.ask("verify", admin=False)["drifts"])

    def dropped(self) -> int:
        """Packets that netd denied the tier of both."""
        text = self.lab.host.netns_exec(["nft", "list", "counters"])
        return sum(int(n) for n in re.findall(r"denied_\S+ {\s+packets (\d+)", text))

    def frame(self, source: str, to_mac: str, **options: str) -> str:
        """A datagram of web's, with an address or a MAC that may be another's, as a frame."""
        packet = packets.ip(source, "172.31.1.11", packets.UDP,
                            packets.udp(source, "172.31.1.11", 4000, 53, b"x"))
        return packets.ether(to_mac, options.get("mac", self.mac_of(self.web)), packets.IP,
                             packet).hex()

    def mac_of(self, container: Container) -> str:
        """As Docker tells it."""
        return str(container.inspect()["NetworkSettings"]["Networks"]["app"]["MacAddress"])

    def test_what_the_guard_drops(self) -> None:
        """By name, though the packet says otherwise; and counted under the same reasons."""
        netd = self.start_netd(POLICY)
        db = self.mac_of(self.db)
        vlan = bytes.fromhex(self.frame("172.31.1.10", db))
        frames = [self.frame("172.31.1.11", db), self.frame("10.9.8.7", db),
                  self.frame("172.31.1.10", db, mac="02:00:00:00:00:99"),
                  packets.tagged(vlan, vid=5).hex(),
                  packets.ether(db, self.mac_of(self.web), 0x88B5, b"x").hex()]
        for frame in frames:
            self.web.netns_exec([self.web.probe_path, "raw", "eth0", frame])
        spoofed = "the sender uses an address or MAC of somebody else"
        foreign = ("the sender uses an address that Docker did not give it, as a router or for a "
                   "second address: `speaks_for` of its tier would admit it")
        self.says(netd, f"denied: {WEB4} as 172.31.1.11 -> {DB4}, 53/udp: {spoofed}")
        self.says(netd, f"denied: {WEB4} as 10.9.8.7 -> {DB4}, 53/udp: {foreign}")
        self.says(netd, f"denied: {WEB4} -> {DB4}, 53/udp: the sender uses a MAC that Docker did not "
                  "give it")
        kind = "a kind of frame that containers do not send"
        self.says(netd, f"denied: {WEB4} -> {DB4}, VLAN-tagged 53/udp: {kind}")
        self.says(netd, f"denied: {WEB4} -> {db}, ethertype 0x88b5: {kind}")
        denied = netd.status()["denied"]
        self.assertEqual({"spoofed": 1, "foreign-source": 1, "foreign-mac": 1, "frame": 2},
                         {reason: n for reason, n in denied.items()
                          if reason not in ("no-rule", "group")})

    def test_from_outside_with_its_zone(self) -> None:
        """A rule that speaks of another zone is why it is denied. (By a published port: what goes
        straight to a container Docker itself drops from 28 on, before netd sees it.)"""
        policy = POLICY.replace("deny:", "  - {from: lan, to: web, ports: [80/tcp]}\ndeny:")
        netd = self.start_netd(policy)
        self.assert_denied(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
        self.says(netd, f"denied: 192.0.2.9 (zone internet) -> {WEB4}, 80/tcp: no rule allows it")
        self.assert_denied(self.web, Probe("tcp", "10.231.9.2", 443))
        self.says(netd, f"denied: {WEB4} -> 10.231.9.2 (zone lan), 443/tcp: no rule allows it")

    def test_what_every_kernel_sends_is_no_denial(self) -> None:
        """Containers with IPv6 come, their kernels look for routers and duplicates, and nothing is
        said or counted as denied. The control: it was seen."""
        netd = self.start_netd(POLICY)
        stray, _ = [self.container(name, "app", cmd=["probe", "serve", "tcp/80"])
                    for name in ("web-a", "web-b")]
        netd.wait_synced()
        self.web.netns_exec(["sh", "-euc", "ip link set eth0 down; ip link set eth0 up; "
                             "ip -6 address replace fd00:31:1::10/64 dev eth0 nodad"])
        wait_until("router solicitations", lambda: netd.status()["quiet"].get("noise", 0) > 3)
        self.announced(netd, stray)
        others = [line for line in netd.log().splitlines()  # before Docker was read all is closed
                  if " as " not in line and "not admitted yet" not in line]
        self.assertNotRegex("\n".join(others), "denied: .*(icmpv6|arp)")
        self.assertEqual({}, {reason: n for reason, n in netd.status()["denied"].items()
                              if reason not in ("not-admitted", "unmatched", "unknown-port")})

    def announced(self, netd: Netd, stray: Container) -> None:
        """What Docker does for a container from 28 on, done for one that is closed; what the same
        container says of another's address comes behind it, and is logged."""
        name, settings = stray.name, stray.inspect()["NetworkSettings"]["Networks"]["app"]
        own4, own6, mac = settings["IPAddress"], settings["GlobalIPv6Address"], settings["MacAddress"]
        for four, six in ((own4, own6), ("172.31.1.11", "fd00:31:1::11")):
            frames = [packets.arp(packets.BROADCAST, mac, 1, (mac, four), (packets.NOBODY, four)),
                      packets.ether("33:33:00:00:00:01", mac, packets.IP6,
                                    packets.neighbour(six, "ff02::1", packets.ADVERT, six))]
            for frame in frames:
                stray.netns_exec([stray.probe_path, "raw", "eth0", frame.hex()])
        unmatched = "no tier matches the container"
        self.says(netd, f"denied: {name} ({own4}, unmatched) as 172.31.1.11 -> {DB4}, arp: {unmatched}")
        self.says(netd, f"denied: {name} ({own4}, unmatched) as fd00:31:1::11 -> ff02::1 (no zone), "
                  f"icmpv6: {unmatched}")

    def test_another_program_reads_the_group(self) -> None:
        """Enforced all the same, and said."""
        holder = self.lab.host.spawn([sys.executable, "-c", HOLDER])
        self.addCleanup(holder.stop)
        holder.wait_for_line("^bound$")
        netd = self.start_netd(POLICY)
        self.assertRegex(netd.log(), "warning: NFLOG group 17 cannot be read .another program")
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81))
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))

    def test_a_container_that_no_tier_matches(self) -> None:
        netd = self.start_netd(POLICY)
        assert netd.child is not None
        self.container("stray", "app")
        netd.child.wait_for_line("^warning: no tier matches container stray on app: it is denied "
                                 "everything$")
        netd.reload()
        self.assertEqual(1, netd.log().count("no tier matches container stray"))


if __name__ == "__main__":
    unittest.main()
