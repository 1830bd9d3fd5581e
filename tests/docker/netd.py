# SPDX-License-Identifier: GPL-2.0-or-later
"""netd inside a Docker host of the lab, and what to ask it.

    netd = Netd(lab.host, POLICY)
    netd.start().wait_synced()
    netd.allowed("web", "db", "5432/tcp")
    netd.apply(OTHER_POLICY)

The control sockets are spoken to directly, one JSON object a line, so that these
tests need the daemon and nothing else.  $NETD names the program under test.
With READER=1 it asks Docker as netd.service does, through netd-reader.
"""
from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import sys
import unittest
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "lab"))

# pylint: disable=wrong-import-position
from lab import (OFFICE, OUTSIDE, Child, Container, Host, HostOptions, Lab, LabError, Link,
                 Matrix, Place, PodmanHost, Probe, Result, engine_version, is_podman)
from place import PATIENCE_S, build_library, children_of, run, wait_until

__all__ = ["Child", "Container", "DockerCase", "Host", "HostOptions", "Lab", "LabError", "Link",
           "Matrix", "Netd", "OFFICE", "POLICIES", "OUTSIDE", "FEW", "Place", "PodmanHost", "Probe", "Refused", "Result",
           "Reader", "TRIES", "build_library", "children_of", "engine_version", "figure", "netd_program",
           "reader_program", "run", "wait_until"]

POLICIES = TESTS.parent / "policies"
# What is a matter of luck is tried this often; where a try takes seconds, FEW times.
TRIES = int(os.environ.get("TRIES", "50"))
FEW = max(2, TRIES // 10)
SANITIZER_SIGNS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "UndefinedBehavior")


def netd_program() -> str:
    """The netd under test."""
    return os.environ.get("NETD", str(TESTS.parent / "build" / "netd"))


def reader_program() -> str:
    """The netd-reader that belongs to it."""
    return str(Path(netd_program()).with_name("netd-reader"))


def is_sanitized() -> bool:
    """netd has the address sanitizer, whose library wants to be the first of all that are loaded:
    nothing can be preloaded then, for nsenter and nice would get it, too."""
    return "libasan" in run(["ldd", netd_program()])


def figure(name: str, value: object) -> None:
    """Print something that was measured; the runner collects these lines."""
    print(f"FIGURE {name}: {value}", file=sys.stderr, flush=True)


STALLS: List[int] = []  # the longest of each daemon, in microseconds


def print_stalls() -> None:
    """The longest of all, when these tests have ended."""
    if STALLS:  # netd counts those of more than 100 ms
        figure("longest stall of netd's loop", f"{max(STALLS) / 1000:.0f} ms, in "
               f"{sum(stall > 0 for stall in STALLS)} of {len(STALLS)} runs")


atexit.register(print_stalls)


class Refused(Exception):
    """netd answered with something else than ok or finding."""

    def __init__(self, answer: Dict[str, Any]) -> None:
        super().__init__(f"{answer.get('code')}: {answer.get('error', answer)}")
        self.code = str(answer.get("code"))
        self.answer = answer


