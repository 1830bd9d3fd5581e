# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the suite and closes with one line: N passed, N failed, N skipped."""
from __future__ import annotations

import sys
import time
import unittest

import arena


def main(names: "list[str]") -> int:
    """0: nothing failed."""
    loader = unittest.defaultTestLoader
    tests = loader.loadTestsFromNames(names) if names else loader.discover(".", "test_*.py")
    begin = time.monotonic()
    try:
        result = unittest.TextTestRunner(verbosity=2 if names else 1).run(tests)
    finally:
        arena.close_all()
    failed = {str(getattr(case, "test_case", case))  # a subtest counts with its test
              for case, _ in result.failures + result.errors}
    failed |= {str(case) for case in result.unexpectedSuccesses}
    skipped = len(result.skipped)
    passed = max(0, result.testsRun - len(failed) - skipped)
    print(f"{time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
