# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures beside a real engine: containers that start, what netd-reader adds, a tier with require."""
from __future__ import annotations

import json
import random
import selectors
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Callable, Dict, List, Sequence, Tuple

from figures import Samples, Table, memory_mib, over, private_mib, say, spread
from lab import Lab, LabError
from netd import Netd, Reader
from place import run, wait_until

CONTAINERS, STARTS = 100, 30
IDLE_S = 30
ROUNDS_READER, EVENTS = 10, 40
ROUNDS_REQUIRE, STARTS_REQUIRE = 8, 30
ROUNDS_ENGINES = 8
ENGINES = {"Docker 20.10": "", "Docker 26.1": "26", "Docker 28.5": "28"}
ROUNDS_BULK, BULK, AT_ONCE = 5, 50, 8
ROUNDS_BOOT, BOOT = 3, 200

POLICY = """version: 1
tiers:
  front: {match: [{network: front}]}
  back: {match: [{network: back}]}
allow:
  - {from: front, to: back, ports: [8080/tcp]}
  - {from: world, to: front, ports: [80/tcp]}
"""


REQUIRE = """
    require: {user: non-root, capabilities: {drop: all}, read_only: true, no_new_privileges: true, privileged: false,
              docker_socket: false, host_namespaces: false, devices: none, secrets_in_environment: false}"""
CONFORMS = ("--user=1000:1000", "--cap-drop=ALL", "--read-only", "--security-opt=no-new-privileges")


def wakeups(pid: int) -> int:
    """How often the process went to sleep, that is, was woken."""
    return sum(int(line.split()[1]) for status in Path(f"/proc/{pid}/task").glob("*/status")
               for line in status.read_text().splitlines() if line.startswith("voluntary"))


def wait_quiet(pid: int, quiet_s: float = 40, timeout: float = 200) -> None:
    """Until the process was woken by the loop's own beat alone for a while, once a second: what a
    burst of events left behind is over. (The kernel tells of a bridge's ports once more when their timers run out, half a minute later.)"""
    state = [wakeups(pid), time.monotonic()]

    def is_quiet() -> bool:
        if wakeups(pid) - state[0] > time.monotonic() - state[1] + 2:
            state[:] = [wakeups(pid), time.monotonic()]
        return time.monotonic() - state[1] > quiet_s

    wait_until("netd to be idle", is_quiet, timeout)


def start_containers(lab: Lab, first: int, count: int, at_once: int, *options: str) -> List[str]:
    """Containers that sleep; their ids."""

    def start(i: int) -> str:
        return lab.host.docker("run", "--detach", "--network", ("front", "back")[i % 2],
                               f"--name=c{i}", "--label=a=b", *options, "netd-probe", "sleep", "3600")

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(start, range(first, first + count)))


def measure_docker(lab: Lab) -> None:
    """netd beside an engine with 100 containers."""
    say(f"starting {CONTAINERS} containers")
    for name, subnet in (("front", "172.31.1.0/24"), ("back", "172.31.2.0/24")):
        lab.host.network(name, subnet)
    start_containers(lab, 0, CONTAINERS, 4)
    with Netd(lab.host, POLICY) as netd:
        netd.start().wait_synced(60)
        assert netd.child is not None
        pid = netd.child.pid
        say(f"{STARTS} more, one after the other")
        extra = start_containers(lab, CONTAINERS, STARTS, 1)
        netd.wait_synced()
        latency = netd.status()["event_to_commit"]
        lab.host.docker("rm", "--force", *extra, timeout=120)
        netd.wait_synced()
        table = Table()
        p50, p99 = latency["p50_us"] / 1000, latency["p99_us"] / 1000
        table.add(f"connect event -> committed, {CONTAINERS} containers, ms", f"{p50:.1f}",
                  f"p99 {p99:.1f}, n {latency['samples']:.0f}", "<= 5", p50 <= 5)
        wait_quiet(pid)
        say(f"{IDLE_S} s without events")
        # The time is what is measured: nothing is waited for.
        before, private, rss = wakeups(pid), private_mib(pid), memory_mib(pid)
        time.sleep(IDLE_S)
        woken = wakeups(pid) - before
        table.add(f"private memory, {CONTAINERS} containers, MiB", f"{private:.1f}",
                  f"RSS {rss:.1f}, peak {memory_mib(pid, 'VmHWM'):.1f}", "<= 12", private <= 12)
        table.add(f"wake-ups in {IDLE_S} idle seconds, no watchdog", f"{woken}", "",
                  f"<= {IDLE_S + 1}", woken <= IDLE_S + 1)
        table.print("Beside Docker")


# ---- the reader ----


