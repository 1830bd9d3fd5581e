# SPDX-License-Identifier: GPL-2.0-or-later
"""A Docker host, its containers, and the machines next to it.

Docker is driven by its command line where a user would do so, and by its API
where the lab has to wait for something: for dockerd itself, for a log line; and
to read a log and to remove a container, which most tests do many times: a start
of the command line takes as long as a tenth of a container's life.
"""
from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from place import PATIENCE_S, Child, LabError, Namespace, Place, Ports, read_net, run, wait_until

HERE = Path(__file__).resolve().parent
IMAGE = "netd-probe"
APPLETS = ("sh", "ip", "ping", "sleep", "cat", "wget", "nc", "arping", "ifconfig")

# Runs as the first process of a Docker host.  A sysfs that shows the host's own
# interfaces hides the cgroups, so they are bound back; /run is private, so the
# default socket paths are free; of /proc/sys only net/ can be written, since all
# else there belongs to the machine; images and layers lie in memory.
HOST_SETUP = """
hostname "$NAME"
mkdir "$FOLDER/cgroup" "$FOLDER/data" "$FOLDER/exec"
mount --rbind /sys/fs/cgroup "$FOLDER/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$FOLDER/cgroup" /sys/fs/cgroup
umount -l "$FOLDER/cgroup"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 1777 /run/lock
mount -t tmpfs -o mode=711 tmpfs "$FOLDER/data"
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,rw /proc/sys/net
echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6
echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
"""

NEIGHBOUR_SETUP = """
hostname "$NAME"
echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
"""


def is_podman() -> bool:
    """Whether $ENGINE names a podman: podman-4.3, podman-5.4, podman-5.8 or podman-6.1."""
    return os.environ.get("ENGINE", "").startswith("podman-")


@functools.lru_cache(maxsize=None)
def engine() -> str:
    """The folder of the engine that $ENGINE names: 26, 28 or a podman, which `engine` makes when they
    are not there yet, or a folder; empty for the machine's own Docker."""
    name = os.environ.get("ENGINE", "")
    if name not in ("26", "28") and not is_podman():
        return name
    cache = Path(os.environ.get("ENGINES", "/var/cache/netd-engines"))
    if not any((cache / name / program).exists() for program in ("dockerd", "podman")):
        run([str(HERE / "engine"), name, str(cache)], timeout=600)
    return str(cache / name)


def engine_path() -> str:
    """PATH with that Docker's programs first."""
    return os.pathsep.join(filter(None, (engine(), os.environ["PATH"])))


@functools.lru_cache(maxsize=None)
def engine_version() -> Tuple[int, int]:
    """The version of dockerd: (20, 10), (28, 5)."""
    said = run(["dockerd", "--version"], env={"PATH": engine_path()})
    found = re.search(r"version (\d+)\.(\d+)", said)
    assert found is not None, said
    return int(found[1]), int(found[2])


@dataclass(frozen=True)
class HostOptions:
    """How a Docker host is set up."""

    docker: bool = True  # False: a bare namespace, no dockerd
    userland_proxy: bool = True
    ip6tables: bool = False  # experimental in Docker 20.10
    ip_forward: bool = False  # already on before dockerd starts: FORWARD policy stays ACCEPT
    resolvers: Sequence[str] = ()  # /etc/resolv.conf of the host; empty: the machine's
    # Leave open what older Dockers do: IPv6 between networks, and from neighbours to a container's own
    # address, which Docker from 28 on drops.  What netd is to close must be open without it.
    lenient: bool = False
    bip: str = "172.30.0.1/24"  # of Docker's first bridge
    bridge: str = ""  # a bridge of the admin's instead of docker0, with that address
    dockerd_args: Sequence[str] = ()


@dataclass(frozen=True)
class Link:
    """A neighbour and the wire to it; addresses with prefix length."""

    name: str  # of the neighbour
    interface: str  # of the host's end
    host4: str
    host6: str
    ip4: str
    ip6: str
    extra: Sequence[str] = ()  # further addresses of the neighbour, routed to it by the host
    default_route: bool = False  # the host's way to the rest of the world


OUTSIDE = Link("outside", "ext0", "192.0.2.1/24", "2001:db8:1::1/64", "192.0.2.9/24",
               "2001:db8:1::9/64", ("203.0.113.10/32", "2001:db8:ff::10/128"), True)
OFFICE = Link("office", "lan0", "10.231.9.1/24", "fd00:231:9::1/64", "10.231.9.2/24",
              "fd00:231:9::2/64")


