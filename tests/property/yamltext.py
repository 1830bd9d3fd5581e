# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy as YAML, in one or several files, in the ways people write it."""
from __future__ import annotations

import datetime
import random
from typing import Dict, List, Sequence

from model import Match, Policy, Rule, Tier


class Writer:
    """Writes with a style that changes at random."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def files(self, policy: Policy, most: int = 3) -> Dict[str, str]:
        """File names and texts; merged in name order they are the policy."""
        count = self.random.randint(1, most)
        parts = [Policy([], [], policy.mode, policy.unmatched) for _ in range(count)]
        for tier in policy.tiers:
            self.random.choice(parts).tiers.append(tier)
        for rule in policy.rules:
            self.random.choice(parts).rules.append(rule)
        parts[0].tests = policy.tests
        return {f"{i:02}-part.yaml": self._file(part, i == 0) for i, part in enumerate(parts)}

    def _file(self, policy: Policy, first: bool) -> str:
        lines = ["# made by the generator", "version: 1"]
        if first and (policy.mode != "enforce" or self._maybe()):
            lines.append(f"mode: {policy.mode}")
        if first and (policy.unmatched != "deny" or self._maybe()):
            lines.append(f"unmatched: {policy.unmatched}")
        sections = [self._tiers(policy.tiers),
                    self._rules("allow", [rule for rule in policy.rules if rule.allow]),
                    self._rules("deny", [rule for rule in policy.rules if not rule.allow]),
                    self._tests(policy)]
        self.random.shuffle(sections)
        return "\n".join(lines + [line for section in sections for line in section]) + "\n"

    def _maybe(self) -> bool:
        return self.random.random() < 0.5

    def _word(self, word: str) -> str:
        plain = word.replace("-", "").replace("/", "").replace(".", "").isalnum()
        return word if plain and self._maybe() else f'"{word}"'

    def _list(self, words: Sequence[str]) -> str:
        if len(words) == 1 and self._maybe():
            return self._word(words[0])
        return "[" + ", ".join(self._word(word) for word in words) + "]"

    # ---- tiers ----

    def _tiers(self, tiers: List[Tier]) -> List[str]:
        lines = ["tiers:"] if tiers else []
        for tier in tiers:
            lines += [f"  {tier.name}:", "    match:"]
            lines += [f"      - {self._match(match)}" for match in tier.matches]
            if tier.mode:
                lines.append(f"    mode: {tier.mode}")
            if not tier.within or self._maybe():
                lines.append(f"    within: {'allow' if tier.within else 'deny'}")
            if tier.image_labels:
                lines.append("    image_labels: allow")
            if tier.speaks_for:
                lines.append(f"    speaks_for: {self._list(tier.speaks_for)}")
        return lines

    def _match(self, match: Match) -> str:
        pairs = [f"{key}: {self._word(value)}" for key, value in
                 (("network", match.network), ("container", match.container),
                  ("image", match.image), ("endpoint", match.endpoint)) if value]
        compose = [f"{key}: {self._word(value)}" for key, value in
                   (("project", match.project), ("service", match.service)) if value]
        if compose:
            pairs.append("compose: {" + ", ".join(compose) + "}")
        if match.labels:
            pairs.append("label: {" + ", ".join(f"{key}: {self._word(value)}"
                                                for key, value in match.labels) + "}")
        return "{" + ", ".join(pairs) + "}"

    # ---- rules ----

    def _rules(self, section: str, rules: List[Rule]) -> List[str]:
        lines = [f"{section}:"] if rules else []
        for rule in rules:
            pairs = self._rule(rule)
            if self._maybe():
                lines.append("  - {" + ", ".join(pairs) + "}")
            else:
                lines += [("  - " if i == 0 else "    ") + pair for i, pair in enumerate(pairs)]
        return lines

    def _rule(self, rule: Rule) -> List[str]:
        pairs = [f"from: {self._list(rule.source)}", f"to: {self._list(rule.target)}"]
        if rule.ports:
            pairs.append(f"ports: {self._list([str(ports) for ports in rule.ports])}")
        if rule.until is not None:
            moment = datetime.datetime.fromtimestamp(rule.until, datetime.timezone.utc)
            pairs.append(f"until: {moment:%Y-%m-%dT%H:%M:%SZ}")
        if rule.log:
            pairs.append("log: true")
        return pairs

    def _tests(self, policy: Policy) -> List[str]:
        lines = ["tests:"] if policy.tests else []
        return lines + [f"  - {{from: {self._word(test.source)}, to: {self._word(test.target)}, "
                        f"port: {self._word(str(test.port))}, expect: {test.expect}}}"
                        for test in policy.tests]
