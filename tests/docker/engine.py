#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Usage: engine.py SOCKET CONTAINERS   An engine that speaks Docker's API and has no containers.

It has as many as it is told of, restarts them as often as it is told, and loses events as Docker
does: without a word, for a reader with more than 1,190 unread. Beside them are those that a test has
really plugged in and tells it of. Lines on standard input:

    storm RATE SECONDS      so many events a second: containers die and start elsewhere
    network ID NAME SUBNET  a network, and its event
    plug NETWORK ID NAME ROLE ADDRESS MAC    a container; its interface is there before its events
    tell NETWORK ID         those
    unplug NETWORK ID       its end
    ends                    print all that is on networks: id/address, separated by blanks

Each is answered by a line. What a reader of events sees of it is up to its speed.
"""
from __future__ import annotations

import collections
import json
import os
import random
import re
import socket
import socketserver
import sys
import threading
import time
from typing import Any, Deque, Dict, List, Tuple

MOST_UNREAD = 1190  # measured: beyond that Docker drops events
PER_NETWORK = 200
Endpoint = Dict[str, str]


def id_of(number: int) -> str:
    """A long id."""
    return f"{number:064x}"


class Engine:
    """Networks, containers and who reads their events."""

    def __init__(self, count: int) -> None:
        self.lock = threading.Lock()
        self.networks: Dict[str, Dict[str, Any]] = {}
        self.endpoints: Dict[str, Dict[str, Endpoint]] = {}  # by network, by container
        self.containers: Dict[str, bytes] = {}  # as listed
        self.readers: List["Reader"] = []
        self.free: Dict[str, Deque[int]] = {}
        self.networks_of = -(-count // PER_NETWORK)
        for n in range(self.networks_of):
            network = id_of(10 ** 6 + n)
            self.add_network(network, f"n{n}", f"10.{n // 250}.{n % 250}.0/24")
            self.free[network] = collections.deque(range(2, 254))
        for k in range(count):
            self.start(k)

    # What there is

    def add_network(self, network: str, name: str, subnet: str) -> None:
        gateway = subnet.split("/")[0][:-1] + "1"
        self.networks[network] = {
            "Id": network, "Name": name, "Driver": "bridge", "Scope": "local", "Internal": False,
            "EnableIPv6": False, "Ingress": False, "Options": {}, "Labels": {},
            "IPAM": {"Config": [{"Subnet": subnet, "Gateway": gateway}]}}
        self.endpoints[network] = {}

    def add_container(self, container: str, name: str, role: str, running: bool) -> None:
        self.containers[container] = json.dumps({
            "Id": container, "Names": [f"/{name}"], "Image": "none", "ImageID": "sha256:" + id_of(1),
            "State": "running" if running else "exited", "Ports": [], "Labels": {"role": role},
            "HostConfig": {"NetworkMode": "none"}, "NetworkSettings": {"Networks": {}}}).encode()

    def plug(self, network: str, container: str, name: str, address: str, mac: str) -> None:
        self.endpoints[network][container] = {
            "Name": name, "EndpointID": f"{random.getrandbits(256):064x}", "MacAddress": mac,
            "IPv4Address": f"{address}/24", "IPv6Address": ""}

    def tell_start(self, network: str, container: str) -> None:
        self.tell("network", "connect", network, container=container, type="bridge")
        self.tell("container", "start", container)

    def unplug(self, network: str, container: str) -> None:
        if self.endpoints[network].pop(container, None):
            self.tell("network", "disconnect", network, container=container, type="bridge")

    # Containers that are not there

    def network_of(self, k: int) -> str:
        return id_of(10 ** 6 + k % self.networks_of)

    def start(self, k: int) -> None:
        """It gets the address that has been free for the shortest time, as Docker would."""
        network, container = self.network_of(k), id_of(k + 1)
        last = self.free[network].pop()
        prefix = self.networks[network]["IPAM"]["Config"][0]["Subnet"].rsplit(".", 1)[0]
        address = f"{prefix}.{last}"
        mac = "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))
        self.add_container(container, f"c{k}", "none", True)
        self.plug(network, container, f"c{k}", address, mac)
        self.tell_start(network, container)

    def die(self, k: int) -> None:
        network, container = self.network_of(k), id_of(k + 1)
        address = self.endpoints[network][container]["IPv4Address"].split("/")[0]
        self.unplug(network, container)
        self.free[network].append(int(address.rsplit(".", 1)[1]))
        self.add_container(container, f"c{k}", "none", False)
        self.tell("container", "die", container, name=f"c{k}")

    def storm(self, rate: int, seconds: float) -> str:
        """Two containers of one network die and start in the other order, four events each."""
        begin, n_events, n = time.monotonic(), 0, 0
        count = len(self.free) * PER_NETWORK
        while time.monotonic() - begin < seconds:
            one = n % count
            other = (one + self.networks_of) % count
            with self.lock:
                for k in (one, other):
                    self.die(k)
                for k in (one, other):
                    self.start(k)
            n, n_events = n + 1, n_events + 8
            time.sleep(max(0.0, n_events / rate - (time.monotonic() - begin)))
        return f"{n_events} events, {sum(reader.lost for reader in self.readers)} lost"

    # Events

    def tell(self, kind: str, action: str, actor: str, **attributes: str) -> None:
        now = time.time_ns()
        line = json.dumps({"Type": kind, "Action": action, "Actor": {
            "ID": actor, "Attributes": attributes}, "scope": "local", "time": now // 10 ** 9,
            "timeNano": now}).encode() + b"\n"
        for reader in self.readers:
            reader.put(line)

    def ends(self) -> str:
        return " ".join(f"{container}/{end['IPv4Address'].split('/')[0]}"
                        for ends in self.endpoints.values() for container, end in ends.items())

    # Answers

    def answer(self, path: str) -> Tuple[int, bytes]:
        """To GET @path, without the version."""
        with self.lock:
            if path == "/version":
                return 200, json.dumps({"Version": "28.5.2", "ApiVersion": "1.51",
                                        "MinAPIVersion": "1.24"}).encode()
            if path.startswith("/networks"):
                return self.answer_network(path.split("?")[0][len("/networks/"):])
            found = re.fullmatch(r"/containers/json\?.*%22([0-9a-f]{64})%22.*", path)
            if found:
                one = self.containers.get(found[1])
                return 200, b"[" + (one or b"") + b"]"
            if path.startswith("/containers/json"):
                return 200, b"[" + b",".join(self.containers.values()) + b"]"
            found = re.fullmatch(r"/containers/([0-9a-f]{64})/json.*", path)
            if found and found[1] in self.containers:
                return 200, self.inspect(json.loads(self.containers[found[1]]))
            if path.startswith("/images/"):
                return 200, json.dumps({"Id": "sha256:" + id_of(1), "Config": {}}).encode()
        return 404, b'{"message": "no such thing"}'

    def answer_network(self, network: str) -> Tuple[int, bytes]:
        if not network:
            return 200, json.dumps([{**one, "Containers": {}}
                                    for one in self.networks.values()]).encode()
        if network not in self.networks:
            return 404, b'{"message": "no such network"}'
        return 200, json.dumps({**self.networks[network],
                                "Containers": self.endpoints[network]}).encode()

    @staticmethod
    def inspect(listed: Dict[str, Any]) -> bytes:
        running = listed["State"] == "running"
        return json.dumps({
            "Id": listed["Id"], "Name": listed["Names"][0], "Image": listed["ImageID"],
            "State": {"Running": running, "Status": listed["State"], "Pid": int(running)},
            "Config": {"Labels": listed["Labels"], "Image": listed["Image"]},
            "HostConfig": {"NetworkMode": "none", "PortBindings": {}},
            "NetworkSettings": {"Ports": {}, "Networks": {}}}).encode()


class Reader:
    """One reader of events."""

    def __init__(self) -> None:
        self._lines: Deque[bytes] = collections.deque()
        self._some = threading.Condition()
        self.lost = 0

    def put(self, line: bytes) -> None:
        """Lose it when the reader is slow."""
        with self._some:
            if len(self._lines) >= MOST_UNREAD:
                self.lost += 1
                return
            self._lines.append(line)
            self._some.notify()

    def get(self) -> bytes:
        """Wait for the next one."""
        with self._some:
            while not self._lines:
                self._some.wait()
            return self._lines.popleft()


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        engine: Engine = self.server.engine  # type: ignore[attr-defined]
        while request := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            path = re.sub(r"^/v[0-9.]+", "", request.split()[1].decode())
            try:
                if path.startswith("/events"):
                    self.events(engine)
                    return
                self.send(*engine.answer(path))
            except OSError:
                return  # the reader has gone

    def head(self, status: int, rest: str) -> bytes:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        return (f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nDate: {date}\r\n"
                f"{rest}\r\n\r\n").encode()

    def send(self, status: int, body: bytes) -> None:
        self.connection.sendall(self.head(status, f"Content-Length: {len(body)}") + body)

    def events(self, engine: Engine) -> None:
        reader = Reader()
        # The kernel's own buffer would hold seconds of a storm.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with engine.lock:
            engine.readers.append(reader)
        self.connection.sendall(self.head(200, "Transfer-Encoding: chunked"))
        while True:
            line = reader.get()
            self.connection.sendall(b"%x\r\n" % len(line) + line + b"\r\n")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Docker's socket."""

    daemon_threads = True
    request_queue_size = 64


