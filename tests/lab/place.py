# SPDX-License-Identifier: GPL-2.0-or-later
"""Places where a command can run: namespaces of the lab, and containers in them.

A Namespace is a network, mount and process namespace whose first process is
`probe init`.  That process ends when its stdin does, that is when this Python
process closes the pipe or dies, kill -9 included; the kernel then kills
everything inside.  So no lab outlives its owner, and no process of a lab is
ever looked for by name.
"""
from __future__ import annotations

import os
import queue
import random
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, TypeVar

T = TypeVar("T")
PATIENCE_S = 60.0  # a wait ends with what it waits for; this ends a test that would wait for ever
PORT_BLOCK = 40000  # probe connect counts source ports modulo this many


class LabError(Exception):
    """Something in the lab, not in the tested program, went wrong."""


class Probe(NamedTuple):
    """One question: can this be reached?"""

    proto: str  # "tcp" or "udp"
    addr: str
    port: int


class Result(NamedTuple):
    """The answer: open, closed, timeout, unreachable or late, and what was heard."""

    state: str
    text: str


def children_of(pid: int) -> List[int]:
    """The direct children of @pid; none when it is gone."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def name_of(pid: int) -> str:
    """The name of the process; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until(what: str, check: Callable[[], Optional[T]], timeout: float = PATIENCE_S) -> T:
    """Call @check every 10 ms until it returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"gave up after {timeout:g} s waiting for {what}")
        time.sleep(0.01)


def _kill_inner(process: "subprocess.Popen[str]", signum: int) -> None:
    """Signal what nsenter runs for us, or @process itself when it is no nsenter.

    nsenter into a process namespace forks and does not forward signals."""
    inner = children_of(process.pid) if "nsenter" in str(process.args) else []
    while inner and "nsenter" in _command_of(inner[0]) and children_of(inner[0]):
        inner = children_of(inner[0])
    # It stops with what it runs, but does not go on with it.
    own = [process.pid] if signum == signal.SIGCONT or not inner else []
    for pid in [*inner, *own]:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass  # ended meanwhile


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run(
    argv: Sequence[str],
    *,
    stdin: str = "",
    timeout: float = 30.0,
    check: bool = True,
    env: Optional[Mapping[str, str]] = None,
) -> str:
    """Run @argv to its end and return its stdout; LabError when it fails (or @check is off)."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=None if env is None else {**os.environ, **env},
    )
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except BaseException:
        _kill_inner(process, signal.SIGKILL)
        process.kill()
        process.communicate()
        raise
    if check and process.returncode != 0:
        raise LabError(f"{' '.join(argv)}: exit {process.returncode}\n{out}{err}")
    return out


def build_library(folder: "Path | str", source: str) -> str:
    """The C file @source, of tests, as a library in @folder for LD_PRELOAD; its path."""
    library = str(Path(folder) / (Path(source).stem + ".so"))
    run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library,
         str(Path(__file__).resolve().parents[1] / source)])
    return library


class Child:
    """A long-running process; its output is collected line by line."""

    def __init__(self, argv: Sequence[str], env: Optional[Mapping[str, str]] = None,
                 stdin: int = subprocess.DEVNULL) -> None:
        """@stdin: subprocess.PIPE for one that write() speaks to."""
        self.argv = list(argv)
        self.lines: List[str] = []
        self._fresh: "queue.Queue[Optional[str]]" = queue.Queue()
        self._process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=None if env is None else {**os.environ, **env},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._fresh.put(self.lines[-1])
        self._fresh.put(None)

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process as this machine numbers it (inside nsenter, not nsenter)."""
        if "nsenter" not in self.argv[0]:
            return self._process.pid
        return wait_until("nsenter to fork", lambda: children_of(self._process.pid))[0]

    def wait_for_line(self, pattern: str, timeout: float = PATIENCE_S) -> str:
        """The next line, not yet returned by this method, in which @pattern is found."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._fresh.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise LabError(f"{self.argv}: no line {pattern!r}; it said {self.lines[-20:]}")
            if re.search(pattern, line):
                return line

    def forget_lines(self) -> None:
        """Let wait_for_line look only at what is printed from now on."""
        while not self._fresh.empty():
            self._fresh.get()

    def write(self, text: str) -> None:
        """To its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def send_signal(self, signum: int) -> None:
        """Send @signum to the process itself."""
        _kill_inner(self._process, signum)
        if signum == signal.SIGCONT:
            self._process.send_signal(signum)  # nsenter stops with what it has begun

    def freeze(self) -> None:
        """Let it stand still."""
        self.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; nsenter has stopped with what it runs."""
        self.send_signal(signal.SIGCONT)
        self._process.send_signal(signal.SIGCONT)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        code = self._process.wait(timeout)
        self._reader.join(timeout)
        return code

    def stop(self, signum: int = signal.SIGTERM, timeout: float = 10.0) -> List[str]:
        """Signal the process, wait for its end (kill it if need be), return all its lines."""
        if self.running:
            if "nsenter" in self.argv[0]:
                wait_until("a child", lambda: children_of(self._process.pid) or not self.running)
            self.send_signal(signum)
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            self.wait(timeout)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self.lines


