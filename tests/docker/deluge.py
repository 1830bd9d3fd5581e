# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of storms share: floods, what counts them, and whether all agree afterwards."""
from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Set, Tuple

from netd import Host, Lab, LabError, Netd, Place, run
from place import Namespace

BRIDGE = "br-{:.12}"  # Docker's name for the bridge of a network, by its id
Ends = Set[Tuple[str, str]]  # container id, IPv4 address


class Counters:
    """Datagrams that the kernel of a network namespace has sent and delivered, both families."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def _read(self, four: int, six: str) -> List[int]:
        in_four, in_six = self._place.net("snmp"), self._place.net("snmp6")
        return [int(in_four.split("\nUdp: ")[2].split()[four]), int(in_six.split(six)[1].split()[0])]

    def received(self) -> int:
        """By sockets."""
        return sum(self._read(0, "Udp6InDatagrams"))

    def sent4(self) -> int:
        """By IPv4."""
        return self._read(3, "Udp6OutDatagrams")[0]

    def sent(self) -> int:
        """In the family that has sent less."""
        return min(self._read(3, "Udp6OutDatagrams"))


class Plugged(Namespace):
    """What an engine would call a container: a namespace with an interface on a bridge of the host.
    @address may be that of another one, which has its MAC then, too, as up to Docker 27."""

    def __init__(self, lab: Lab, name: str, role: str, address: str) -> None:
        super().__init__(name, lab.folder / name, lab.probe, lab.ports, "ip link set lo up\n")
        lab.places.append(self)
        self.host, self.role, self.address = lab.host, role, address
        self.id = f"{random.getrandbits(256):064x}"
        self.mac = "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))

    def plug(self, bridge: str) -> None:
        """Give it its interface."""
        # By network namespace alone: process ids are those of the machine.
        near = f"v{self.id[:7]}"
        run(["nsenter", "-t", str(self.host.pid), "-n", "--", "ip", "-batch", "-"], stdin=(
            f"link add {near} type veth peer name eth0 address {self.mac} netns {self.pid}\n"
            f"link set {near} master {bridge} up\n"))
        self.netns_exec(["ip", "-batch", "-"], stdin=(
            f"address add {self.address}/24 dev eth0\nlink set eth0 up\n"
            f"route add default via {self.address.rsplit('.', 1)[0]}.1\n"))

    def unplug(self) -> None:
        """Take it away again."""
        self.netns_exec(["ip", "link", "del", "eth0"])


def ends_of_docker(host: Host) -> Ends:
    """Who is on a bridge and with which address, says Docker."""
    networks = [host.api("GET", f"/networks/{network['Id']}")
                for network in host.api("GET", '/networks?filters={"driver":["bridge"]}')]
    return {(container, end["IPv4Address"].split("/")[0]) for network in networks
            for container, end in (network["Containers"] or {}).items()}


def disagreement(netd: Netd, docker: Ends, portless: int) -> str:
    """What netd has in mind or in the kernel that is not so; empty when all is well."""
    status = netd.status()
    if not str(status["docker"]["link"]).startswith("up"):
        return f"link: {status['docker']}"
    endpoints = netd.ask("endpoints")["endpoints"]
    closed = [one for one in endpoints if one["state"] == "unknown" or not one["port"]]
    if len(closed) != portless:
        return f"{len(closed)} not admitted: {closed[:3]}"
    ends = {(one["id"], one["ipv4"]) for one in endpoints}
    if ends != docker:
        return f"netd alone: {list(ends - docker)[:3]}; Docker alone: {list(docker - ends)[:3]}"
    drifts: List[Any] = netd.ask("verify")["drifts"]
    return f"the kernel has something else: {drifts[:3]}" if drifts else ""


def waits_of(*pids: int) -> Dict[Path, float]:
    """For how many seconds each thread of them has been ready to run while no processor was free."""
    return {path: int(path.read_text().split()[1]) / 1e9 for pid in pids
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat")}


def waited_s(before: Dict[Path, float]) -> float:
    """How long the one that waited most did so since then."""
    return max(int(path.read_text().split()[1]) / 1e9 - wait for path, wait in before.items() if path.exists())


def agree(netd: Netd, timeout: float, docker: Callable[[], Ends], portless: int = 0) -> float:
    """Wait until model, kernel and Docker agree; how long that took. AssertionError if never.
    @portless: so many endpoints have no port on this host."""
    begin = time.monotonic()
    while True:
        try:
            reason = disagreement(netd, docker(), portless)
        except (OSError, LabError) as error:
            reason = str(error)
        if not reason:
            return time.monotonic() - begin
        if time.monotonic() - begin > timeout:
            raise AssertionError(f"after {timeout:g} s: {reason}")
        time.sleep(0.02)
