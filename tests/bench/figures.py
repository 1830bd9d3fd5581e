# SPDX-License-Identifier: GPL-2.0-or-later
"""What a benchmark prints, and how it is measured: in turn, as ratios within a round."""
from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Callable, Dict, List, Optional, Sequence, TypeVar

Samples = Dict[str, List[float]]
Host = TypeVar("Host")
BEGIN = time.monotonic()

def say(text: str) -> None:
    """Progress."""
    print(f"{time.monotonic() - BEGIN:5.0f} s  {text}", file=sys.stderr, flush=True)


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """The quartiles."""
    low, _, high = quantiles(values, n=4)
    return f"{form.format(low)} … {form.format(high)}"


class Table:
    """Figures with their spread, and the goal where there is one."""

    def __init__(self) -> None:
        self.rows: List[Sequence[str]] = [("figure", "median", "quartiles", "goal", "")]

    def add(self, name: str, value: str, quartiles: str = "", goal: str = "",
            met: Optional[bool] = None) -> None:
        """One line."""
        self.rows.append((name, value, quartiles, goal,
                          "" if met is None else "met" if met else "NOT MET"))

    def ratio(self, name: str, values: Sequence[float], at_least: Optional[float] = None) -> None:
        """A ratio with its spread; bigger is better."""
        middle = median(values)
        self.add(name, f"{middle:.2f}", spread(values), f">= {at_least}" if at_least else "",
                 None if at_least is None else middle >= at_least)

    def print(self, title: str) -> None:
        """All of it."""
        widths = [max(len(row[i]) for row in self.rows) for i in range(5)]
        print(f"\n{title}")
        for row in self.rows:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def interleave(beds: Dict[str, Host], rounds: int, measure: Callable[[Host], float]) -> Samples:
    """Measure all in turn, each round in a new order."""
    names = list(beds)
    samples: Samples = {name: [] for name in names}
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            samples[name].append(measure(beds[name]))
    return samples


def over(samples: Samples, one: str, other: str) -> List[float]:
    """@one divided by @other, within each round."""
    return [a / b for a, b in zip(samples[one], samples[other])]


def memory_mib(pid: int, field: str = "VmRSS") -> float:
    """Of a process, from its status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def private_mib(pid: int) -> float:
    """What a process has written to, which is nobody else's and cannot be read from a file again."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:")) / 1024
