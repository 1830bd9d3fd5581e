# SPDX-License-Identifier: GPL-2.0-or-later
"""Docker hosts and their neighbours to test on, made of namespaces.

    with Lab() as lab:
        lab.host.network("frontend", "172.31.1.0/24", "fd00:31:1::/64")
        web = lab.host.run("web", "frontend", publish=["8080:80"])
        lab.outside.probe_many([Probe("tcp", "192.0.2.1", 8080)])

A Host has its own dockerd, packet filter, connection tracking and sysctls, and
no way out: the machine's own network is never touched.  Needs root; without
root or Docker, Lab() skips the test and says why.
"""
from __future__ import annotations

import atexit
import errno
import fcntl
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from host import (OFFICE, OUTSIDE, Container, Host, HostOptions, Link, Neighbour,
                  engine_path, engine_version, is_podman)
from matrix import Matrix
from podman import PodmanHost
from place import Child, LabError, Namespace, Place, Ports, Probe, Result, run, wait_until

__all__ = ["Child", "Container", "Host", "HostOptions", "Lab", "LabError", "Link", "Matrix",
           "Neighbour", "OFFICE", "OUTSIDE", "Place", "PodmanHost", "Probe", "Result", "build_probe",
           "cgroups_of", "engine_version", "is_podman", "missing", "probe_many", "probe_matrix", "processes_of", "remove_leftovers"]

PREFIX = "netd-lab-"
TOOLS = ("dockerd", "docker", "nft", "iptables", "ip", "unshare", "nsenter", "busybox", "gcc")
HERE = Path(__file__).resolve().parent

def missing() -> Optional[str]:
    """Why no lab can be built on this machine, or None."""
    if os.geteuid() != 0:
        return "not root"
    tools = [*TOOLS, "podman"] if is_podman() else TOOLS
    absent = [tool for tool in tools if shutil.which(tool, path=engine_path()) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def build_probe(path: str) -> None:
    """The tool inside as @path. Who makes many labs makes it once and names it in $PROBE_TOOL."""
    run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-static", "-o", path,
         *sorted(str(source) for source in HERE.glob("probe*.c"))], timeout=180)


def probe_many(source: Place, probes: Iterable[Tuple[str, str, int]],
               timeout_ms: int = 700) -> Dict[Probe, Result]:
    """Ask all @probes at once from a container, the host or a neighbour."""
    return source.probe_many([Probe(*probe) for probe in probes], timeout_ms)


def probe_matrix(sources: Iterable[Place], targets: Mapping[str, Probe],
                 timeout_ms: int = 700) -> Matrix:
    """Every source asks every target; the states as a table."""
    matrix = Matrix()
    for source in sources:
        results = source.probe_many(targets.values(), timeout_ms)
        for name, probe in targets.items():
            matrix[source.name, name] = results[probe].state
    return matrix


class Lab:
    """One Docker host and its neighbours; more can be added."""

    def __init__(self, options: HostOptions = HostOptions(),
                 neighbours: Sequence[Link] = (OUTSIDE,)) -> None:
        self.options = options
        self.links = neighbours
        self.ports = Ports()
        self.places: List[Namespace] = []
        self.timings: Dict[str, float] = {}
        self._lock = -1
        self._old_handler: Any = None

    # Life

    def __enter__(self) -> "Lab":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> "Lab":
        """Build everything.  Raises unittest.SkipTest where that is impossible."""
        reason = missing()
        if reason:
            raise unittest.SkipTest(f"SKIP: {reason}")
        remove_leftovers()
        self._handle_sigterm()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _lock_folder(self.folder)
        try:
            self._measure("probe tool", self._build_probe)
            self.host = self._measure("host", lambda: self.add_host("host", self.options))
            for link in self.links:
                self._measure(link.name, lambda link=link: self.add_neighbour(link, self.host))
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Take everything down.  Does nothing the second time."""
        if self._lock < 0:
            return
        if self._old_handler is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # half a cleanup is worse than a late one
        failures: List[Exception] = []
        for place in reversed(self.places):
            try:
                place.close()
            except (OSError, LabError, subprocess.SubprocessError) as error:
                failures.append(error)
        _remove_cgroups(self.folder.name)
        shutil.rmtree(self.folder)
        os.close(self._lock)
        self._lock = -1
        atexit.unregister(self.close)
        if self._old_handler is not None:
            signal.signal(signal.SIGTERM, self._old_handler)
            self._old_handler = None
        if failures:
            raise LabError(f"not all of the lab came down: {failures}")

    def _handle_sigterm(self) -> None:
        """Let SIGTERM unwind the stack as Ctrl-C does, so that cleanup runs.

        Not SystemExit: unittest would take that for one failed test and go on."""

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt("SIGTERM")

        atexit.register(self.close)
        if threading.current_thread() is threading.main_thread():
            self._old_handler = signal.signal(signal.SIGTERM, interrupt)

    def _measure(self, what: str, step: Any) -> Any:
        begin = time.monotonic()
        result = step()
        self.timings[what] = time.monotonic() - begin
        return result

    # Parts

    def _build_probe(self) -> None:
        """In the folder, whose name tells of what it runs as."""
        self.probe = str(self.folder / "probe")
        if "PROBE_TOOL" in os.environ:
            shutil.copy(os.environ["PROBE_TOOL"], self.probe)
        else:
            build_probe(self.probe)

    def add_host(self, name: str, options: HostOptions = HostOptions()) -> Host:
        """One more Docker host, or one of podman's."""
        kind = PodmanHost if is_podman() else Host
        host = kind(name, self.folder / name, self.probe, self.ports, options, self.folder.name)
        self.places.append(host)
        host.boot()
        return host

    def add_neighbour(self, link: Link, host: Host) -> Neighbour:
        """One more machine, on a wire of its own to @host; also self.<name>."""
        neighbour = Neighbour(link, self.folder / link.name, self.probe, self.ports)
        self.places.append(neighbour)
        neighbour.plug_into(host)
        setattr(self, link.name, neighbour)
        return neighbour


