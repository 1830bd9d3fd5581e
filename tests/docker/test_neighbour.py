# SPDX-License-Identifier: GPL-2.0-or-later
"""A good neighbour (G9): netd writes to its own tables only, everybody's tools keep working,
and what others do to its tables opens nothing (G8)."""
from __future__ import annotations

import json
import re
import unittest

from netd import Container, DockerCase, HostOptions, Netd, Probe, figure, wait_until

POLICY = """version: 1
tiers:
  frontend: {match: [{label: {role: client}}]}
  backend: {match: [{label: {role: server}}], within: deny}
allow:
  - {from: frontend, to: backend, ports: [80/tcp, 443/tcp]}
  - {from: frontend, to: internet, ports: [443/tcp]}
  - {from: internet, to: backend, ports: [81/tcp]}
"""
RULE_LINES = (6, 7, 8)  # of POLICY, counted from 1
ALLOWED = (Probe("tcp", "172.31.1.11", 80), Probe("tcp", "fd00:31:1::11", 80),
           Probe("tcp", "203.0.113.10", 443))
DENIED = (Probe("tcp", "172.31.1.10", 80), Probe("tcp", "fd00:31:1::10", 80),
          Probe("tcp", "203.0.113.10", 443), Probe("tcp", "172.31.1.1", 9100))
# What ufw leaves in the kernel, in short: chains of its own, in tables that are shared.
UFW = """*filter
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-user-input -p tcp --dport 9100 -j ACCEPT
-A ufw-user-input -p tcp --dport 9101 -j DROP
COMMIT
"""
ADMIN = """table inet admin {
    chain input {
        type filter hook input priority 0; policy accept;
        tcp dport 9102 counter drop
    }
}
"""


