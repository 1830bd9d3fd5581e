# SPDX-License-Identifier: GPL-2.0-or-later
"""What is not Docker's on a Docker host stays as it was (G8, G9): virtual machines and uplinks, on
bridges of their own, and on one that Docker uses as well. Its containers are judged all the same."""
from __future__ import annotations

import json
import subprocess
import unittest
from typing import List, Sequence, Tuple

from netd import Container, DockerCase, Probe, figure
from host import NEIGHBOUR_SETUP
from place import Namespace, Place
from truth import check, flow, measure, summary, verdicts

POLICY = """version: 1
tiers:
  web: {match: [{label: {role: web}}]}
  db: {match: [{label: {role: db}}]}
allow:
  - {from: web, to: db, ports: [80/tcp]}
"""
SERVE = ("probe", "serve", "--log", "tcp/80", "tcp/81")


class Shared(DockerCase):
    """A host with machines on br0."""

    vms: List[Namespace]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.netns_exec(["sh", "-euc", "ip link add br0 address 02:00:00:00:00:01 type bridge; "
                                       "ip link set br0 up; "
                                       "ip address add 192.168.122.1/24 dev br0"])
        cls.vms = []
        for number in (1, 2):
            vm = Namespace(f"vm{number}", cls.lab.folder / f"vm{number}", cls.lab.probe,
                           cls.lab.ports, NEIGHBOUR_SETUP)
            cls.lab.places.append(vm)
            cls.vms.append(vm)
            subprocess.run(["nsenter", "-t", str(host.pid), "-n", "ip", "link", "add",
                            f"vnet{number}", "type", "veth", "peer", "name", "eth0", "netns",
                            str(vm.pid)], check=True)
            host.netns_exec(["ip", "link", "set", f"vnet{number}", "master", "br0", "up"])
            vm.netns_exec(["sh", "-euc", f"ip address add 192.168.122.{10 + number}/24 dev eth0; "
                           "ip link set eth0 up; ip route add default via 192.168.122.1"])
            vm.serve("tcp/80")
        host.serve("tcp/22")
        cls.lab.office.serve("tcp/80")

    def switch_off_for_the_host(self) -> None:
        """As libvirt's documentation tells an admin."""
        for call in ("iptables", "ip6tables", "arptables"):
            self.lab.host.sysctl(f"bridge/bridge-nf-call-{call}", "0")
            self.addCleanup(self.lab.host.sysctl, f"bridge/bridge-nf-call-{call}", "1")

    def check_machines(self) -> None:
        """They, the host and the networks around reach each other."""
        to_vms = [Probe("tcp", f"192.168.122.{number}", 80) for number in (11, 12)]
        self.assert_open(self.vms[0], to_vms[1], Probe("tcp", "192.168.122.1", 22))
        self.assert_open(self.lab.host, *to_vms)

    def test_machines_on_another_bridge(self) -> None:
        """Tiers on one network are told apart, and the machines' frames pass no packet filter."""
        host = self.lab.host
        host.network("app", "172.31.1.0/24")
        self.addCleanup(host.docker, "network", "rm", "app")
        web, db, other = (self.container(name, "app", labels={"role": role}, cmd=SERVE)
                          for name, role in (("web", "web"), ("db", "db"), ("other", "db")))
        self.switch_off_for_the_host()
        self.check_machines()
        self.assert_open(db, Probe("tcp", web.address("app"), 80))  # the control
        self.start_netd(POLICY)
        self.check_machines()
        self.assert_open(web, Probe("tcp", db.address("app"), 80))
        self.assert_denied(web, Probe("tcp", db.address("app"), 81))
        self.assert_denied(db, Probe("tcp", web.address("app"), 80))
        self.assertTrue(other)
        value = host.netns_exec(["cat", "/proc/sys/net/bridge/bridge-nf-call-iptables"])
        self.assertEqual("0", value.strip())

    def plug_in_docker(self) -> List[Container]:
        """Docker has a network on br0, too: a web server, a database, and one of no tier."""
        host = self.lab.host
        host.docker("network", "create", "--subnet=192.168.122.0/24", "--gateway=192.168.122.1",
                    "--ip-range=192.168.122.128/25", "--opt=com.docker.network.bridge.name=br0",
                    "machines")
        self.addCleanup(self.unplug_docker)
        return [self.container(name, "machines", labels={"role": name}, cmd=SERVE)
                for name in ("web", "db", "stray")]

    def unplug_docker(self) -> None:
        """Docker takes the address from the bridge that it was lent."""
        host = self.lab.host
        host.docker("network", "rm", "machines")
        host.netns_exec(["sh", "-c", "ip link show br0 || exit 0; ip link set br0 up; "
                                     "ip address replace 192.168.122.1/24 dev br0"])

    def check_containers(self, web: Container, db: Container, stray: Container) -> None:
        """Nobody reaches them, and they reach nobody, but for what the policy says."""
        addresses = {one.name: one.address("machines") for one in (web, db, stray)}
        for name, address in addresses.items():
            self.assert_denied(self.vms[0], Probe("tcp", address, 80))
            self.assertTrue(name)
        for one in (web, db, stray):
            self.assert_denied(one, Probe("tcp", "192.168.122.11", 80),
                               Probe("tcp", "192.168.122.1", 22), Probe("tcp", "10.231.9.2", 80))
        self.assert_denied(db, Probe("tcp", addresses["web"], 80))
        self.assert_denied(stray, Probe("tcp", addresses["db"], 80))

    def test_a_bridge_that_docker_uses_as_well(self) -> None:
        for mode in ("enforce", "audit"):
            with self.subTest(mode):
                web, db, stray = self.plug_in_docker()
                self.check_machines()
                self.assert_open(self.vms[0], Probe("tcp", web.address("machines"), 80))
                self.assert_open(stray, Probe("tcp", "192.168.122.11", 80),
                                 Probe("tcp", "192.168.122.1", 22))
                netd = self.start_netd(f"mode: {mode}\n{POLICY}")
                self.assertIn("bridge br0 also has ports that are not Docker's", netd.log())
                self.assertIn({"name": "br0", "whose": "managed", "closed": False, "shared": True},
                              netd.status()["bridges"])
                self.check_machines()
                if mode == "enforce":
                    self.check_containers(web, db, stray)
                    self.assert_open(web, Probe("tcp", db.address("machines"), 80))
                else:
                    self.assert_open(stray, Probe("tcp", "192.168.122.11", 80),
                                     Probe("tcp", "192.168.122.1", 22),
                                     Probe("tcp", web.address("machines"), 80))
                    self.assert_open(self.vms[0], Probe("tcp", web.address("machines"), 80))
                    self.assertEqual(0, netd.status()["denied_packets"])
                netd.off()
                self.doCleanups()

    def check_table(self, name: str, ends: Sequence[Tuple[Place, str]], *others: str) -> None:
        """Of every pair explain and packets agree; the same packets without netd are the control."""
        flows = [flow(place, to, port, to, origin=address, bind=address) for place, address in ends
                 for to in (*(there for _, there in ends), *others) if to != address
                 for port in ("80/tcp", "81/tcp")]
        plain = measure(flows)
        netd = self.start_netd(POLICY)
        said, got = verdicts(netd, flows), measure(flows)
        missed = [one for one in flows if said[one].allowed and plain[one] and not got[one]]
        got.update(measure(missed, 3000))  # a busy machine is no denial
        # What answers nobody without netd either says nothing about it.
        wrong = check(plain, got, {one: said[one] for one in flows if plain[one]})
        figure(f"truth table of {name}", summary(plain, got))
        self.assertEqual("", "\n".join(wrong), f"{len(wrong)} of {len(flows)} cells")
        self.assertGreater(sum(plain[one] and not got[one] for one in flows), 4)
        self.assertGreater(sum(got.values()), 0)
        netd.off()

    def test_explain_on_a_bridge_that_others_share(self) -> None:
        ends = [(one, one.address("machines")) for one in self.plug_in_docker()] + \
               [(vm, f"192.168.122.{number}") for number, vm in enumerate(self.vms, 11)]
        self.check_table("a bridge with machines and Docker on it", ends, "192.168.122.1",
                         "10.231.9.2")

    def test_explain_on_a_bridge_of_dockers_with_a_tap(self) -> None:
        """One port that is not called as an engine's makes it a bridge that others share."""
        host = self.lab.host
        bridge = host.network("app", "172.31.1.0/24")
        self.addCleanup(host.docker, "network", "rm", "app")
        containers = [self.container(name, "app", labels={"role": name}, cmd=SERVE)
                      for name in ("web", "db", "stray")]
        host.netns_exec(["sh", "-euc", f"ip link set vnet2 master {bridge}"])
        self.addCleanup(host.netns_exec, ["ip", "link", "set", "vnet2", "master", "br0"])
        vm = self.vms[1]
        vm.netns_exec(["ip", "address", "add", "172.31.1.200/24", "dev", "eth0"])
        self.addCleanup(vm.netns_exec, ["ip", "address", "del", "172.31.1.200/24", "dev", "eth0"])
        ends = [(one, one.address("app")) for one in containers] + [(vm, "172.31.1.200")]
        self.check_table("a bridge of Docker's with a tap", ends, "172.31.1.1", "10.231.9.2")

    def test_explain_where_a_port_was_renamed(self) -> None:
        """An admin gave a container's own port another name than the engine did."""
        host = self.lab.host
        host.network("app", "172.31.1.0/24")
        self.addCleanup(host.docker, "network", "rm", "app")
        containers = [self.container(name, "app", labels={"role": name}, cmd=SERVE)
                      for name in ("web", "db", "stray")]
        link = json.loads(containers[0].netns_exec(["ip", "-j", "link", "show", "eth0"]))[0]
        port = [one["ifname"] for one in json.loads(host.netns_exec(["ip", "-j", "link"]))
                if one["ifindex"] == link["link_index"]][0]
        host.netns_exec(["sh", "-euc", f"ip link set {port} down; ip link set {port} name cable0 up"])
        ends = [(one, one.address("app")) for one in containers]
        self.check_table("a bridge with a port that was renamed", ends, "172.31.1.1", "10.231.9.2")

    def test_a_container_that_netd_has_not_seen(self) -> None:
        """Its port is in no set yet, and the bridge is not netd's alone: what it may reach there is
        told by what is at the other end."""
        web, db, _ = self.plug_in_docker()
        host, vm = self.lab.host, self.vms[0]
        targets = [Probe("tcp", "192.168.122.11", 80), Probe("tcp", "192.168.122.1", 22),
                   Probe("tcp", "10.231.9.2", 80), Probe("tcp", db.address("machines"), 80)]
        control = self.container("seen", "machines", labels={"role": "late"}, cmd=SERVE)
        self.assert_open(control, *targets)
        self.assert_open(vm, Probe("tcp", control.address("machines"), 80))
        netd = self.start_netd(POLICY)
        netd.pause()
        try:
            late = self.container("late", "machines", labels={"role": "late"}, cmd=SERVE)
            port = host.netns_exec(["nft", "list", "set", "bridge", "netd", "ports"])
            self.assertEqual(4, port.count('"veth'), "netd knows of it: this proves nothing")
            self.assert_denied(late, *targets)
            self.assert_denied(vm, Probe("tcp", late.address("machines"), 80))
            self.check_machines()
            self.assert_open(web, targets[3])
        finally:
            netd.resume()
        netd.wait_synced()
        self.assert_denied(late, *targets)
        self.assertGreater(netd.status()["denied"].get("unknown-port", 0), 0)

    def test_what_stands_on_a_bridge(self) -> None:
        """A macvlan network over a bridge of Docker's, and a VLAN: nobody, in both directions."""
        host = self.lab.host
        bridge = host.network("app", "172.31.1.0/24")
        self.addCleanup(host.docker, "network", "rm", "app")
        web, db = (self.container(name, "app", labels={"role": name}, cmd=SERVE)
                   for name in ("web", "db"))
        host.docker("network", "create", "--driver=macvlan", "--subnet=172.31.1.0/24",
                    "--ip-range=172.31.1.192/28", f"--opt=parent={bridge}", "above")
        self.addCleanup(host.docker, "network", "rm", "above")
        above = self.container("above", "above", labels={"role": "web"}, cmd=SERVE)
        down, up = Probe("tcp", db.address("app"), 80), Probe("tcp", above.address("above"), 80)
        self.assert_open(above, down)  # the controls
        self.assert_open(db, up)
        self.start_netd(POLICY)
        self.assert_denied(above, down)
        self.assert_denied(db, up)
        self.assert_open(web, down)
        self.assert_open(host, down)

    def test_a_machine_that_takes_a_containers_address(self) -> None:
        """A packet is a container's only through the container's own port."""
        web, db, _ = self.plug_in_docker()
        taken = Probe("tcp", db.address("machines"), 80)
        vm = self.vms[1]
        source = web.address("machines")
        self.start_netd(POLICY)
        vm.netns_exec(["ip", "address", "add", f"{source}/24", "dev", "eth0"])
        self.addCleanup(vm.netns_exec, ["ip", "address", "del", f"{source}/24", "dev", "eth0"])
        results = vm.probe_many([taken], 500, source)
        self.assertNotEqual("open", results[taken].state)
        self.assert_open(web, taken)


if __name__ == "__main__":
    unittest.main()