class Neighbour(Namespace):
    """A machine next to the Docker host, with a default route to it."""

    def __init__(self, link: Link, folder: Path, probe: str, ports: Ports) -> None:
        super().__init__(link.name, folder, probe, ports, NEIGHBOUR_SETUP)
        self.link = link
        self.ip4 = link.ip4.split("/")[0]
        self.ip6 = link.ip6.split("/")[0]
        self.host4 = link.host4.split("/")[0]
        self.host6 = link.host6.split("/")[0]

    def plug_into(self, host: "Host") -> None:
        """Lay the wire.  It never is in the machine's own namespace, not for a moment."""
        link = self.link
        near = ["nsenter", "-t", str(host.pid), "-n", "--", "ip"]
        run([*near, "link", "add", link.interface, "type", "veth",
             "peer", "name", "eth0", "netns", str(self.pid)])
        run([*near, "-batch", "-"], stdin=self._host_batch())
        self.netns_exec(["ip", "-batch", "-"], stdin=self._own_batch())

    def _host_batch(self) -> str:
        link = self.link
        lines = [f"address add {link.host4} dev {link.interface}",
                 f"address add {link.host6} dev {link.interface} nodad",
                 f"link set {link.interface} up"]
        lines += [f"route add {a} via {self.ip6 if ':' in a else self.ip4}" for a in link.extra]
        if link.default_route:
            lines += [f"route add default via {self.ip4}", f"route add default via {self.ip6}"]
        return "\n".join(lines) + "\n"

    def _own_batch(self) -> str:
        link = self.link
        lines = [f"address add {a} dev eth0 {'nodad' if ':' in a else ''}"
                 for a in (link.ip4, link.ip6, *link.extra)]
        lines += ["link set eth0 up", f"route add default via {self.host4} src {self.ip4}",
                  f"route add default via {self.host6} src {self.ip6}"]
        return "\n".join(lines) + "\n"


def write_image(path: Path, probe: str) -> None:
    """What `docker import` makes an image of: busybox and the probe tool."""
    with tarfile.open(path, "w") as tar:
        busybox = shutil.which("busybox")
        assert busybox is not None
        for source, target in ((busybox, "bin/busybox"), (probe, "bin/probe")):
            tar.add(source, target)
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
            tar.addfile(link)
        for folder in ("proc", "sys", "dev", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)


class NoSuchThing(LabError):
    """Docker answers 404."""


