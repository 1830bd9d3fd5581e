# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with the ways that packets take through it: from outside and to it, between its networks
and inside them, and to the host itself; over IPv4 and IPv6.

The machines at its ends are interfaces of namespaces, which take what comes and say nothing; one
container of each kind has addresses, for TCP.  Networks: 0 front, 1 back, 2 mixed (two tiers, by
label), and more that nobody uses where there are many endpoints.
"""
from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Dict, List, Tuple

from lab import Lab
from place import Child, LabError, Namespace, run, wait_until

PORTS_PER_BRIDGE = 1000  # the kernel allows 1024
FRONT, BACK, MIXED = 0, 1, 2
NETWORKS = ("front", "back", "mixed")
UDP, TCP, CLOSED = 5000, 5001, 5999  # of containers
HOST_UDP, HOST_TCP = 7000, 7001
WEB = 443  # of machines outside
PUBLISHED, PUBLISHED_TCP, PROXIED_TCP, PUBLISHED_CLOSED = 10000, 9000, 9001, 9002
MOST_FLOWS = 4096  # that stay; new ones are numbered from here on
OUTSIDE = 200  # machines

LAN_MAC, ROUTER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
HOST_ADDRESS = {4: "192.0.2.1", 6: "2001:db8:1::1"}
ROUTER = {4: "192.0.2.2", 6: "2001:db8:1::2"}

SETUP = """
for what in all default; do
  echo {off} > /proc/sys/net/ipv6/conf/$what/disable_ipv6
  echo 0 > /proc/sys/net/ipv6/conf/$what/accept_dad
  echo 0 > /proc/sys/net/ipv6/conf/$what/accept_ra
done
ip link set lo up
"""
HOST_SETUP = SETUP.format(off=0) + """
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
"""


def address(network: int, k: int, family: int = 4) -> str:
    """Of endpoint K of a network."""
    if family == 6:
        return f"fd00:{64 + network}::{k + 256:x}"
    return f"10.{64 + network}.{1 + k // 256}.{k % 256}"


def gateway(network: int, family: int) -> str:
    """The host's address there."""
    return f"fd00:{64 + network}::1" if family == 6 else f"10.{64 + network}.0.1"


def outside(i: int, family: int) -> str:
    """A machine outside."""
    return f"2001:db8:2::{i + 1:x}" if family == 6 else f"198.51.100.{i + 1}"


def mac(network: int, k: int) -> str:
    """Of the endpoint, made as Docker makes it."""
    return "02:42:" + ":".join(f"{int(part):02x}" for part in address(network, k).split("."))


def bridge_mac(network: int) -> str:
    """Of the host there."""
    return f"02:42:ff:00:00:{network:02x}"


def port(network: int, k: int) -> str:
    """The endpoint's end on the host, called as engines call them: netd takes no other name for theirs."""
    return f"veth{network}-{k}"


def policy() -> str:
    """What is allowed on every way, and nothing else."""
    return f"""version: 1
tiers:
  front: {{match: [{{network: front}}]}}
  back: {{match: [{{network: back}}]}}
  even: {{match: [{{network: mixed, label: {{side: even}}}}]}}
  odd: {{match: [{{network: mixed, label: {{side: odd}}}}]}}
  rest: {{match: [{{network: "more*"}}]}}
allow:
  - {{from: internet, to: back, ports: [{UDP}/udp, {TCP}/tcp]}}
  - {{from: front, to: internet, ports: [{WEB}/udp, {WEB}/tcp]}}
  - {{from: front, to: back, ports: [{UDP}/udp, {TCP}/tcp]}}
  - {{from: even, to: odd, ports: [{UDP}/udp, {TCP}/tcp]}}
  - {{from: front, to: host, ports: [{HOST_UDP}/udp, {HOST_TCP}/tcp]}}
"""


@dataclass
class End:
    """One end of a frame's way."""

    ifname: str
    mac: str
    address: str
    port: int


# What goes out at one end comes in as from the other: (there, back).
Pairs = Tuple[List[str], List[str]]


def line(sender: End, to_mac: str, to_address: str, to_port: int) -> str:
    """As `traffic send` reads it."""
    return (f"{sender.ifname} {sender.mac} {to_mac} {sender.address} {to_address} "
            f"{sender.port} {to_port}")


