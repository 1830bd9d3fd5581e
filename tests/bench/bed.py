# SPDX-License-Identifier: GPL-2.0-or-later
"""A host to measure on: bridges with veth ports, clients behind one, servers behind another.

All in namespaces of the lab; the facts come to netd as an inventory.  Endpoints have the addresses,
MACs and ports that they have on the host of street.py.
"""
from __future__ import annotations

import json
import random
import sys
from typing import List, Optional, Tuple

from lab import Lab
from place import Child, LabError, Namespace, run, wait_until
from street import PORTS_PER_BRIDGE, address, bridge_mac, mac, port

UDP_PORT, TCP_PORT, CLOSED_PORT = 5000, 5001, 5999
ESTABLISHED = 4096  # pairs

SETUP = """
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up
"""
END_SETUP = SETUP.replace("echo 1 > /proc/sys/net/ipv4/ip_forward\n", "")


def policy(networks: int, by_label: int = 0) -> str:
    """A tier for each network, or for each of so many labels; each allowed to talk to the next."""
    tiers = [f"  t{n}: {{match: [{{network: net{n}}}]}}" for n in range(networks)]
    if by_label:
        tiers = [f"  t{n}: {{match: [{{label: {{tier: t{n}}}}}]}}" for n in range(by_label)]
        networks = by_label
    allows = [f"  - {{from: t{n}, to: t{n + 1}, ports: [{port}]}}" for n in range(networks - 1)
              for port in (f"{UDP_PORT}/udp", f"{TCP_PORT}/tcp", "443/tcp")]
    return "\n".join(["version: 1", "tiers:", *tiers, "allow:", *allows, ""])


