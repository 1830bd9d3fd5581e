# SPDX-License-Identifier: GPL-2.0-or-later
"""Revocation at once (G5): with the commit that denies it, an established flow stops in
both directions; what stays allowed neither stalls nor resets."""
from __future__ import annotations

import time
import unittest
from datetime import datetime, timedelta, timezone
from typing import List

from flows import Compared, Download, Flow, check_stopped, now_ms, wait_silence
from netd import Container, DockerCase, HostOptions, Netd, Probe, figure, wait_until

TIERS = """version: 1
tiers:
  client: {match: [{label: {role: client}}]}
  server: {match: [{label: {role: server}}]}
"""
ALL = TIERS + """allow:
  - {from: client, to: [server, host, internet]}
  - {from: world, to: server}
"""
# The download stays allowed, everything else is taken away.
DOWNLOAD_ONLY = TIERS + "allow:\n  - {from: client, to: internet, ports: [5001/tcp]}\n"


class Revoke(DockerCase):
    """One network with a client and a server, a second one, and the world."""

    options = HostOptions(lenient=True)
    client: Container
    server: Container
    far: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        host.network("far", "172.31.2.0/24", "fd00:31:2::/64")
        publish = [f"{10000 + port}:{port}/{proto}" for port in (7006, 7007, 7008)
                   for proto in ("tcp", "udp")]
        cls.client = host.run("client", "app", ip="172.31.1.10", ip6="fd00:31:1::10",
                              labels={"role": "client"})
        cls.server = host.run("server", "app", ip="172.31.1.11", ip6="fd00:31:1::11",
                              labels={"role": "server"}, publish=publish)
        cls.far = host.run("far", "far", ip="172.31.2.10", ip6="fd00:31:2::10",
                           labels={"role": "server"})
        cls.lab.outside.probe("stream", "serve", "5001").wait_for_line("ready")

    def flows(self) -> List[Flow]:
        """One of each kind and protocol, alive."""
        host, outside = self.lab.host, self.lab.outside
        kinds = [("on one bridge, IPv4", self.client, "172.31.1.11", 7000, self.server, 7000),
                 ("on one bridge, IPv6", self.client, "fd00:31:1::11", 7001, self.server, 7001),
                 ("routed, IPv6", self.client, "fd00:31:2::10", 7002, self.far, 7002),
                 ("to the host, IPv4", self.client, "172.31.1.1", 7003, host, 7003),
                 ("to the host, IPv6", self.client, "fd00:31:1::1", 7013, host, 7013),
                 ("masqueraded", self.client, "192.0.2.9", 7004, outside, 7004),
                 ("outgoing, IPv6", self.client, "2001:db8:1::9", 7005, outside, 7005),
                 ("published, DNAT", outside, "192.0.2.1", 17006, self.server, 7006),
                 ("published, docker-proxy", outside, "2001:db8:1::1", 17007, self.server, 7007),
                 ("published, from a container", self.client, "172.31.1.1", 17008, self.server,
                  7008)]
        flows = []
        for name, source, addr, port, server, server_port in kinds:
            for proto in ("tcp", "udp"):
                flow = Flow(name, proto, source, addr, port, server, server_port)
                self.addCleanup(flow.stop)
                flows.append(flow)
        for flow in flows:
            flow.wait_alive()
        return flows

    # Both directions

    def check_revoked_by(self, policy: str) -> None:
        netd = self.start_netd(ALL)
        flows = self.flows()
        netd.apply(policy)
        latest = check_stopped(flows, now_ms())
        figure("revocation", f"{len(flows)} flows, {2 * len(flows)} directions stopped; the latest piece that arrived "
               f"was sent {latest:.0f} ms after the commit")
        netd.apply(ALL)  # the control: the same connections move on
        for flow in flows:
            flow.wait_alive()
        self.assertEqual(netd.stop(), 0)

    def test_a_rule_is_taken_away(self) -> None:
        self.check_revoked_by(TIERS)

    def test_a_guard_rail_is_added(self) -> None:
        self.check_revoked_by(ALL + "deny:\n  - {from: client, to: [server, host, world]}\n"
                              "  - {from: world, to: server}\n")

    def track_ipv6(self) -> None:
        """As ufw, firewalld or Docker's ip6tables do: without any rule that asks for the state
        of IPv6 connections, the kernel has none, and cannot say later who began one."""
        chains = "".join(f"chain {hook} {{ type filter hook {hook} priority 0; ct state new; }}\n"
                         for hook in ("prerouting", "output"))
        self.lab.host.netns_exec(["nft", "-f", "-"], stdin=f"table ip6 tracking {{\n{chains}}}\n")
        self.addCleanup(self.lab.host.netns_exec, ["nft", "delete", "table", "ip6", "tracking"])

    def test_flows_from_before_netd(self) -> None:
        """netd's first commit on a host in production: the same, without a policy change."""
        self.track_ipv6()
        flows = self.flows()
        netd = self.start_netd(TIERS)
        # Until Docker was read the host reaches no container: what docker-proxy had taken before
        # netd came waits in the kernel, which sends it once more some time later.
        proxied = [f"published, {way} tcp to the server" for way in ("docker-proxy", "from a container")]
        check_stopped(flows, now_ms(), proxied)
        netd.apply(ALL)
        for flow in flows:
            flow.wait_alive()

    def test_flows_from_before_netd_that_are_allowed(self) -> None:
        self.track_ipv6()
        flows = self.flows()
        download = Download(self.client, "203.0.113.10")
        self.start_netd(ALL)
        for flow in flows:
            flow.wait_alive()
        download.run_on(5)
        figure("download through netd's first start", f"longest gap {download.stop()} ms")

    # What stays allowed

    def test_a_download_runs_through_ten_changes(self) -> None:
        netd = self.start_netd(ALL)
        flow = Flow("on one bridge", "tcp", self.client, "172.31.1.11", 7000, self.server)
        self.addCleanup(flow.stop)
        download = Compared(self.client, self.lab.outside, "203.0.113.10")
        took = []
        for change in range(10):
            flow.wait_alive()
            begin = now_ms()
            netd.apply(DOWNLOAD_ONLY if change % 2 == 0 else ALL)
            took.append(now_ms() - begin)
            download.run_on(2)
            if change % 2 == 0:
                wait_silence(flow, silence_ms=200)
                netd.apply(ALL)
        figure("download through ten policy changes", f"{download.stop()}; an apply took "
               f"{sorted(took)[len(took) // 2]:.1f} ms, {max(took):.1f} at most")

    def test_three_hundred_changes(self) -> None:
        """Nothing that was stopped comes back to life, nothing that is allowed stalls."""
        netd = self.start_netd(ALL)
        flow = Flow("on one bridge", "udp", self.client, "172.31.1.11", 7000, self.server)
        self.addCleanup(flow.stop)
        flow.wait_alive()
        download = Compared(self.client, self.lab.outside, "203.0.113.10")
        policies = (DOWNLOAD_ONLY, DOWNLOAD_ONLY.replace("5001/tcp", "5001/tcp, 9/udp"))
        netd.apply(policies[0])
        begin = now_ms()
        for change in range(1, 300):
            netd.apply(policies[change % 2])
        check_stopped([flow], begin)
        download.run_on(2)
        figure("300 changes", f"a download: {download.stop()}; {(now_ms() - begin) / 299:.1f} ms each")
        netd.apply(ALL)
        flow.wait_alive()

    # By time

    def test_until(self) -> None:
        netd = self.start_netd(ALL)
        flow = Flow("on one bridge", "tcp", self.client, "172.31.1.11", 7000, self.server)
        self.addCleanup(flow.stop)
        flow.wait_alive()
        end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=4)
        text = end.strftime("%Y-%m-%dT%H:%M:%SZ")
        netd.apply(f"{TIERS}allow:\n  - {{from: client, to: server, until: {text}}}\n")
        flow.wait_alive()
        end_ms = now_ms() + (end.timestamp() - time.time()) * 1000
        wait_silence(flow, timeout=10)
        last = max(flow.last_sent_ms(child) for child in flow.ends().values()) - end_ms
        figure("until", f"the last piece was sent {last:+.0f} ms from the time in the rule")
        self.assertTrue(-500 < last < 1100, last)
        self.assert_denied(self.client, Probe("tcp", "172.31.1.11", 80))

    def test_a_change_that_is_not_confirmed(self) -> None:
        netd = self.start_netd(ALL)
        probe = Probe("tcp", "172.31.1.11", 80)
        flow = Flow("on one bridge", "tcp", self.client, "172.31.1.11", 7000, self.server)
        self.addCleanup(flow.stop)
        flow.wait_alive()
        for confirm_s in (5, 20):  # a slow machine needs longer to ask within it
            self.assertTrue(netd.apply(TIERS, confirm_s=confirm_s)["confirm_pending"])
            state = self.states(self.client, probe)
            in_time = netd.status()["confirm_until"] is not None
            wait_until("the time to pass", lambda: netd.status()["confirm_until"] is None, confirm_s + 15)
            if in_time:
                break
        self.assertTrue(in_time, "too slow: the time had passed before")
        self.assertEqual(state, ["timeout"])
        self.assert_open(self.client, probe)
        flow.wait_alive()
        self.assertEqual(netd.allowed("172.31.1.10", "172.31.1.11", "80/tcp", 4), True,
                         netd.explain("172.31.1.10", "172.31.1.11", "80/tcp"))

    def test_a_change_that_is_confirmed(self) -> None:
        netd = self.start_netd(ALL)
        netd.apply(TIERS, confirm_s=5)
        self.assertFalse(netd.ask("confirm")["confirm_pending"])
        generation = netd.generation
        with self.assertRaises(Exception):
            netd.wait_generation(generation, timeout=5.5)
        self.assert_denied(self.client, Probe("tcp", "172.31.1.11", 80))

    def test_an_apply_outlives_the_daemon(self) -> None:
        netd: Netd = self.start_netd(ALL)
        netd.apply(TIERS)
        netd.kill9()
        netd.start().wait_synced()
        self.assert_denied(self.client, Probe("tcp", "172.31.1.11", 80))


if __name__ == "__main__":
    unittest.main()
