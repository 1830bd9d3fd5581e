# SPDX-License-Identifier: GPL-2.0-or-later
"""netd/THREATS.md names each test of this suite, and no other."""
from __future__ import annotations

import re
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Table(unittest.TestCase):
    """The page and the suite."""

    def test_the_page_and_the_suite_agree(self) -> None:
        page = (HERE.parent.parent / "netd" / "THREATS.md").read_text()
        named = set(re.findall("`(test_[a-z_0-9]+)`", page))
        written = {name for path in HERE.glob("test_*.py") if path != Path(__file__).resolve()
                   for name in re.findall(r"^    def (test_\w+)", path.read_text(), re.M)}
        self.assertEqual(named, written)


if __name__ == "__main__":
    unittest.main()
