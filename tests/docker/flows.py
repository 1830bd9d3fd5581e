# SPDX-License-Identifier: GPL-2.0-or-later
"""Lasting flows for the tests of revocation and restart: pumps and downloads."""
from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import List, Optional, Sequence

from netd import Child, LabError, Place, wait_until

# Forty of them at a time: without what Python looks for when it starts.
PUMP = [sys.executable, "-I", "-S", str(Path(__file__).resolve().parent / "pump.py")]
# pump.py says milliseconds.
ROUNDING_MS = 1
# Whoever reads what has arrived may have to wait for a processor.
READ_LATE_MS = 1000


def now_ms() -> float:
    """The clock of pump.py's output."""
    return time.monotonic() * 1000


class Flow:
    """One flow, both ends of it."""

    def __init__(self, name: str, proto: str, source: Place, addr: str, port: int,
                 server: Place, server_port: Optional[int] = None) -> None:
        self.name = f"{name} {proto}"
        self.server = server.spawn([*PUMP, "serve", proto, str(server_port or port)])
        self.server.wait_for_line("^ready$")
        self.client = source.spawn([*PUMP, "connect", proto, addr, str(port)])
        try:
            self.client.wait_for_line("^ready$")
        except LabError as error:
            raise LabError(f"flow {self.name}: {error}") from error

    def ends(self) -> "dict[str, Child]":
        """By the direction that ends there."""
        return {"to the server": self.server, "to the client": self.client}

    def wait_alive(self, pieces: int = 3) -> None:
        """Both directions move from now on."""
        for direction, child in self.ends().items():
            seen = len(child.lines)
            wait_until(f"{self.name} {direction} to move",
                       lambda child=child, seen=seen: len(child.lines) >= seen + pieces)

    def last_ms(self, child: Child) -> float:
        """When this end received last."""
        return self.last_of(child, 2)

    def last_sent_ms(self, child: Child) -> float:
        """When the newest was sent that this end has received."""
        return self.last_of(child, 3)

    @staticmethod
    def last_of(child: Child, word: int) -> float:
        """A word of what pump.py said of the last piece."""
        times = [line.split()[word] for line in child.lines if line.startswith("got ")]
        return float(times[-1]) if times else 0.0

    def stop(self) -> None:
        """End it."""
        for child in self.ends().values():
            child.stop()


def wait_silence(*flows: Flow, silence_ms: float = 600, timeout: float = 5.0) -> None:
    """Nothing arrives at any end of them for so long."""
    begin = now_ms()
    loud: List[str] = []

    def silent() -> bool:
        lasts = {flow.name: max(flow.last_ms(child) for child in flow.ends().values())
                 for flow in flows}
        loud[:] = [name for name, last in lasts.items() if now_ms() - last < silence_ms]
        return not loud and now_ms() - begin >= silence_ms

    try:
        wait_until("silence", silent, timeout)
    except LabError:
        raise AssertionError(f"still moving: {loud}") from None


def check_stopped(flows: Sequence[Flow], when_ms: float, delayed: Sequence[str] = ()) -> float:
    """Nothing arrived that was sent after @when_ms, and but for the flows that are @delayed nothing was read long
    after it; when the latest was sent, relative to it."""
    wait_silence(*flows)
    ends = [(f"{flow.name} {direction}", flow.last_sent_ms(child) - when_ms, flow.last_ms(child) - when_ms)
            for flow in flows for direction, child in flow.ends().items()]
    late = [(sent, name) for name, sent, _ in ends]
    loud = [f"{name}: sent {sent:.0f} and read {read:.0f} ms after the commit" for name, sent, read in ends
            if sent > ROUNDING_MS or (read > READ_LATE_MS and name not in delayed)]
    if loud:
        raise AssertionError("\n".join(loud))
    return max(after for after, _ in late)


class Download:
    """A stream of the probe tool, and the longest pause in it."""

    def __init__(self, source: Place, addr: str, port: int = 5001) -> None:
        self.child = source.probe("stream", "get", addr, str(port))
        self.child.wait_for_line("^progress")

    def run_on(self, tenths: int) -> None:
        """Let it run for so many reports, one each 100 ms."""
        for _ in range(tenths):
            self.child.wait_for_line("^progress")

    def stop(self) -> int:
        """End it; the longest pause in milliseconds.  It must not have ended before."""
        last = self.child.stop()[-1]
        found = re.fullmatch(r"total bytes (\d+) gap_ms (\d+)", last)
        if not found or any(line.startswith("closed") for line in self.child.lines):
            raise AssertionError(f"the download broke off: {self.child.lines[-3:]}")
        return int(found[2])


class Compared:
    """A download, and beside it one on the server's own loopback, which netd has nothing to do with: a pause of
    both is the machine's."""

    SLACK_MS = 150  # a segment that is lost is sent again after 200

    def __init__(self, source: Place, server: Place, addr: str) -> None:
        self.download, self.beside = Download(source, addr), Download(server, "127.0.0.1")

    def run_on(self, tenths: int) -> None:
        """As Download's."""
        self.download.run_on(tenths)

    def stop(self) -> str:
        """End both; their longest pauses in words. AssertionError: the download's is longer by more than its slack."""
        gap, beside = self.download.stop(), self.beside.stop()
        text = f"longest gap {gap} ms (beside it, without netd: {beside} ms)"
        if gap >= beside + self.SLACK_MS:
            raise AssertionError(f"a download was cut: {text}")
        return text