class Reader:
    """netd-reader between a host's dockerd and whoever asks at its socket."""

    def __init__(self, host: Host, peer: str = "65534") -> None:
        self.host, self.peer = host, peer
        self.socket = host.folder / "reader.sock"
        self.child: Optional[Child] = None

    @property
    def url(self) -> str:
        """For --docker."""
        return f"unix://{self.socket}"

    def start(self) -> "Reader":
        """Start it and return when it listens; nothing when it runs."""
        if self.child is not None and self.child.running:
            return self
        self.socket.unlink(missing_ok=True)
        self.child = self.host.spawn([reader_program(), "--socket", str(self.socket), "--docker",
                                      str(self.host.socket), "--peer", self.peer])
        wait_until("netd-reader to listen", self.socket.exists)
        self.socket.chmod(0o666)  # netd may run as somebody else; who may ask it sees itself
        return self

    def stop(self) -> None:
        """SIGTERM.  Fails when it did not end well: a crash, or what a sanitizer has found."""
        if self.child is None:
            return
        self.child.stop(signal.SIGTERM)
        if self.child.wait() != 0:
            raise AssertionError("\n".join(["netd-reader is broken:", *self.child.lines[-60:]]))
        self.child = None

    def __enter__(self) -> "Reader":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Netd:
    """The daemon, its policy file, its state folder and its sockets."""

    def __init__(self, host: Host, policy: Optional[str], *, args: Sequence[str] = (),
                 env: Mapping[str, str] = {}, prefix: Sequence[str] = ()) -> None:
        self.host = host
        self.folder = host.folder / "netd"
        self.folder.mkdir(exist_ok=True)
        self.policy_path = self.folder / "policy.yaml"
        self.state = self.folder / "state"
        self.state.mkdir(exist_ok=True)
        self.socket = self.folder / "netd.sock"
        self.args, self.env, self.prefix = list(args), dict(env), list(prefix)
        self.child: Optional[Child] = None
        self.was_paused = False
        self.reader = Reader(host) if os.environ.get("READER") == "1" else None
        if policy is not None:
            self.write_policy(policy)

    # Life

    def argv(self) -> List[str]:
        """The command line, with the priority that netd.service gives."""
        return ["nice", "-n", "-10", *self.prefix, netd_program(), "--policy",
                str(self.policy_path), "--state", str(self.state), "--socket", str(self.socket),
                *(["--engine", "podman"] if is_podman() else []),
                *(["--docker", self.reader.url] if self.reader else []), *self.args]

    def start(self, timeout: float = PATIENCE_S) -> "Netd":
        """Start it and return at READY=1: the rules are in force, Docker may not be read yet."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            path.chmod(0o777)  # netd may run as somebody else
            notify.settimeout(0.1)
            self.child = self.spawn({"NOTIFY_SOCKET": str(path)})
            wait_until("READY=1 of netd", lambda: self._notified(notify), timeout)
        return self

    def spawn(self, env: Mapping[str, str] = {}) -> Child:
        """Start it without waiting for anything."""
        if self.reader:
            self.reader.start()
        self.child = self.host.spawn(self.argv(), {**self.env, **env})
        return self.child

    def _notified(self, notify: socket.socket) -> bool:
        assert self.child is not None
        if not self.child.running:
            raise LabError(f"netd ended with {self.child.wait()}:\n{self.log()}")
        try:
            return b"READY=1" in notify.recv(4096)
        except socket.timeout:
            return False

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.running

    def log(self) -> str:
        """What it has logged since it was started last."""
        return "" if self.child is None else "\n".join(self.child.lines)

    def pause(self) -> None:
        """SIGSTOP: it stands still, as on a machine that has no time for it."""
        assert self.child is not None
        self.was_paused = True
        self.child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT; nothing when it does not stand still."""
        assert self.child is not None
        self.child.send_signal(signal.SIGCONT)

    def _note_stalls(self) -> None:
        """The longest time that its loop has stood still by itself, before it is gone."""
        if self.running and not self.was_paused and not self.prefix:
            try:
                STALLS.append(int(self.status()["stalls"]["longest_us"]))
            except (OSError, LabError, Refused, KeyError):
                pass  # it is about to end, or has not come that far

    def kill9(self) -> None:
        """kill -9, as the kernel's out-of-memory killer would."""
        assert self.child is not None
        self.child.stop(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit code.  Fails on anything that a sanitizer has found."""
        assert self.child is not None
        self._note_stalls()
        self.child.stop(signal.SIGTERM, 20)
        found = [line for line in self.child.lines if any(s in line for s in SANITIZER_SIGNS)]
        if found:
            raise AssertionError("\n".join(["netd is broken:", *self.child.lines[-60:]]))
        return self.child.wait()

    def off(self) -> None:
        """Stop it and remove its tables: plain Docker again."""
        try:
            if self.child is not None:
                self.stop()
        finally:
            if self.reader:
                self.reader.stop()
            tables = self.host.netns_exec(["nft", "list", "tables"]).splitlines()
            script = "".join(f"delete {table}\n" for table in tables if table.endswith(" netd"))
            self.host.netns_exec(["nft", "-f", "-"], stdin=script)

    def __enter__(self) -> "Netd":
        return self

    def __exit__(self, *_: object) -> None:
        if self.child is not None:
            self.off()

    def forget_state(self) -> None:
        """Empty the state folder, as on a new machine."""
        shutil.rmtree(self.state)
        self.state.mkdir()

    # Policy

    def write_policy(self, text: str) -> None:
        """Replace the policy file as an editor would: a new file, moved over the old one."""
        new = self.policy_path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.policy_path)

    def reload(self) -> Dict[str, Any]:
        """netdctl reload."""
        return self.ask("reload")

    def apply(self, text: str, confirm_s: float = 0) -> Dict[str, Any]:
        """netdctl apply; returns when it is in force."""
        files = [{"name": "applied.yaml", "text": text}]
        return self.ask("apply", files=files, **({"confirm_s": confirm_s} if confirm_s else {}))

    # Questions

    def send(self, line: str, admin: bool = True, timeout: float = PATIENCE_S) -> Dict[str, Any]:
        """One line to a control socket; the answer as it is."""
        path = self.folder / ("netd-admin.sock" if admin else "netd.sock")
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(timeout)
            control.connect(str(path))
            control.sendall(line.encode() + b"\n")
            with control.makefile("rb") as stream:
                answer = stream.readline()
        if not answer:
            raise LabError(f"netd closed the connection on {line[:200]}\n{self.log()}")
        return dict(json.loads(answer))

    def ask(self, verb: str, *, admin: bool = True, **arguments: Any) -> Dict[str, Any]:
        """The report of one verb; Refused when there is none."""
        answer = self.send(json.dumps({"v": 1, "verb": verb, **arguments}), admin)
        if answer["code"] not in ("ok", "finding") or "report" not in answer:
            raise Refused(answer)
        return dict(answer["report"])

    def status(self) -> Dict[str, Any]:
        """netdctl status."""
        return self.ask("status", admin=False)

    def explain(self, source: str, destination: str, port: str) -> Dict[str, Any]:
        """netdctl explain: the report."""
        return self.ask("explain", admin=False, **{"from": source, "to": destination, "port": port})

    def allowed(self, source: str, destination: str, port: str, family: int) -> Optional[bool]:
        """explain's verdict for one family; None where it knows no such flow."""
        ways = [way for way in self.explain(source, destination, port)["ways"]
                if int(way["family"]) == family]
        return any(way["allowed"] for way in ways) if ways else None

    # Waiting

    def _sync_state(self, unknown: int = 0) -> Optional[Dict[str, Any]]:
        try:
            status = self.status()
        except OSError:
            if not self.running:
                raise LabError(f"netd has ended:\n{self.log()}") from None
            return None
        if not str(status["docker"]["link"]).startswith("up") or "endpoints" not in status:
            return None
        endpoints = status["endpoints"]
        closed = int(endpoints["port-unknown"]) + int(endpoints["unknown"]) - unknown
        others = ("port-unknown", "unmanaged", "not-enforced")  # of the others, or on no bridge
        total = sum(int(count) for name, count in endpoints.items() if name not in others)
        return status if closed == 0 and total == self.count_endpoints() else None

    def count_endpoints(self) -> int:
        """Running containers' endpoints on bridges, or at a parent, as the engine counts them."""
        if isinstance(self.host, PodmanHost):
            return self.host.count_endpoints()
        networks = [network for network in self.host.api("GET", "/networks")
                    if network["Driver"] == "bridge"
                    or network["Options"].get("parent", "br-").startswith(("lan", "wan"))]
        return sum(len(self.host.api("GET", f"/networks/{network['Id']}")["Containers"] or {})
                   for network in networks)

    def wait_synced(self, timeout: float = PATIENCE_S, unknown: int = 0) -> Dict[str, Any]:
        """Wait until everything that runs on Docker is known and in the rules, but for so many whose
        tier nobody can tell; the status."""
        return wait_until("netd to know all endpoints", lambda: self._sync_state(unknown), timeout)

    def wait_generation(self, beyond: int, timeout: float = PATIENCE_S) -> int:
        """Wait for a generation after @beyond; its number."""

        def later() -> Optional[int]:
            generation = int(self.status()["generation"])
            return generation if generation > beyond else None

        return wait_until(f"a generation after {beyond}", later, timeout)

    @property
    def generation(self) -> int:
        """The number of commits so far."""
        return int(self.status()["generation"])


class DockerCase(unittest.TestCase):
    """One lab for all tests of a class."""

    lab: Lab
    options = HostOptions()
    neighbours: Sequence[Link] = (OUTSIDE, OFFICE)

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab(cls.options, cls.neighbours)
        cls.addClassCleanup(cls.lab.close)
        cls.lab.start()
        cls.maxDiff = None

    def start_netd(self, policy: str, unknown: int = 0, **options: Any) -> Netd:
        """netd until the end of this test; waits for Docker's facts, as wait_synced()."""
        netd = Netd(self.lab.host, policy, **options)
        netd.forget_state()
        self.addCleanup(netd.off)
        netd.start().wait_synced(unknown=unknown)
        return netd

    def container(self, name: str, network: str, **options: Any) -> Container:
        """A container until the end of this test."""
        container = self.lab.host.run(name, network, **options)
        self.addCleanup(container.remove)
        return container

    def states(self, place: Place, *probes: Probe, timeout_ms: int = 500) -> List[str]:
        """The states of probes from @place, in order."""
        results = place.probe_many(probes, timeout_ms)
        return [results[probe].state for probe in probes]

    def assert_open(self, place: Place, *probes: Probe) -> None:
        """All of them answer.  Waits long: a slow machine is no denial."""
        results = place.probe_many(probes, 3000)
        closed = [f"{p} {results[p]}" for p in probes if results[p].state != "open"]
        self.assertEqual([], closed, f"from {place.name}")

    def assert_denied(self, place: Place, *probes: Probe) -> None:
        """None of them answers."""
        results = place.probe_many(probes, 500)
        opened = [f"{p} {results[p]}" for p in probes if results[p].state == "open"]
        self.assertEqual([], opened, f"from {place.name}")