def subscribe(path: Path) -> socket.socket:
    """Docker's events at a socket."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(10)
    stream.connect(str(path))
    stream.sendall(b"GET /v1.41/events?filters=%7B%7D HTTP/1.1\r\nHost: d\r\n\r\n")
    answer = stream.recv(65536)
    assert b" 200 OK" in answer, answer
    return stream


def measure_hop(lab: Lab, reader: Reader) -> List[float]:
    """How much later each of some events comes through the reader, in ms; it may be negative."""
    streams = {name: subscribe(path) for name, path in
               (("direct", lab.host.socket), ("reader", reader.socket))}
    later = []
    for number in range(EVENTS):
        lab.host.api("POST", "/networks/create", {"Name": f"n{number}"})
        at: Dict[str, float] = {}
        with selectors.DefaultSelector() as selector:
            for name, stream in streams.items():
                selector.register(stream, selectors.EVENT_READ, name)
            while len(at) < 2:
                for key, _ in selector.select(10):
                    at.setdefault(key.data, time.monotonic())
                    streams[key.data].recv(65536)
        later.append((at["reader"] - at["direct"]) * 1000)
        lab.host.api("DELETE", f"/networks/n{number}")
        for stream in streams.values():
            text = b""
            while b'"Action":"destroy"' not in text:
                more = stream.recv(65536)
                if not more:
                    raise LabError(f"Docker's events ended: {text[-500:]!r}")
                text += more
    for stream in streams.values():
        stream.close()
    return later


def measure_reader(lab: Lab) -> None:
    """The same engine asked directly and through netd-reader, in turn."""
    for name, subnet in (("front", "172.31.1.0/24"), ("back", "172.31.2.0/24")):
        lab.host.network(name, subnet)
    table = Table()
    samples: Samples = {"direct": [], "reader": []}
    with Reader(lab.host) as reader:
        urls = {"direct": f"unix://{lab.host.socket}", "reader": reader.url}
        for turn in range(ROUNDS_READER):
            say(f"round {turn + 1} of {ROUNDS_READER}")
            for name in random.sample(list(urls), 2):
                with Netd(lab.host, POLICY, args=["--docker", urls[name]]) as netd:
                    netd.start().wait_synced()
                    ids = start_containers(lab, 0, 10, 1)
                    netd.wait_synced()
                    samples[name].append(netd.status()["event_to_commit"]["p50_us"] / 1000)
                    lab.host.docker("rm", "--force", *ids, timeout=120)
        hop = measure_hop(lab, reader)
        assert reader.child is not None
        table.add("netd-reader: memory (RSS), MiB", f"{memory_mib(reader.child.pid):.1f}")
    for name, values in samples.items():
        table.add(f"connect event -> committed, {name}, ms", f"{median(values):.2f}",
                  spread(values))
    table.ratio("  the same: direct / reader", over(samples, "direct", "reader"))
    table.add(f"an event through the reader comes later by, ms, n {EVENTS}", f"{median(hop):.2f}",
              spread(hop))
    table.print("Beside Docker, through netd-reader")


# ---- starts, of two kinds or more ----


def add_latencies(table: Table, samples: Dict[str, List[List[float]]]) -> None:
    """What starts_round() has said in each round, by names, and of each the ratios over the first one."""
    first, *others = samples
    for index, what in enumerate(("p50", "p99")):
        for name, values in samples.items():
            figures = [pair[index] for pair in values]
            table.add(f"connect event -> committed, {name}, {what}, ms", f"{median(figures):.2f}", spread(figures))
        for name in others:
            ratios = [one[index] / max(base[index], 0.01) for one, base in zip(samples[name], samples[first])]
            table.add(f"  the same: {name} / {first}, {what}", f"{median(ratios):.2f}", spread(ratios), "<= 1.2",
                      median(ratios) <= 1.2)


def starts_round(lab: Lab, policy: str, options: Sequence[str] = ()) -> List[float]:
    """Starts under a policy: how long from the event of each to its rules, p50 and p99 in ms."""
    with Netd(lab.host, policy) as netd:
        netd.start().wait_synced()
        ids = [lab.host.docker("run", "--detach", "--network=front", *options, "netd-probe", "sleep", "3600")
               for _ in range(STARTS_REQUIRE)]
        netd.wait_synced()
        latency = netd.status()["event_to_commit"]
        out = [one for one in netd.ask("endpoints")["endpoints"] if one["tier"] != "front"]
        lab.host.docker("rm", "--force", *ids, timeout=120)
    if out:
        raise LabError(f"not all were admitted: {out}")
    return [latency["p50_us"] / 1000, latency["p99_us"] / 1000]


def measure_require(lab: Lab) -> None:
    """A tier that requires something of its containers, and the same without."""
    lab.host.network("front", "172.31.1.0/24")
    table = Table()
    line = "  front: {match: [{network: front}]}"
    policies = {"without require": POLICY,
                "with require": POLICY.replace(line, line.replace(" {", "\n    ", 1)[:-1] + REQUIRE)}
    samples: Dict[str, List[List[float]]] = {name: [] for name in policies}
    for turn in range(ROUNDS_REQUIRE):
        say(f"round {turn + 1} of {ROUNDS_REQUIRE}")
        for name in random.sample(list(policies), 2):
            samples[name].append(starts_round(lab, policies[name], CONFORMS))
    add_latencies(table, samples)
    table.print(f"A tier with require, {ROUNDS_REQUIRE} rounds of {STARTS_REQUIRE} starts")


def tell_starts(lab: Lab) -> None:
    """Some starts beside the engine that $ENGINE names, as a line of JSON."""
    lab.host.network("front", "172.31.1.0/24")
    print(json.dumps(starts_round(lab, POLICY)), flush=True)


def measure_engines(program: Path) -> None:
    """Each engine in processes of its own, in turn: @program is asked for `starts`."""
    samples: Dict[str, List[List[float]]] = {name: [] for name in ENGINES}
    for turn in range(ROUNDS_ENGINES):
        say(f"round {turn + 1} of {ROUNDS_ENGINES}")
        for name in random.sample(list(ENGINES), len(ENGINES)):
            told = run([sys.executable, "-B", str(program), "starts"], env={"ENGINE": ENGINES[name]}, timeout=600)
            samples[name].append(json.loads(next(line for line in told.splitlines() if line.startswith("["))))
    table = Table()
    add_latencies(table, samples)
    table.print(f"Engines, {ROUNDS_ENGINES} rounds of {STARTS_REQUIRE} starts")


# ---- many starts ----


def beside_or_alone(lab: Lab, beside: bool, act: Callable[[], object]) -> Tuple[float, float]:
    """How many seconds it takes beside netd, or without one; and how much later netd has committed the last rule."""
    netd = Netd(lab.host, POLICY)
    assert lab.host.dockerd is not None
    if beside:
        netd.start()
    if beside and lab.host.dockerd.running:
        netd.wait_synced()
    begin = time.monotonic()
    act()
    done = time.monotonic()
    if beside:
        netd.wait_synced(60)
    admitted = time.monotonic()
    if beside:
        netd.off()
    return done - begin, admitted - done


def compare(lab: Lab, table: Table, what: str, rounds: int, act: Callable[[], object],
            undo: Callable[[], object]) -> None:
    """The same with netd and without, in turn."""
    took: Dict[bool, List[float]] = {True: [], False: []}
    later = []
    for turn in range(rounds):
        say(f"{what}: round {turn + 1} of {rounds}")
        for beside in random.sample([True, False], 2):
            seconds, behind = beside_or_alone(lab, beside, act)
            took[beside].append(seconds)
            later += [behind] if beside else []
            undo()
    for beside, values in took.items():
        table.add(f"{what}, {'beside netd' if beside else 'Docker alone'}, s", f"{median(values):.2f}", spread(values))
    table.add("  beside netd / alone", f"{median(a / b for a, b in zip(took[True], took[False])):.2f}")
    table.add("  from the last start to the last rule, ms", f"{1000 * median(later):.0f}",
              spread([1000 * value for value in later], "{:.0f}"))


def measure_bulk(lab: Lab) -> None:
    """Many containers that start at once: by hand, and with Docker itself."""
    for name, subnet in (("front", "172.31.1.0/24"), ("back", "172.31.2.0/24")):
        lab.host.network(name, subnet)
    table = Table()
    ids: List[str] = []

    def remove() -> None:
        lab.host.docker("rm", "--force", *ids, timeout=300)
        ids.clear()

    compare(lab, table, f"{BULK} containers, {AT_ONCE} at a time", ROUNDS_BULK,
            lambda: ids.extend(start_containers(lab, 0, BULK, AT_ONCE)), remove)
    say(f"{BOOT} containers that start with Docker")
    # A dockerd that ends before its containers have ended (they ignore SIGTERM) takes some of them for gone later.
    ids += start_containers(lab, 0, BOOT, AT_ONCE, "--restart=always", "--stop-signal=SIGKILL")

    def boot() -> None:
        lab.host.start_dockerd()
        wait_until("the containers", lambda: len(lab.host.api("GET", "/containers/json")) == BOOT, 300)

    lab.host.stop_dockerd()
    compare(lab, table, f"dockerd with {BOOT} containers", ROUNDS_BOOT, boot, lab.host.stop_dockerd)
    table.print("Many starts")