class _DockerConnection(http.client.HTTPConnection):
    """HTTP over dockerd's socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Host(Namespace):
    """A Docker host."""

    def __init__(self, name: str, folder: Path, probe: str, ports: Ports, options: HostOptions,
                 cgroup: str) -> None:
        super().__init__(name, folder, probe, ports, HOST_SETUP)
        self.options = options
        self.cgroup = cgroup
        self.socket = folder / "docker.sock"
        self.dockerd: Optional[Child] = None
        self.containers: List[Container] = []
        if len(str(self.socket)) > 100:
            raise LabError(f"{self.socket}: too long for a socket; set TMPDIR to a short path")

    def boot(self) -> None:
        """Set sysctls and files, start dockerd, load the image."""
        options = self.options
        self.sysctl("ipv4/ip_forward", "1" if options.ip_forward else "0")
        if options.resolvers:
            lines = "".join(f"nameserver {address}\n" for address in options.resolvers)
            self.bind_file("/etc/resolv.conf", lines)
        if options.bridge:
            lines = (f"link add {options.bridge} type bridge\naddress add {options.bip} dev {options.bridge}\n"
                     f"link set {options.bridge} up\n")
            self.netns_exec(["ip", "-batch", "-"], stdin=lines)
        if options.docker:
            self.start_dockerd()
            self._import_image()

    def close(self) -> None:
        super().close()
        for container in self.containers:
            container.stop_children()

    # dockerd

    def _dockerd_argv(self) -> List[str]:
        options = self.options
        argv = ["dockerd", f"--host=unix://{self.socket}", "--host=unix:///run/docker.sock",
                f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec",
                f"--pidfile={self.folder}/docker.pid", f"--config-file={self.folder}/daemon.json",
                f"--userland-proxy={str(options.userland_proxy).lower()}",
                f"--cgroup-parent=/{self.cgroup}", "--exec-opt=native.cgroupdriver=cgroupfs",
                "--storage-driver=overlay2",
                f"--bridge={options.bridge}" if options.bridge else f"--bip={options.bip}"]
        argv += ["--experimental", "--ip6tables"] if options.ip6tables else []
        if options.lenient and engine_version() >= (28,):
            argv += ["--ip6tables=false"] if not options.ip6tables else []
            argv += ["--allow-direct-routing"]
        return [*argv, *options.dockerd_args]

    def start_dockerd(self) -> None:
        """Start dockerd and return when its API answers."""
        (self.folder / "daemon.json").write_text("{}\n")
        pidfile = self.folder / "docker.pid"
        if pidfile.exists():
            pidfile.unlink()  # left by kill_dockerd; its pid may be somebody else's by now
        # A container is a dozen starts of Go programs; with fewer collections it takes a sixth less.
        env = {"PATH": engine_path(), "GOGC": "400"}
        if self.options.lenient:
            env["DOCKER_INSECURE_NO_IPTABLES_RAW"] = "1"  # older ones do not know it
        self.dockerd = self.spawn(self._dockerd_argv(), env)
        wait_until("dockerd's API", self._pings, timeout=90)  # after kill -9: with its containers

    def _pings(self) -> bool:
        assert self.dockerd is not None
        if not self.dockerd.running:
            lines = self.dockerd.lines
            raise LabError("\n".join(["dockerd ended:", *lines[:5], "...", *lines[-20:]]))
        try:
            return self.api("GET", "/_ping", timeout=1.0) == "OK"
        except (OSError, http.client.HTTPException):
            return False

    def stop_dockerd(self) -> None:
        """Stop dockerd as systemd would: containers stop too, without live-restore."""
        assert self.dockerd is not None
        self.dockerd.stop(signal.SIGTERM, timeout=40)

    def kill_dockerd(self) -> None:
        """kill -9: containers and Docker's rules stay, docker-proxy processes die."""
        assert self.dockerd is not None
        self.dockerd.stop(signal.SIGKILL)

    def restart_dockerd(self) -> None:
        """Stop dockerd if it runs, then start it."""
        if self.dockerd is not None and self.dockerd.running:
            self.stop_dockerd()
        self.start_dockerd()

    def call(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Tuple[str, bytes]:
        """One call of Docker's API; the kind and the bytes of the answer."""
        connection = _DockerConnection(str(self.socket), timeout)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read()
            if response.status == 404:
                raise NoSuchThing(f"{method} {path}: {said!r}")
            if response.status >= 400:
                raise LabError(f"{method} {path}: {response.status} {said!r}")
            return response.getheader("Content-Type") or "", said
        finally:
            connection.close()

    def api(self, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        """One call of Docker's API; the parsed JSON, or the text when it is none."""
        kind, said = self.call(method, path, body, timeout)
        return json.loads(said) if kind.startswith("application/json") else said.decode()

    def docker_argv(self, *args: str) -> List[str]:
        """The docker command line against this host's socket."""
        docker = shutil.which("docker", path=engine_path()) or "docker"
        return [docker, "--host", f"unix://{self.socket}", *args]

    def docker(self, *args: str, check: bool = True, timeout: float = 60.0) -> str:
        """Run the docker command, as seen from this host; its stdout."""
        env = {"DOCKER_CONFIG": str(self.folder), "DOCKER_CONTEXT": "default"}
        return run(self.docker_argv(*args), check=check, timeout=timeout, env=env).rstrip("\n")

    # images, networks, containers

    def _import_image(self) -> None:
        tar_path = self.folder / "image.tar"
        write_image(tar_path, self.probe_path)
        self.docker("import", "--change", 'CMD ["probe","serve","tcp/80"]', str(tar_path), IMAGE)
        tar_path.unlink()

    def network(self, name: str, subnet4: Optional[str] = None, subnet6: Optional[str] = None, *,
                internal: bool = False, options: Mapping[str, str] = {}) -> str:
        """Create a bridge network, by default with addresses of Docker's choice; the name of its bridge."""
        args = ["network", "create"]
        args += [f"--subnet={subnet4}"] if subnet4 else []
        args += ["--ipv6", f"--subnet={subnet6}"] if subnet6 else []
        args += ["--internal"] if internal else []
        if self.options.lenient and engine_version() >= (28,) and not internal:
            args += [f"--opt=com.docker.network.bridge.gateway_mode_ipv{family}=nat-unprotected"
                     for family in (4, 6)]
        args += [f"--opt={key}={value}" for key, value in options.items()]
        network_id = self.docker(*args, name)
        return options.get("com.docker.network.bridge.name", f"br-{network_id[:12]}")

    def run(self, name: str, network: str, *, labels: Mapping[str, str] = {},
            publish: Iterable[str] = (), ip: Optional[str] = None, ip6: Optional[str] = None,
            cmd: Sequence[str] = ("probe", "serve", "--log", "tcp/80"), caps: Iterable[str] = (),
            extra: Iterable[str] = (), image: str = IMAGE, wait: Optional[str] = "ready") -> "Container":
        """Start a container and return when it has printed @wait (None: when it was started)."""
        args = ["run", "--detach", f"--name={name}", f"--hostname={name}", f"--network={network}"]
        args += [f"--label={key}={value}" for key, value in labels.items()]
        args += [f"--publish={spec}" for spec in publish]
        args += [f"--ip={ip}"] if ip else []
        args += [f"--ip6={ip6}"] if ip6 else []
        args += [f"--cap-add={cap}" for cap in caps]
        container = Container(name, self.docker(*args, *extra, image, *cmd), self)
        self.containers.append(container)
        if wait:
            container.wait_for_log(wait)
        return container

    def build(self, *commands: str, buildkit: bool = True) -> str:
        """Build an image with a RUN for each of the commands; what they have printed."""
        lines = [f"FROM {IMAGE}", *(f"RUN {json.dumps(['/bin/sh', '-c', c])}" for c in commands)]
        text = ("\n".join(lines) + "\n").encode()
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        connection = _DockerConnection(str(self.socket), 60)
        try:
            connection.request("POST", f"/build?version={2 if buildkit else 1}&nocache=1&rm=1",
                               context.getvalue(), {"Content-Type": "application/x-tar"})
            messages = [json.loads(line) for line in connection.getresponse().read().splitlines()]
        finally:
            connection.close()
        failures = [m for m in messages if "error" in m or "message" in m]
        if failures:
            raise LabError(f"build: {failures}")
        # BuildKit tells what it does in records that have the output in them as it is.
        return "".join(m.get("stream", "") if not isinstance(m.get("aux"), str) else
                       base64.b64decode(m["aux"]).decode(errors="replace") for m in messages)

    def exec_in(self, container: "Container", argv: Sequence[str], **options: Any) -> str:
        """Run @argv in the container as `docker exec` does, with its capabilities."""
        return container.exec(argv, **options)


class Container(Place):
    """A container; as a Place, its network namespace (with all capabilities)."""

    def __init__(self, name: str, container_id: str, host: Host) -> None:
        super().__init__(name, host.probe_path, host.ports)
        self.id = container_id
        self.host = host
        self._pid = 0

    def inspect(self) -> Dict[str, Any]:
        """What Docker knows about it."""
        return dict(self.host.api("GET", f"/containers/{self.id}/json"))

    @property
    def pid(self) -> int:
        """Its first process, as the host numbers it; 0 when it does not run."""
        return int(self.inspect()["State"]["Pid"])

    def address(self, network: str, family: int = 4) -> str:
        """Its IPv4 or IPv6 address on @network."""
        endpoint = self.inspect()["NetworkSettings"]["Networks"][network]
        return str(endpoint["IPAddress" if family == 4 else "GlobalIPv6Address"])

    def enter(self, argv: Sequence[str]) -> List[str]:
        self._pid = self._pid or self.pid
        return self.host.enter(["nsenter", "-t", str(self._pid), "-n", "--", *argv])

    def net(self, name: str) -> str:
        self._pid = self._pid or self.pid
        return read_net(Path(f"/proc/{self.host.pid}/root/proc/{self._pid}"), name)

    def exec(self, argv: Sequence[str], *, stdin: str = "", check: bool = True,
             timeout: float = 30.0) -> str:
        """docker exec; its stdout."""
        return run(self.host.docker_argv("exec", "--interactive", self.id, *argv), stdin=stdin,
                   check=check, timeout=timeout, env={"DOCKER_CONFIG": str(self.host.folder)})

    def logs(self) -> str:
        """What it has printed so far."""
        _, rest = self.host.call("GET", f"/containers/{self.id}/logs?stdout=1")
        parts = []
        while rest:  # a head of eight bytes, whose last four say how long a part is
            end = 8 + int.from_bytes(rest[4:8], "big")
            parts.append(rest[8:end])
            rest = rest[end:]
        return b"".join(parts).decode().rstrip("\n")

    def wait_for_log(self, text: str, timeout: float = PATIENCE_S) -> None:
        """Return when @text is among what it prints; LabError when it ends before."""
        connection = _DockerConnection(str(self.host.socket), timeout)
        seen = b""
        try:
            connection.request("GET", f"/containers/{self.id}/logs?follow=1&stdout=1&stderr=1")
            response = connection.getresponse()
            while text.encode() not in seen:
                part = response.read1(4096)
                if not part and text in self.logs():
                    return  # a follower of one that ends at once may be told nothing (Docker 26)
                if not part:
                    raise LabError(f"{self.name} ended without {text!r}: {seen!r}")
                seen += part
        finally:
            connection.close()

    def forget(self) -> None:
        """Look its process up again: needed after any stop and start of the container."""
        self._pid = 0

    def start(self, ready: str = "ready") -> None:
        """docker start of one that has run before: its log begins with what it said then."""
        said = self.logs().count(ready)
        self.host.docker("start", self.id)
        self.forget()
        wait_until(f"{self.name} to be {ready}", lambda: self.logs().count(ready) > said)

    def restart(self) -> None:
        """docker restart; the pid and the network namespace change."""
        self.host.docker("restart", "--time=2", self.id)
        self.forget()

    def remove(self) -> None:
        """As docker rm -f: nothing when it is gone."""
        with contextlib.suppress(NoSuchThing):
            self.host.call("DELETE", f"/containers/{self.id}?force=1", timeout=60.0)
        self.stop_children()