class Ports:
    """Source ports nobody used before: connection tracking must see new flows only."""

    def __init__(self) -> None:
        self._next = random.randrange(PORT_BLOCK)

    def take(self, count: int) -> int:
        """Reserve @count ports; the base for `probe connect --port-base`."""
        base, self._next = self._next, (self._next + count) % PORT_BLOCK
        return base


def read_net(process: Path, name: str) -> str:
    """/proc/net/NAME as the process sees it whose folder in /proc that is."""
    try:
        return (process / "net" / name).read_text()
    except OSError as error:
        raise LabError(f"{process}: {name}: {error}") from error


class Place:
    """Anything a command can be run in."""

    def __init__(self, name: str, probe: str, ports: Ports) -> None:
        self.name = name
        self.probe_path = probe
        self.ports = ports
        self.children: List[Child] = []

    def enter(self, argv: Sequence[str]) -> List[str]:
        """The command line that runs @argv in this place."""
        raise NotImplementedError

    def netns_exec(self, argv: Sequence[str], **options: object) -> str:
        """Run @argv here to its end; options as those of run()."""
        return run(self.enter(argv), **options)  # type: ignore[arg-type]

    def net(self, name: str) -> str:
        """The text of /proc/net/NAME here, without a process to read it: it is asked for in a loop."""
        raise NotImplementedError

    def spawn(self, argv: Sequence[str], env: Optional[Mapping[str, str]] = None) -> Child:
        """Start @argv here and leave it running."""
        child = Child(self.enter(argv), env)
        self.children.append(child)
        return child

    def probe(self, *args: str) -> Child:
        """Start the probe tool here with these arguments."""
        return self.spawn([self.probe_path, *args])

    def stop_children(self) -> None:
        """End what spawn() and probe() have started here."""
        for child in self.children:
            child.stop()

    def serve(self, *specs: str) -> Child:
        """Serve "tcp/80", "udp/53" and so on here; returns when all ports listen."""
        child = self.probe("serve", "--log", *specs)
        child.wait_for_line("^ready$")
        return child

    def probe_many(
        self, probes: Iterable[Probe], timeout_ms: int = 700, source: Optional[str] = None,
        options: Sequence[str] = ()
    ) -> Dict[Probe, Result]:
        """Ask all @probes at once from here, each from a source port not used before."""
        wanted = [Probe(*probe) for probe in dict.fromkeys(probes)]
        argv = [self.probe_path, "connect", "--timeout-ms", str(timeout_ms)]
        argv += ["--port-base", str(self.ports.take(len(wanted)))]
        argv += ["--source", source] if source else []
        argv += options
        text = "".join(f"{p.proto} {p.addr} {p.port}\n" for p in wanted)
        out = self.netns_exec([*argv, "-"], stdin=text, timeout=timeout_ms / 1000 + 20)
        answers = [line.split(" ", 4) for line in out.splitlines()]
        if len(answers) != len(wanted):
            raise LabError(f"{self.name}: {len(wanted)} probes, {len(answers)} answers")
        return {p: Result(a[0], a[4]) for p, a in zip(wanted, answers)}


class Namespace(Place):
    """A network, mount and process namespace of its own."""

    def __init__(self, name: str, folder: Path, probe: str, ports: Ports, setup: str) -> None:
        """Build it; @setup is a shell script that runs inside, before anything else."""
        super().__init__(name, probe, ports)
        self.folder = folder
        folder.mkdir()
        script = f'{setup}\nexec "$PROBE" init'
        self._unshare = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--mount-proc"]
            + ["--propagation", "private", "sh", "-euc", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PROBE": probe, "FOLDER": str(folder), "NAME": name},
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != "ready\n":
            raise LabError(f"namespace {name}: {self._unshare.communicate()[1]}")
        self.pid = children_of(self._unshare.pid)[0]
        (folder / "pid").write_text(f"{self.pid}\n")

    def enter(self, argv: Sequence[str]) -> List[str]:
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-u", "--", *argv]

    def net(self, name: str) -> str:
        return read_net(Path(f"/proc/{self.pid}"), name)

    def sysctl(self, key: str, value: str) -> None:
        """Set a net.* sysctl of this namespace, e.g. "ipv4/ip_forward"."""
        self.netns_exec(["sh", "-euc", f"echo {value} > /proc/sys/net/{key}"])

    def bind_file(self, path: str, text: str) -> None:
        """Let @path, which exists, have the content @text in this namespace only."""
        copy = self.folder / ("file" + path.replace("/", "-"))
        copy.write_text(text)
        self.netns_exec(["mount", "--bind", str(copy), path])

    def close(self) -> None:
        """Kill everything inside; returns when the kernel is done with it."""
        self._unshare.communicate(timeout=30)
        self.stop_children()
