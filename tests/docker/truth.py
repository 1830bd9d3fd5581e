# SPDX-License-Identifier: GPL-2.0-or-later
"""Flows that are both sent as packets and asked of netd's `explain`.

A Flow says who sends what where, and which question to netd means the same.
measure() sends them, verdicts() asks, check() compares cell by cell.
"""
from __future__ import annotations

import functools
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional

from netd import Container, Netd, Place, Probe, run

SENDERS_AT_ONCE = 4
ICMP = {4: "icmp", 6: "icmpv6"}


class Flow(NamedTuple):
    """One cell of a truth table."""

    source: Place
    bind: Optional[str]  # the source address, where the sender has several
    addr: str  # where the packets go
    port: int  # 0: ping
    proto: str  # tcp, udp, icmp
    asked: "tuple[str, str, str]"  # from, to, port: explain's question
    note: str = ""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.addr else 4

    @property
    def name(self) -> str:
        """For people."""
        via = f" at {self.addr}:{self.port}" if self.note else ""
        return f"{self.source.name} {self.asked[0]} -> {self.asked[1]} {self.asked[2]}" \
               f" IPv{self.family}{via} {self.note}".rstrip()


class Verdict(NamedTuple):
    """explain's answer."""

    allowed: bool
    by: str
    reason: str


def flow(source: Place, addr: str, port: str, to: str, *, origin: str,
         at: int = 0, bind: Optional[str] = None, note: str = "") -> Flow:
    """@port is the container's own, "443/tcp" or "icmp"; @at the port the packets go to."""
    number, _, proto = port.rpartition("/")
    family = 6 if ":" in addr else 4
    asked = ICMP[family] if port == "icmp" else port
    return Flow(source, bind, addr, 0 if port == "icmp" else at or int(number), proto,
                (origin, to, asked), note)


def measure(flows: Iterable[Flow], timeout_ms: int = 600) -> Dict[Flow, bool]:
    """Which of them get an answer; each sender sends all of its own at once."""
    senders: Dict["tuple[int, Optional[str]]", List[Flow]] = {}
    for one in flows:
        senders.setdefault((id(one.source), one.bind), []).append(one)
    results: Dict[Flow, bool] = {}
    with ThreadPoolExecutor(SENDERS_AT_ONCE) as pool:
        for part in pool.map(lambda own: _send(own, timeout_ms), senders.values()):
            results.update(part)
    return results


def _send(flows: List[Flow], timeout_ms: int) -> Dict[Flow, bool]:
    place, bind = flows[0].source, flows[0].bind
    probes = {one: Probe(one.proto, one.addr, one.port) for one in flows if one.port}
    answers = place.probe_many(probes.values(), timeout_ms, bind)
    results = {one: answers[probe].state == "open" for one, probe in probes.items()}
    return {**results, **_ping(place, bind, [one for one in flows if not one.port])}


def _ping(place: Place, bind: Optional[str], flows: List[Flow]) -> Dict[Flow, bool]:
    """All at once; busybox ping, one second."""
    source = f"-I {bind}" if bind else ""
    script = "".join(f"{{ busybox ping -c 1 -W 1 {source} {addr} >/dev/null 2>&1"
                     f" && echo {addr}; }} &\n" for addr in {one.addr for one in flows})
    alive = set(place.netns_exec(["sh", "-c", script + "wait\n"]).split())
    return {one: one.addr in alive for one in flows}


@functools.lru_cache(maxsize=None)
def source_address(container: Container, to: str) -> str:
    """The address that the container's kernel takes as source for @to; where it has no route there
    (an internal network, from Docker 26 on), the one of its interface. Asked once: who is in a table stays
    on its networks."""
    family = "-6" if ":" in to else "-4"
    route = container.netns_exec(["ip", family, "route", "get", to], check=False)
    found = re.search(r" src (\S+)", route)
    if found is None:
        shown = container.netns_exec(["ip", family, "-o", "address", "show", "scope", "global"])
        found = re.search(r" inet6? ([^/]+)/", shown)
    assert found is not None, route
    return found[1]


def verdicts(netd: Netd, flows: Iterable[Flow]) -> Dict[Flow, Verdict]:
    """What netd says; every flow must be known to it, and in one way only."""
    results = {}
    for one in flows:
        ways = [way for way in netd.explain(*one.asked)["ways"]
                if int(way["family"]) == one.family]
        answers = {(way["allowed"], way["by"], way["reason"]) for way in ways}
        assert len(answers) == 1, f"{one.name}: {len(ways)} ways: {answers}"
        results[one] = Verdict(*answers.pop())
    return results


def check(plain: Mapping[Flow, bool], got: Mapping[Flow, bool],
          said: Mapping[Flow, Verdict]) -> List[str]:
    """The cells that are wrong, in words.  @plain: the same packets without netd."""
    wrong = []
    for one, verdict in said.items():
        passed = "passes" if got[one] else "is dropped"
        if got[one] != verdict.allowed:
            wrong.append(f"{one.name}: explain says {verdict}, the packet {passed}")
        if verdict.allowed and not plain[one]:
            wrong.append(f"{one.name}: closed without netd already: the control is void")
        if verdict.by == "docker" and plain[one]:
            wrong.append(f"{one.name}: explain blames Docker, which lets it through")
    return wrong


def summary(plain: Mapping[Flow, bool], got: Mapping[Flow, bool]) -> str:
    """The figures of a table."""
    closed = sum(plain[one] and not got[one] for one in got)
    return (f"{len(got)} cells, {sum(plain[one] for one in got)} open on plain Docker, "
            f"{sum(got.values())} open with netd, {closed} closed by netd")


__all__ = ["Flow", "Verdict", "check", "flow", "measure", "run", "source_address", "summary",
           "verdicts"]
