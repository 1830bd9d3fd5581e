# SPDX-License-Identifier: GPL-2.0-or-later
"""A running netd with two containers and the internet behind real bridges, each a network namespace
without a process, for the tests that ask netdctl about real packets (root)."""
import contextlib
import ctypes
import os
import subprocess

from running import Running

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
MACS = {"web-1": "02:42:ac:12:00:02", "db-1": "02:42:ac:13:00:02", "out": "02:42:cb:00:71:02"}
PLACES = {  # bridge, IPv4 and IPv6, both with .1 and ::1 the host's
    "web-1": ("br-front", "172.18.0.2", "fd00:1::2"),
    "db-1": ("br-back", "172.19.0.2", "fd00:2::2"),
    "out": ("br-out", "203.0.113.2", "2001:db8::2"),  # no network of Docker's: the internet
}


def world():
    networks = [{"name": name, "driver": "bridge", "bridge": f"br-{name}", "subnets": subnets}
                for name, subnets in (("front", ["172.18.0.0/24", "fd00:1::/64"]),
                                      ("back", ["172.19.0.0/24", "fd00:2::/64"]))]
    containers = [{"name": name, "endpoints": [
        {"network": PLACES[name][0][3:], "ipv4": PLACES[name][1], "ipv6": PLACES[name][2],
         "mac": MACS[name]}]} for name in ("web-1", "db-1")]
    containers[1]["published"] = [
        {"host_ip": address, "host_port": port, "port": f"{port}/tcp"}
        for address in ("0.0.0.0", "::") for port in (8000, 8001)]
    return {"version": 1, "networks": networks, "containers": containers}


def enter(fd):
    if LIBC.setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "setns")


class Space:
    """A network namespace without a process: sockets made in it stay in it."""

    def __init__(self):
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        if LIBC.unshare(CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        enter(home)
        os.close(home)

    @contextlib.contextmanager
    def inside(self):
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        enter(self.fd)
        try:
            yield
        finally:
            enter(home)
            os.close(home)

    def run(self, *lines):
        with self.inside():
            ip(*lines)


def ip(*lines):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


class Plugged(Running):
    world = world()

    def setUp(self):
        """Once for all tests: the namespaces end with the program."""
        if not hasattr(Plugged, "spaces"):
            Plugged.spaces = {name: self.plug(name) for name in PLACES}
            for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
                    file.write("1")
        super().setUp()
        self.until(lambda: all(end["port"] for end in self.report("endpoints")["endpoints"]))

    @staticmethod
    def plug(name):
        space = Space()
        bridge, four, six = PLACES[name]
        near, far = f"veth-{name}", f"/proc/{os.getpid()}/fd/{space.fd}"
        ip(f"link add {bridge} type bridge", f"address add {four[:-1]}1/24 dev {bridge}",
           f"address add {six[:-1]}1/64 dev {bridge} nodad", f"link set {bridge} up",
           f"link add {near} type veth peer name eth0 address {MACS[name]} netns {far}",
           f"link set {near} master {bridge} up")
        space.run("link set lo up", "link set eth0 up", f"address add {four}/24 dev eth0",
                  f"address add {six}/64 dev eth0 nodad", f"route add default via {four[:-1]}1",
                  f"route add default via {six[:-1]}1")
        return space

    @contextlib.contextmanager
    def at(self, name):
        with Plugged.spaces[name].inside() if name != "host" else contextlib.nullcontext():
            yield

    def address(self, name, family):
        return PLACES[name][1 if family == 4 else 2]