# What a lab leaves outside its namespaces: a folder in the temporary directory
# and empty cgroups of the same name.  The owner holds a lock on the folder, so
# a folder that can be locked belongs to nobody any more.


def _lock_folder(folder: Path) -> int:
    """Lock a new folder.  The file gets its name locked: remove_leftovers() cannot come between."""
    fd = os.open(folder / "lock.new", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.rename(folder / "lock.new", folder / "lock")
    return fd


def _try_lock(folder: Path) -> int:
    """The locked descriptor of an abandoned folder, or -1."""
    try:
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return -1
    return fd


def remove_leftovers() -> List[str]:
    """Remove what labs whose owner was killed have left; their names."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        lock = _try_lock(folder)
        if lock < 0:
            continue
        wait_until(f"{folder} to be idle", lambda folder=folder: not processes_of(folder), 30)
        _remove_cgroups(folder.name)
        shutil.rmtree(folder)
        os.close(lock)
        removed.append(folder.name)
    return removed


def processes_of(folder: Path) -> List[int]:
    """The processes of the lab in @folder.

    They name the folder on their command line (`probe init`, dockerd, containerd and its
    shims) or run in one of its cgroups (containers).  docker-proxy does neither, but
    `probe init` is reaped only after everything else in its namespace."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "cgroup").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        if folder.name.encode() in words:
            found.append(int(entry.name))
    return found


def cgroups_of(name: str) -> List[str]:
    """The cgroups of the lab @name, innermost first."""
    roots = glob.glob(f"/sys/fs/cgroup/{name}") + glob.glob(f"/sys/fs/cgroup/*/{name}")
    return [path for root in roots for path, _, _ in os.walk(root, topdown=False)]


def _remove_cgroups(name: str) -> None:
    """A cgroup can stay busy for a moment after its last process was reaped."""

    def all_gone() -> bool:
        for path in cgroups_of(name):
            try:
                os.rmdir(path)
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.ENOENT, errno.ENOTEMPTY):
                    raise
        return not cgroups_of(name)

    wait_until(f"the cgroups of {name} to be empty", all_gone)


def _shell(place: Optional[str]) -> int:
    """Open a shell in a running lab, or build one for the purpose."""
    if place is not None:
        running = [f for f in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{place}/pid")]
        if not running:
            raise SystemExit(f"no running lab has a place {place!r}")
        newest = max(running, key=lambda path: path.stat().st_mtime)
        pid = newest.read_text().strip()
        return subprocess.call(["nsenter", "-t", pid, "-m", "-n", "-p", "-u", "--", "sh"])
    try:
        with Lab(neighbours=(OUTSIDE, OFFICE)) as lab:
            print(f"host: {lab.folder}; neighbours: outside, office; exit ends the lab")
            return subprocess.call(lab.host.enter(["sh"]))
    except unittest.SkipTest as reason:
        raise SystemExit(str(reason)) from None


if __name__ == "__main__":
    sys.exit(_shell(sys.argv[1] if len(sys.argv) > 1 else None))
