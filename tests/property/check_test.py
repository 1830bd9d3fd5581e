# SPDX-License-Identifier: GPL-2.0-or-later
"""netdctl test: assertions made from the oracle's verdicts all pass, and a false one fails."""
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

from generate import Generator
from level import Level, describe
from model import Assertion, Policy, World
from tool import Bench

ASSERTIONS = 16


class Expected:
    """By the oracle. What audit mode lets pass counts as denied; where a tier has no containers, or
    the fleet no hosts, the policy alone is asked, with the resolvers of the host."""

    def __init__(self, policy: Policy, world: Optional[World]) -> None:
        self.policy = policy
        self.real = Level([policy], world)
        self.alone = Level([policy], None, world.resolvers, world.members) if world else self.real

    def _is_empty(self, name: str) -> bool:
        if name == "hosts":
            return not self.real.members
        return self.policy.tier(name) is not None and name not in self.real.inner

    def of(self, test: Assertion) -> str:
        """allow or deny."""
        names = (test.source, test.target)
        level = self.alone if any(map(self._is_empty, names)) else self.real
        word = describe(verdict for family in (4, 6)
                        for verdict in level.verdicts(0, names, family, test.port))
        return "allow" if word == "allow" else "deny"


def make_tests(generator: Generator, policy: Policy, world: Optional[World]) -> List[Assertion]:
    """With what the oracle expects. Who is the resolver shows on a host alone."""
    expected = Expected(policy, world)
    tests = [generator.assertion(policy, "deny") for _ in range(ASSERTIONS)]
    return [replace(test, expect=expected.of(test)) for test in tests
            if world or test.target != "dns"]


def failed(report: Dict[str, Any]) -> List[Tuple[str, str, str, str]]:
    """Which ones did."""
    return [(test["from"], test["to"], test["port"], test["reason"]) for test in report["tests"]
            if not test["passed"]]


def check_test(seed: str, with_host: bool) -> Tuple[Counter[str], List[str]]:
    """One policy with its tests, as they should be, and with one turned round."""
    generator = Generator(seed)
    policy = generator.policy()
    world = generator.world() if with_host else None
    policy.tests = make_tests(generator, policy, world)
    turned = generator.random.randrange(len(policy.tests))
    figures = Counter("tests " + test.expect for test in policy.tests)
    with Bench(world) as bench:
        status, report = bench.netdctl("test", bench.write("policy", policy, seed))
        failures = [f"test {test}: the oracle says otherwise" for test in failed(report)]
        if status != bool(failures) or report["passed"] + report["failed"] != len(policy.tests):
            failures.append(f"test: exit status {status}, {report['passed']} passed")
        false = policy.tests[turned]
        policy.tests[turned] = replace(false, expect="deny" if false.expect == "allow" else "allow")
        status, report = bench.netdctl("test", bench.write("turned", policy, seed))
        if not failures and (status != 1 or report["failed"] != 1):
            failures.append(f"test {false}: turned round, it does not fail")
    figures["tests turned round"] += 1
    return figures, failures