class Bed:
    """One host with @n endpoints of which @active on either side send and receive."""

    def __init__(self, lab: Lab, name: str, n: int, active: int, *, plugged: Optional[int] = None,
                 known_only: int = 0) -> None:
        """@plugged: build ports for the first so many endpoints of the first two networks only.
        (The kernel finds interfaces in a table of 256 chains: with 10,000 of them everything is
        slow, netd or not.)  @known_only: the last so many ports of network 1 wait for plug()."""
        self.lab, self.name, self.active = lab, name, active
        self.networks = max(2, -(-n // PORTS_PER_BRIDGE))
        self.per_network = n // self.networks
        self.folder = lab.folder / name
        self.folder.mkdir()
        self.netd: Optional[Child] = None
        self.waiting: List[str] = []
        self._new_flow = ESTABLISHED
        self.host = self._namespace("host", SETUP)
        self.clients = self._namespace("clients", END_SETUP)
        self.servers = self._namespace("servers", END_SETUP)
        self._build(plugged // 2 if plugged else self.per_network, known_only)

    def _namespace(self, part: str, setup: str) -> Namespace:
        space = Namespace(f"{self.name}-{part}", self.lab.folder / f"{self.name}-{part}",
                          self.lab.probe, self.lab.ports, setup)
        self.lab.places.append(space)
        return space

    # Building

    def _ends(self, network: int, k: int) -> Tuple[str, str, int]:
        """The host's end, the endpoint's end and the process it is with. By another name than an
        engine's it would be a cable to elsewhere, and no container's."""
        letter = {0: "c", 1: "s"}.get(network, f"e{network}-")
        place = self.clients if network == 0 else self.servers
        return port(network, k), f"{letter}{k}", place.pid

    def _build(self, ports: int, known_only: int) -> None:
        links, learned, neighbours = [], [], []
        far_ends: List[str] = []
        built = self.networks if ports == self.per_network else 2
        for n in range(self.networks):
            links += [f"link add br{n} address {bridge_mac(n)} type bridge mcast_snooping 0",
                      f"address add 10.{64 + n}.0.1/16 dev br{n}", f"link set br{n} up"]
        for n in range(built):
            for k in range(ports):
                near, far, pid = self._ends(n, k)
                waits = n == 1 and k >= ports - known_only
                master = "" if waits else f" master br{n}"
                links += [f"link add name {near}{master} type veth peer name {far} "
                          f"address {mac(n, k)} netns {pid}", f"link set {near} up"]
                far_ends.append(far)
                if waits:
                    self.waiting.append(near)
                if n < 2 and k <= self.active:
                    neighbours.append(f"neigh replace {address(n, k)} lladdr {mac(n, k)} "
                                      f"dev br{n} nud permanent")
                    learned.append(f"fdb replace {mac(n, k)} dev {near} master static")
        # By network namespace alone: process ids are those of the machine.
        run(["nsenter", "-t", str(self.host.pid), "-n", "--", "ip", "-batch", "-"],
            stdin="\n".join(links), timeout=120)
        for place, own in ((self.clients, True), (self.servers, False)):
            place.netns_exec(["ip", "-batch", "-"], timeout=60, stdin="".join(
                f"link set {far} up\n" for far in far_ends if far.startswith("c") == own))
        self.host.netns_exec(["ip", "-batch", "-"], stdin="\n".join(neighbours))
        self.host.netns_exec(["bridge", "-batch", "-"], stdin="\n".join(learned))
        for network, place, letter in ((0, self.clients, "c"), (1, self.servers, "s")):
            place.netns_exec(["ip", "-batch", "-"], stdin=(
                f"address add {address(network, self.active)}/16 dev {letter}{self.active}\n"
                f"route add default via 10.{64 + network}.0.1\n"))

    # netd

    def inventory(self, labels: int = 1) -> str:
        """The facts, as netd takes them from a file; the containers have so many labels in turn."""
        networks, containers = [], []
        for n in range(self.networks):
            networks.append({"id": f"{n:064x}", "name": f"net{n}", "driver": "bridge",
                             "bridge": f"br{n}", "internal": False,
                             "subnets": [f"10.{64 + n}.0.0/16"], "gateways": [f"10.{64 + n}.0.1"]})
            containers += [{"id": f"{n * 100000 + k + 1:064x}", "name": f"n{n}-{k}",
                            "image": "bench", "labels": {"tier": f"t{k % labels}"},
                            "endpoints": [{"network": f"net{n}", "ipv4": address(n, k),
                                           "mac": mac(n, k)}], "published": []}
                           for k in range(self.per_network)]
        return json.dumps({"version": 1, "networks": networks, "containers": containers})

    def start_netd(self, program: str, by_label: int = 0, *args: str) -> "Bed":
        """netd with this host's inventory, and a tier for each network or for each of so many labels, as
        netd.service starts it (Nice=-10); returns when its rules are in force."""
        (self.folder / "state").mkdir(exist_ok=True)
        (self.folder / "inventory.json").write_text(self.inventory(by_label or 1))
        (self.folder / "policy.yaml").write_text(policy(self.networks, by_label))
        self.netd = self.host.spawn(
            ["nice", "-n", "-10", program, "--policy", f"{self.folder}/policy.yaml", "--state", f"{self.folder}/state",
             "--socket", f"{self.folder}/netd.sock", "--inventory",
             f"{self.folder}/inventory.json", *args])
        self.netd.wait_for_line("netd .* started", 60)
        wait_until("the policy to be in force", lambda: self.deliveries(CLOSED_PORT) == 0, 60)
        return self

    def netd_pid(self) -> int:
        """Its process."""
        assert self.netd is not None
        return self.netd.pid

    def ask(self, verb: str) -> str:
        """The report of a verb without arguments, as JSON."""
        script = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                  "s.sendall(sys.argv[2].encode())\nprint(s.makefile().readline())")
        line = json.dumps({"v": 1, "verb": verb}) + "\n"
        answer = self.host.netns_exec([sys.executable, "-c", script, f"{self.folder}/netd.sock", line])
        return json.dumps(json.loads(answer)["report"])

    # Traffic

    def _traffic(self, place: Namespace, *args: str) -> List[int]:
        out = place.netns_exec([str(self.lab.folder / "traffic"), *args], timeout=60)
        return [int(word) for word in out.split()]

    def _pairs(self, number: int) -> str:
        """Clients and servers, in an order without pattern, for `traffic send`."""
        path = self.folder / f"pairs.{number}"
        if not path.exists():
            order = random.Random(number)
            ends = [(order.randrange(self.active), order.randrange(self.active))
                    for _ in range(ESTABLISHED)]
            path.write_text("".join(
                f"c{a} {mac(0, a)} {bridge_mac(0)} {address(0, a)} {address(1, b)} 0 {number}\n"
                for a, b in ends))
        return str(path)

    def _send(self, count: int, *, first: int, port: int = UDP_PORT) -> int:
        return self._traffic(self.clients, "send", self._pairs(port), "from", str(count),
                             str(first), str(count))[0]

    def _received(self) -> int:
        """Packets that came to the servers' interfaces."""
        lines = self.servers.netns_exec(["cat", "/proc/net/dev"]).splitlines()
        return sum(int(line.split(":")[1].split()[1]) for line in lines
                   if line.strip().startswith("s"))

    def deliveries(self, port: int, count: int = 64) -> int:
        """How many of @count new flows get through."""
        before = self._received()
        self._send(count, first=self._take(count), port=port)
        return self._received() - before

    def _take(self, count: int) -> int:
        first = self._new_flow
        self._new_flow += count
        return first

    def time_new(self, count: int) -> float:
        """Nanoseconds per packet, each of a flow of its own."""
        self._traffic(self.host, "flush")
        return self._send(count, first=self._take(count)) / count

    def plug(self, count: int) -> List[Tuple[int, int]]:
        """Plug in ports that wait; nanoseconds to the first and to the last commit after each."""
        ports = [self.waiting.pop(0) for _ in range(count)]
        numbers = self._traffic(self.host, "plug", "br1", *ports)
        admitted = self.host.netns_exec(["nft", "list", "set", "bridge", "netd", "port_mac"])
        if not all(f'"{port}"' in admitted for port in ports):
            raise LabError(f"{self.name}: a port that was plugged in is not admitted")
        return list(zip(numbers[::2], numbers[1::2]))


def build_traffic(lab: Lab, source: str) -> None:
    """Compile the sender."""
    run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-o",
         str(lab.folder / "traffic"), source])


__all__ = ["Bed", "build_traffic"]