class Neighbour(DockerCase):
    """A client and a server, and what else is on the host."""

    options = HostOptions(ip6tables=True)
    client: Container
    server: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        cls.client = host.run("client", "app", ip="172.31.1.10", ip6="fd00:31:1::10",
                              labels={"role": "client"})
        cls.server = host.run("server", "app", ip="172.31.1.11", ip6="fd00:31:1::11",
                              labels={"role": "server"}, publish=["8080:80", "8081:81"],
                              cmd=["probe", "serve", "tcp/80", "tcp/81"])
        host.serve("tcp/9100", "tcp/9101", "tcp/9102", "tcp/9103")
        cls.lab.outside.serve("tcp/443")

    def check_policy(self) -> None:
        """What POLICY says, with packets."""
        self.assert_open(self.client, *ALLOWED)
        self.assert_denied(self.server, *DENIED)
        self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8081))
        self.assert_denied(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))

    def nft(self, *args: str, stdin: str = "", check: bool = True) -> str:
        """The nft command on the host."""
        return self.lab.host.netns_exec(["nft", *args], stdin=stdin, check=check)

    def others(self) -> str:
        """Everything that is not netd's, without counters."""
        tables = [line for line in self.nft("list", "tables").splitlines()
                  if not line.endswith(" netd")]
        text = "".join(self.nft("list", *table.split()) for table in tables)
        text += self.lab.host.netns_exec(["iptables-save"])
        return re.sub(r"(packets|bytes) \d+|\[\d+:\d+\]|^#.*$", "", text, flags=re.M)

    # Reading

    def test_the_tools_keep_printing(self) -> None:
        host = self.lab.host
        before = self.others()
        netd = self.start_netd(POLICY)
        ruleset = self.nft("list", "ruleset")
        self.assertIn("table inet netd", ruleset)
        self.assertIn("table ip nat", ruleset)
        for argv in (["iptables", "-S"], ["iptables", "-t", "nat", "-S"], ["ip6tables", "-S"],
                     ["iptables-save"], ["ip6tables-save"], ["iptables", "-vnL"]):
            text = host.netns_exec(argv)
            self.assertNotIn("netd", text, argv)
            self.assertNotIn("incompatible", text, argv)
        self.assertIn("DOCKER", host.netns_exec(["iptables", "-S"]))
        json.loads(self.nft("-j", "list", "ruleset"))
        self.assertEqual(self.others(), before)
        self.assertEqual(netd.stop(), 0)
        self.assertEqual(self.others(), before)

    def test_the_listing_is_readable(self) -> None:
        """It names tiers and policy lines."""
        self.start_netd(POLICY)
        text = self.nft("list", "table", "inet", "netd")
        for name in ("chain to.backend", "chain from.frontend", "set frontend.4", "set backend.6",
                     *(f'comment "policy.yaml:{line}"' for line in RULE_LINES)):
            self.assertIn(name, text)

    def test_nft_reads_back_what_it_lists(self) -> None:
        self.start_netd(POLICY)
        text, bridge = (self.nft("list", "table", family, "netd") for family in ("inet", "bridge"))
        odd = [line.strip() for line in (text + bridge).splitlines() if "[invalid" in line]
        self.assertEqual([], odd)
        plain = re.sub(r"\tflags owner.*\n|# progname.*", "", text + bridge)
        self.nft("-c", "-f", "-", stdin=plain.replace(" netd {", " netd_read_back {"))

    # Others beside it

    def test_ufw_and_an_admin_beside_it(self) -> None:
        host = self.lab.host
        host.netns_exec(["iptables-restore", "--noflush"], stdin=UFW)
        self.addCleanup(host.netns_exec, ["sh", "-c", "iptables -D INPUT -j ufw-before-input;"
                                          "iptables -F ufw-before-input;"
                                          "iptables -F ufw-user-input;"
                                          "iptables -X ufw-before-input;"
                                          "iptables -X ufw-user-input"])
        self.nft("-f", "-", stdin=ADMIN)
        self.addCleanup(self.nft, "delete", "table", "inet", "admin")
        netd = self.start_netd(POLICY)
        before = self.others()
        open_ports = [Probe("tcp", "192.0.2.1", port) for port in (9100, 9103)]
        closed = [Probe("tcp", "192.0.2.1", port) for port in (9101, 9102)]
        self.check_policy()
        self.assert_open(self.lab.outside, *open_ports)
        self.assert_denied(self.lab.outside, *closed)
        host.netns_exec(["iptables", "-I", "ufw-user-input", "-p", "tcp", "--dport", "9103", "-j",
                         "DROP"])
        self.assert_denied(self.lab.outside, open_ports[1])
        host.netns_exec(["iptables", "-D", "ufw-user-input", "-p", "tcp", "--dport", "9103", "-j",
                         "DROP"])
        netd.apply(POLICY.replace("81/tcp", "82/tcp"))
        netd.apply(POLICY)
        self.check_policy()
        self.assertEqual(self.others(), before)

    def test_an_accept_elsewhere_opens_nothing(self) -> None:
        """Neither the admin's accept nor Docker's, before or after ours."""
        self.start_netd(POLICY)
        hooks = "\n".join(
            f"chain {hook}{number} {{ type filter hook {hook} priority {priority}; accept; }}"
            for hook in ("prerouting", "input", "forward", "output")
            for number, priority in enumerate((-400, -200, 0, 100)))
        self.nft("-f", "-", stdin=f"table inet generous {{\n{hooks}\n}}\n")
        self.addCleanup(self.nft, "delete", "table", "inet", "generous")
        self.lab.host.netns_exec(["iptables", "-I", "DOCKER-USER", "-j", "ACCEPT"])
        self.addCleanup(self.lab.host.netns_exec,
                        ["iptables", "-D", "DOCKER-USER", "-j", "ACCEPT"])
        self.check_policy()

    # Others against it

    def owned(self) -> bool:
        """Whether this kernel lets netd own its tables."""
        return "flags owner" in self.nft("list", "table", "inet", "netd")

    def restart_docker(self) -> None:
        """Docker writes its own rules anew."""
        self.lab.host.restart_dockerd()
        for container in (self.client, self.server):
            container.start()

    def test_policy_routing_by_connection_marks(self) -> None:
        """Two uplinks, as the classic recipes have it: a reply leaves where its connection came in,
        by a mark that is saved and restored whole."""
        host, office = self.lab.host, self.lab.office  # type: ignore[attr-defined]
        client = "198.51.100.77"  # is behind the second uplink alone; the default route is the first
        marks = ("PREROUTING -j CONNMARK --restore-mark",
                 "PREROUTING -m mark ! --mark 0 -j ACCEPT",
                 "PREROUTING -i lan0 -j MARK --set-mark 0xfff00002",
                 "PREROUTING -i ext0 -j MARK --set-mark 0xfff00001",
                 "PREROUTING -j CONNMARK --save-mark")
        bridge = json.loads(host.netns_exec(["ip", "-json", "route", "get", "172.31.1.11"]))[0]["dev"]
        setup = ("ip route add default via 10.231.9.2 table 200",
                 f"ip route add 172.31.1.0/24 dev {bridge} table 200",
                 "ip rule add fwmark 0xfff00002 table 200",
                 *(f"sysctl -qw net.ipv4.conf.{name}.rp_filter=0"
                   for name in ("all", "default", "lan0", "ext0")),
                 *(f"iptables -t mangle -A {rule}" for rule in marks))
        office.netns_exec(["ip", "address", "add", f"{client}/32", "dev", "eth0"])
        host.netns_exec(["sh", "-ec", "\n".join(setup)])
        try:
            probe = Probe("tcp", "10.231.9.1", 8081)

            def answered() -> str:
                return office.probe_many([probe], 1500, source=client)[probe].state

            self.assertEqual("open", answered(), "the control: without netd")
            self.start_netd(POLICY)
            self.assertEqual("open", answered())
            self.check_policy()
        finally:
            host.netns_exec(["iptables", "-t", "mangle", "-F", "PREROUTING"])
            host.netns_exec(["ip", "rule", "del", "fwmark", "0xfff00002", "table", "200"])
            office.netns_exec(["ip", "address", "del", f"{client}/32", "dev", "eth0"])

    def test_flush_ruleset(self) -> None:
        netd = self.start_netd(POLICY)
        self.addCleanup(self.restart_docker)
        self.nft("flush", "ruleset")
        if self.owned():
            self.assertNotIn("table ip nat", self.nft("list", "ruleset"), "the flush did flush")
        else:
            wait_until("netd to write its tables again",
                       lambda: "netd" in self.nft("list", "tables"))
        self.assert_open(self.client, *ALLOWED[:2])
        self.assert_denied(self.server, *DENIED)
        for addr in ("192.0.2.1", "2001:db8:1::1"):
            self.assert_denied(self.lab.outside, Probe("tcp", addr, 8080))
        self.assertEqual(netd.stop(), 0)

    def test_flush_of_iptables(self) -> None:
        """Without Docker's own isolation and DNAT."""
        self.start_netd(POLICY)
        self.addCleanup(self.restart_docker)
        for table in ("filter", "nat"):
            self.lab.host.netns_exec(["iptables", "-t", table, "-F"])
        self.lab.host.netns_exec(["iptables", "-P", "FORWARD", "ACCEPT"])  # or Docker's DROP holds
        self.assert_open(self.client, *ALLOWED[:2])
        self.assert_denied(self.server, *DENIED)
        self.assert_denied(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
        self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8081))  # by docker-proxy

    def test_what_others_do_to_its_tables(self) -> None:
        """Refused where the tables are owned, put back elsewhere."""
        netd = self.start_netd(POLICY)
        attacks = ("delete table inet netd", "delete table bridge netd", "flush table inet netd",
                   "flush chain inet netd forward", "insert rule inet netd forward accept",
                   "flush set inet netd bridges", "add table inet netd { flags dormant; }")
        refused = 0
        for attack in attacks:
            with self.subTest(attack):
                drifts = netd.status()["drifts"]
                self.nft("-f", "-", stdin=attack + "\n", check=False)
                if self.owned():
                    refused += 1
                    self.assertEqual(netd.status()["drifts"], drifts)
                else:
                    wait_until("the drift to be seen",
                               lambda drifts=drifts: netd.status()["drifts"] > drifts)
                self.check_policy()
        figure("changes of netd's tables by others", f"{refused} of {len(attacks)} refused")

    def test_orphaned_tables(self) -> None:
        """While netd is dead its tables are nobody's: what was done to them is put right."""
        netd = self.start_netd(POLICY)
        for attack in ("insert rule inet netd forward accept", "flush table bridge netd",
                       "delete table inet netd"):
            with self.subTest(attack):
                netd.kill9()
                self.nft("-f", "-", stdin=attack + "\n")
                netd.start().wait_synced()
                self.check_policy()

    def test_stop_leaves_the_rules(self) -> None:
        netd = self.start_netd(POLICY)
        self.assertEqual(netd.stop(), 0)
        self.assertRegex(netd.log(), "the rules stay in force")
        self.check_policy()
        again = Netd(self.lab.host, POLICY)
        again.start().wait_synced()
        self.check_policy()
        self.assertEqual(again.stop(), 0)


if __name__ == "__main__":
    unittest.main()