def obey(engine: Engine, words: List[str]) -> str:
    """One line of standard input; the answer."""
    if words[0] == "storm":
        return engine.storm(int(words[1]), float(words[2]))
    with engine.lock:
        if words[0] == "network":
            engine.add_network(*words[1:4])
            engine.tell("network", "create", words[1], name=words[2], type="bridge")
        elif words[0] == "plug":
            network, container, name, role, address, mac = words[1:7]
            engine.add_container(container, name, role, True)
            engine.tell("container", "create", container, name=name)
            engine.plug(network, container, name, address, mac)
        elif words[0] == "tell":
            engine.tell_start(words[1], words[2])
        elif words[0] == "unplug":
            engine.unplug(words[1], words[2])
            engine.containers.pop(words[2], None)
            engine.tell("container", "die", words[2])
            engine.tell("container", "destroy", words[2])
        elif words[0] == "ends":
            return f"ends {engine.ends()}"
    return "done"


def main() -> None:
    """Serve until standard input ends."""
    path, count = sys.argv[1], int(sys.argv[2])
    if os.path.exists(path):
        os.unlink(path)
    server = Server(path, Handler)
    server.engine = engine = Engine(count)  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "storm":  # goes on beside the others
            threading.Thread(target=lambda told=words: print(obey(engine, told), flush=True),
                             daemon=True).start()
        else:
            print(obey(engine, words), flush=True)


if __name__ == "__main__":
    main()
