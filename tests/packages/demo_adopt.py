# SPDX-License-Identifier: GPL-2.0-or-later
"""make demo-adopt: the way of adopt.py, shown to whoever watches."""
from __future__ import annotations

import os
import sys
import time

from adopt import ROOT, Adoption, run

# pylint: disable=wrong-import-position,wrong-import-order
from lab import HostOptions, Lab, LabError
from machine import SystemHost, why_not
from steps import Look

OUT = (ROOT / os.environ.get("O", "build")).resolve() / "demo-adopt"
TOOLS = ROOT / "tests/packages"


class Screen:
    """The commands and what they print, as an admin would see them."""

    def __init__(self) -> None:
        self.look = Look()
        self.begin = time.monotonic()

    def step(self, text: str) -> None:
        """A new part begins."""
        print(self.look.bold(f"\n== {text} ({time.monotonic() - self.begin:.0f} s)"), flush=True)

    def ran(self, command: str, output: str) -> None:
        """What was typed on the host, and what came."""
        print(self.look.bold(f"\n# {command}"))
        print(output, flush=True)

    def fact(self, text: str) -> None:
        """What was measured."""
        print(self.look.good(f"-- {text}"), flush=True)


def main() -> int:
    """Build, walk, clean up."""
    reason = why_not()
    if reason:
        print(f"demo-adopt: {reason}", file=sys.stderr)
        return 2
    screen = Screen()
    screen.step("building the packages, and a root folder of Debian 12 for the host (kept for the next time)")
    root = run([str(TOOLS / "root"), "bookworm", "host"], timeout=1800).strip()
    run([str(TOOLS / "build"), "bookworm", str(OUT), "first"], timeout=1800)
    with Lab(HostOptions(docker=False), ()) as lab:
        walk = Adoption(lab, SystemHost(lab, root), OUT / "first", screen)
        try:
            walk.walk()
        except (AssertionError, LabError) as error:
            print(screen.look.bad(f"\nnot as promised: {error}"))
            return 1
    (OUT / "report.html").write_text(walk.report, encoding="utf-8")
    print(f"\nthe page for people who do not read tables: {OUT / 'report.html'}")
    print(screen.look.good(f"\nas promised ({time.monotonic() - screen.begin:.0f} s)"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