class Street:
    """One host with @n endpoints, of which @active on each network send and receive."""

    def __init__(self, lab: Lab, name: str, n: int, active: int, *, plugged: int = 0,
                 flows: int = 64) -> None:
        """@plugged: build ports for so many endpoints only.  (The kernel finds interfaces in a
        table of 256 chains: with 10,000 of them everything is slow, netd or not.)  @flows: that
        stay."""
        self.lab, self.name, self.active, self.flows = lab, name, active, flows
        self.networks = max(3, -(-n // PORTS_PER_BRIDGE))
        self.per_network = n // self.networks
        self.folder = lab.folder / name
        self.folder.mkdir()
        self.children: List[Child] = []
        self._new_flow = MOST_FLOWS
        self.host = self._namespace("host", HOST_SETUP)
        self.left = self._namespace("left", SETUP.format(off=1))
        self.right = self._namespace("right", SETUP.format(off=1))
        self.lan = self._namespace("lan", SETUP.format(off=1))
        self._build((plugged or n) // (3 if plugged else self.networks))
        self._write_ways()
        self._serve()

    def _namespace(self, part: str, setup: str) -> Namespace:
        space = Namespace(f"{self.name}-{part}", self.lab.folder / f"{self.name}-{part}",
                          self.lab.probe, self.lab.ports, setup)
        self.lab.places.append(space)
        return space

    # Building

    @property
    def talker(self) -> Tuple[int, int]:
        """The containers with addresses: one in the namespace left, one in the right."""
        return self.active, self.active + 1

    def place(self, network: int, k: int) -> Namespace:
        """Where the endpoint is: senders left, receivers right."""
        return self.right if network == BACK or k % 2 else self.left

    def _build_lan(self) -> List[str]:
        lines = [f"link add name lan0 address {LAN_MAC} type veth peer name out "
                 f"address {ROUTER_MAC} netns {self.lan.pid}", "link set lan0 up"]
        for family, whole, many in ((4, 24, "198.51.100.0/24"), (6, 64, "2001:db8:2::/64")):
            lines += [f"address add {HOST_ADDRESS[family]}/{whole} dev lan0",
                      f"neigh replace {ROUTER[family]} lladdr {ROUTER_MAC} dev lan0 nud permanent",
                      f"route add {many} via {ROUTER[family]}"]
        return lines

    def _build(self, ports: int) -> None:
        links, neighbours, learned = self._build_lan(), [], []
        up: Dict[int, List[str]] = {self.left.pid: [], self.right.pid: [], self.lan.pid: ["out"]}
        for n in range(self.networks):
            links += [f"link add br{n} address {bridge_mac(n)} type bridge mcast_snooping 0",
                      f"address add {gateway(n, 4)}/16 dev br{n}",
                      f"address add {gateway(n, 6)}/64 dev br{n}", f"link set br{n} up"]
        for n in range(3):
            for k in range(ports):
                pid, far = self.place(n, k).pid, f"e{n}-{k}"
                links += [f"link add name {port(n, k)} master br{n} type veth peer name {far} "
                          f"address {mac(n, k)} netns {pid}", f"link set {port(n, k)} up"]
                up[pid].append(far)
                if k < self.active + 2:
                    neighbours += [f"neigh replace {address(n, k, family)} lladdr {mac(n, k)} "
                                   f"dev br{n} nud permanent" for family in (4, 6)]
                    learned.append(f"fdb replace {mac(n, k)} dev {port(n, k)} master static")
        # By network namespace alone: process ids are those of the machine.
        run(["nsenter", "-t", str(self.host.pid), "-n", "--", "ip", "-batch", "-"],
            stdin="\n".join(links), timeout=120)
        for place in (self.left, self.right, self.lan):
            place.netns_exec(["ip", "-batch", "-"], timeout=60, stdin="".join(
                f"link set {far} up\n" for far in up[place.pid]))
        self.host.netns_exec(["ip", "-batch", "-"], stdin="\n".join(neighbours))
        self.host.netns_exec(["bridge", "-batch", "-"], stdin="\n".join(learned))
        self._address_talkers()

    def _address_talkers(self) -> None:
        even, odd = self.talker
        for place, ends, default in (
                (self.left, [(FRONT, even), (MIXED, even)], FRONT),
                (self.right, [(BACK, odd), (FRONT, odd), (MIXED, odd)], BACK)):
            batch: List[str] = []
            for n, k in ends:
                place.sysctl(f"ipv6/conf/e{n}-{k}/disable_ipv6", "0")
                batch += [f"address add {address(n, k)}/16 dev e{n}-{k}",
                          f"address add {address(n, k, 6)}/64 dev e{n}-{k} nodad"]
            batch += [f"route add default via {gateway(default, family)}" for family in (4, 6)]
            place.netns_exec(["ip", "-batch", "-"], stdin="\n".join(batch))
        self.lan.sysctl("ipv6/conf/out/disable_ipv6", "0")
        self.lan.netns_exec(["ip", "-batch", "-"], stdin="\n".join(
            [f"address add {ROUTER[4]}/24 dev out", f"address add {ROUTER[6]}/64 dev out nodad",
             f"address add {outside(0, 4)}/32 dev out", f"address add {outside(0, 6)}/128 dev out nodad",
             f"route add default via {HOST_ADDRESS[4]} src {outside(0, 4)}",
             f"route add default via {HOST_ADDRESS[6]} src {outside(0, 6)}"]))

    def _serve(self) -> None:
        for place, argv in ((self.right, ["serve", str(TCP)]), (self.lan, ["serve", str(WEB)]),
                            (self.host, ["serve", str(HOST_TCP)]),
                            (self.host, ["answer", str(HOST_UDP)])):
            child = place.spawn([str(self.lab.folder / "traffic"), *argv])
            child.wait_for_line("^ready$")
            self.children.append(child)

    # Ways

    def senders(self) -> List[int]:
        """Endpoints of a network that is split that send; what is one more receives."""
        return list(range(0, self.active, 2))

    def _end(self, network: int, k: int, family: int, number: int) -> End:
        return End(f"e{network}-{k}", mac(network, k), address(network, k, family), number)

    def _published(self, family: int, closed: bool) -> Pairs:
        there, back = [], []
        for k in range(self.active):
            peer = outside(k % OUTSIDE, family)
            machine = End("out", ROUTER_MAC, peer, 0)
            there.append(line(machine, LAN_MAC, HOST_ADDRESS[family],
                              PUBLISHED_CLOSED if closed else PUBLISHED + k))
            back.append(line(self._end(BACK, k, family, UDP), bridge_mac(BACK), peer, 0))
        return there, back

    def _internet(self, family: int, closed: bool) -> Pairs:
        there, back = [], []
        for i, k in enumerate(self.senders()):
            peer, number = outside(i % OUTSIDE, family), CLOSED if closed else WEB
            there.append(line(self._end(FRONT, k, family, 0), bridge_mac(FRONT), peer, number))
            back.append(line(End("out", ROUTER_MAC, peer, number), LAN_MAC, HOST_ADDRESS[family],
                             0))
        return there, back

    def _between(self, ends: Tuple[int, int], step: int, family: int, closed: bool) -> Pairs:
        """From senders of one network to what is @step behind them on the same or another one."""
        there, back, number = [], [], CLOSED if closed else UDP
        routed = ends[0] != ends[1]
        for k in self.senders():
            a, b = self._end(ends[0], k, family, 0), self._end(ends[1], k + step, family, number)
            there.append(line(a, bridge_mac(ends[0]) if routed else b.mac, b.address, number))
            back.append(line(b, bridge_mac(ends[1]) if routed else a.mac, a.address, 0))
        return there, back

    def _to_host(self, family: int, closed: bool) -> Pairs:
        number = CLOSED if closed else HOST_UDP
        return [line(self._end(FRONT, k, family, 0), bridge_mac(FRONT), gateway(FRONT, family),
                     number) for k in self.senders()], []

    def pairs(self, way: str, family: int, closed: bool = False) -> Pairs:
        """The frames of a way: there, and back."""
        return {"published": lambda: self._published(family, closed),
                "internet": lambda: self._internet(family, closed),
                "bridges": lambda: self._between((FRONT, BACK), 1, family, closed),
                "tiers": lambda: self._between((MIXED, MIXED), 1, family, closed),
                "within": lambda: self._between((FRONT, FRONT), 1, family, closed),
                "host": lambda: self._to_host(family, closed)}[way]()

    def _file(self, way: str, family: int, what: str) -> str:
        return str(self.folder / f"{way}{family}.{what}")

    def _write_ways(self) -> None:
        order = random.Random(1)  # pairs in an order without pattern, the same on every host
        for way in WAYS:
            for family in (4, 6):
                there, back = self.pairs(way, family)
                closed, _ = self.pairs(way, family, closed=True)
                mixed = list(range(len(there)))
                order.shuffle(mixed)
                for what, lines in (("there", there), ("back", back), ("closed", closed)):
                    with open(self._file(way, family, what), "w", encoding="ascii") as file:
                        file.writelines(lines[i] + "\n" for i in mixed if lines)

    # Filters

    def load(self, ruleset: str) -> None:
        """A ruleset of somebody else, as nft reads it."""
        self.host.netns_exec(["nft", "-f", "-"], stdin=ruleset, timeout=120)

    def restore(self, rules: Dict[int, str]) -> None:
        """The same as iptables reads it, by family."""
        for family, text in rules.items():
            tool = {4: "iptables-nft-restore", 6: "ip6tables-nft-restore"}[family]
            self.host.netns_exec([tool], stdin=text, timeout=120)

    def inventory(self) -> str:
        """The facts, as netd takes them from a file."""
        networks, containers = [], []
        for n in range(self.networks):
            name = NETWORKS[n] if n < len(NETWORKS) else f"more{n}"
            networks.append({"id": f"{n:064x}", "name": name, "driver": "bridge",
                             "bridge": f"br{n}", "internal": False,
                             "subnets": [f"10.{64 + n}.0.0/16", f"fd00:{64 + n}::/64"],
                             "gateways": [gateway(n, 4), gateway(n, 6)]})
            containers += [{"id": f"{n * 100000 + k + 1:064x}", "name": f"n{n}-{k}",
                            "image": "bench", "labels": {"side": ("even", "odd")[k % 2]},
                            "endpoints": [{"network": name, "ipv4": address(n, k),
                                           "ipv6": address(n, k, 6), "mac": mac(n, k)}],
                            "published": self._published_ports(n, k)}
                           for k in range(self.per_network)]
        return json.dumps({"version": 1, "networks": networks, "containers": containers})

    def _published_ports(self, network: int, k: int) -> List[Dict[str, object]]:
        if network != BACK or k >= self.active + 2:
            return []
        ports = [(PUBLISHED + k, f"{UDP}/udp")]
        ports += [(PUBLISHED_CLOSED, f"{CLOSED}/udp")] if k == 0 else []
        if k == self.talker[1]:
            ports += [(PUBLISHED_TCP, f"{TCP}/tcp"), (PROXIED_TCP, f"{TCP}/tcp")]
        return [{"host_ip": address_of, "host_port": number, "port": target}
                for number, target in ports for address_of in ("0.0.0.0", "::")]

    def start_netd(self, program: str) -> None:
        """netd with this host's facts; returns when its rules are in force."""
        (self.folder / "state").mkdir()
        (self.folder / "inventory.json").write_text(self.inventory())
        (self.folder / "policy.yaml").write_text(policy())
        child = self.host.spawn(
            [program, "--policy", f"{self.folder}/policy.yaml", "--state", f"{self.folder}/state",
             "--socket", f"{self.folder}/netd.sock", "--inventory",
             f"{self.folder}/inventory.json"])
        self.children.append(child)
        child.wait_for_line("netd .* started", 60)
        wait_until("the policy to be in force",
                   lambda: not self.opens("bridges", 4, closed=True), 60)

    def start_proxy(self, program: str) -> None:
        """docker-proxy for one port, over IPv4 and IPv6.  It tells dockerd of its start through
        descriptor 3, and closes that."""
        for family, host in ((4, "0.0.0.0"), (6, "::")):
            child = self.host.spawn(
                ["sh", "-c", 'exec "$@" 3>/dev/null', "sh", program, "-proto", "tcp",
                 "-host-ip", host, "-host-port", str(PROXIED_TCP), "-container-port", str(TCP),
                 "-container-ip", address(BACK, self.talker[1], family)])
            self.children.append(child)

    # Traffic

    def _traffic(self, place: Namespace, *args: str) -> List[int]:
        out = place.netns_exec([str(self.lab.folder / "traffic"), *args], timeout=60)
        return [int(word) for word in out.split()]

    def _place_of(self, way: str, what: str) -> Namespace:
        if way == "published":
            return self.right if what == "back" else self.lan
        if what == "back":
            return self.lan if way == "internet" else self.right
        return self.left

    def _send(self, way: str, family: int, what: str, flows: int, first: int, count: int,
              varies: str = "") -> int:
        varies = varies or ("to" if what == "back" else "from")
        return self._traffic(self._place_of(way, what), "send", self._file(way, family, what),
                             varies, str(flows), str(first), str(count))[0]

    def _received(self) -> int:
        """Packets that came to the ends, and to the host's server."""
        total = 0
        for place in (self.left, self.right, self.lan):
            lines = place.netns_exec(["cat", "/proc/net/dev"]).splitlines()
            total += sum(int(line.split(":")[1].split()[1]) for line in lines if ":" in line)
        for name in ("snmp", "snmp6"):
            text = self.host.netns_exec(["cat", f"/proc/net/{name}"])
            total += _datagrams(text, name)
        return total

    def _take(self, count: int) -> int:
        first = self._new_flow
        self._new_flow += count
        return first

    def opens(self, way: str, family: int, closed: bool = False) -> bool:
        """Whether new flows get through, as many as there are; a few packets are others' noise."""
        before = self._received()
        self._send(way, family, "closed" if closed else "there", SAMPLE, self._take(SAMPLE), SAMPLE)
        got = self._received() - before
        if SAMPLE // 10 < got < SAMPLE or got > SAMPLE * 11 // 10:
            raise LabError(f"{self.name}: {way}, IPv{family}: {got} of {SAMPLE} packets")
        return got >= SAMPLE

    def _flows_of(self, way: str) -> int:
        return min(self.flows, HOST_FLOWS) if way == "host" else self.flows

    def establish(self, way: str, family: int, back: bool = True) -> None:
        """The flows that stay; with answers, which connection tracking must see."""
        self._traffic(self.host, "flush")
        flows = self._flows_of(way)
        before = self._received()
        self._send(way, family, "there", flows, 0, flows,
                   "ask" if back and way == "host" else "from")
        if way != "host" and self._received() - before < flows:
            raise LabError(f"{self.name}: {way}, IPv{family}: allowed packets are lost: "
                           f"{self._received() - before} of {flows}")
        if back and way != "host":
            self._send(way, family, "back", flows, 0, flows)

    def time_flows(self, way: str, family: int, what: str, count: int) -> float:
        """Nanoseconds per packet of flows that are there."""
        return self._send(way, family, what, self._flows_of(way), 0, count) / count

    def time_new(self, way: str, family: int, count: int) -> float:
        """Nanoseconds per packet, each of a flow of its own."""
        self._traffic(self.host, "flush")
        return self._send(way, family, "there", count, self._take(count), count) / count

    def _tcp_target(self, way: str, family: int) -> Tuple[Namespace, str, int]:
        _, odd = self.talker
        return {"published": (self.lan, HOST_ADDRESS[family], PUBLISHED_TCP),
                "proxy": (self.lan, HOST_ADDRESS[family], PROXIED_TCP),
                "internet": (self.left, outside(0, family), WEB),
                "bridges": (self.left, address(BACK, odd, family), TCP),
                "tiers": (self.left, address(MIXED, odd, family), TCP),
                "within": (self.left, address(FRONT, odd, family), TCP),
                "host": (self.left, gateway(FRONT, family), HOST_TCP)}[way]

    def gigabits(self, way: str, family: int, milliseconds: int) -> float:
        """TCP throughput of one stream."""
        place, target, number = self._tcp_target(way, family)
        done, took = self._traffic(place, "stream", target, str(number), str(milliseconds))
        return 8 * done / took

    def connections(self, way: str, family: int, milliseconds: int) -> float:
        """TCP connections a second, one after the other."""
        place, target, number = self._tcp_target(way, family)
        done, took = self._traffic(place, "connect", target, str(number), str(milliseconds))
        return 1e9 * done / took


SAMPLE = 640  # packets
HOST_FLOWS = 64  # the host's server answers one after the other
WAYS = ("published", "internet", "bridges", "tiers", "within", "host")


def _datagrams(text: str, name: str) -> int:
    """UDP datagrams that came in, taken or not: a server that is slow counts as well."""
    if name == "snmp6":
        values = dict(line.split() for line in text.splitlines())
        return int(values["Udp6InDatagrams"]) + int(values["Udp6RcvbufErrors"])
    names, numbers = [line.split()[1:] for line in text.splitlines() if line.startswith("Udp:")]
    values = dict(zip(names, numbers))
    return int(values["InDatagrams"]) + int(values["RcvbufErrors"])


__all__ = ["Street", "WAYS", "policy", "address"]
