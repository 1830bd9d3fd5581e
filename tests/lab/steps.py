# SPDX-License-Identifier: GPL-2.0-or-later
"""What a demo shows to the person who watches it."""
from __future__ import annotations

import os
import sys
import time


class Look:
    """Colours, when a person is looking."""

    def __init__(self) -> None:
        self.on = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, code: str, text: str) -> str:
        """@text in a colour, or as it is."""
        return f"\033[{code}m{text}\033[0m" if self.on else text

    def bold(self, text: str) -> str:
        """A heading."""
        return self.paint("1", text)

    def good(self, text: str) -> str:
        """As promised."""
        return self.paint("32", text)

    def bad(self, text: str) -> str:
        """Against what was promised."""
        return self.paint("31;1", text)


class Steps:
    """Progress: each step's line as it begins, its time when it has ended."""

    def __init__(self) -> None:
        self.begin = self.last = time.monotonic()
        self.open = False

    def say(self, text: str) -> None:
        """The next step begins."""
        self.done()
        print(f"{text} ...", end="", flush=True)
        self.last, self.open = time.monotonic(), True

    def done(self) -> None:
        """The step has ended."""
        if self.open:
            print(f" {time.monotonic() - self.last:.1f} s", flush=True)
        self.open = False
