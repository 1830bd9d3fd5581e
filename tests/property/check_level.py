# SPDX-License-Identifier: GPL-2.0-or-later
"""plan and matrix against the oracle, at ports on both sides of every cut."""
from __future__ import annotations

import random
import re
from collections import Counter
from itertools import product
from typing import Any, Dict, List, Set, Tuple

from generate import Generator
from level import Level, describe
from model import Port, parse_ports
from tool import Bench

Case = Tuple["Counter[str]", List[str]]
CHANGES = ("gained", "lost")
PLAN_PROBES, MATRIX_PROBES = 6, 6


def holds(row: Dict[str, Any], port: Port) -> bool:
    """Whether "ports" and "except" of a row take in that port."""
    if any(parse_ports(text).holds(port) for text in row.get("except", [])):
        return False
    return any(text == "any" or parse_ports(text).holds(port) for text in row["ports"])


# ---- plan ----

def speaks_of(end: str, name: str, host: str) -> bool:
    """Whether an end of a row is that one; of the zone `hosts` perhaps only some are named, of which
    @host must be one."""
    some = end.startswith("hosts (")
    if name == "hosts" and some:
        return host in re.findall(r"host-[0-9]+", end)
    return end == name


def listed(rows: List[Dict[str, Any]], names: Tuple[str, str], family: int, port: Port,
           host: str = "") -> bool:
    """Whether a row speaks of that flow, and of that host of the fleet."""
    return any(speaks_of(row["from"], names[0], host) and speaks_of(row["to"], names[1], host)
               and family in row["families"] and holds(row, port) for row in rows)


def single_hosts(level: Level, names: Tuple[str, str]) -> List[Tuple[str, Tuple[str, str]]]:
    """The pair; of the zone `hosts` each host by itself, with its address in the place of the zone."""
    said = level.world.members if level.world else []
    if "hosts" not in names or not said:
        return [("", names)]
    return [(f"host-{said.index(address)}",
             (str(address) if names[0] == "hosts" else names[0],
              str(address) if names[1] == "hosts" else names[1])) for address in level.members]


def what_changes(level: Level, names: Tuple[str, str], family: int, port: Port) -> Set[str]:
    """gained, lost, kept, closed; several, where parts of a prefix differ; empty: not possible."""
    words = {(False, True): "gained", (True, False): "lost", (True, True): "kept",
             (False, False): "closed"}
    old, new = (level.by_address(which, names, family, port) for which in (0, 1))
    return {words[any(v.allowed for v in old.get(end, [])), any(v.allowed for v in new.get(end, []))]
            for end in {**old, **new}}


def compare_plan(level: Level, report: Dict[str, Any], ports: List[Port]) -> Case:
    """Each pair at each port: listed exactly where the verdicts differ."""
    figures: Counter[str] = Counter()
    failures: List[str] = []
    asked = [(names, host, ends) for names in level.pairs() for host, ends in single_hosts(level, names)]
    for (names, host, ends), port, family in product(asked, ports, (4, 6)):
        want = what_changes(level, ends, family, port)
        if not want:
            continue  # it cannot be sent
        got = {change for change in CHANGES if listed(report[change], names, family, port, host)}
        figures["flows " + "+".join(sorted(want))] += 1
        want -= {"kept", "closed"}
        if got != want:
            failures.append(f"plan {ends[0]} -> {ends[1]} {port} IPv{family}: {got or 'none'}, "
                            f"the oracle says {want or 'none'}")
    return figures, failures + strangers(level, report)


def strangers(level: Level, report: Dict[str, Any]) -> List[str]:
    """Rows between ends that nobody asked about."""
    known = set(level.pairs())
    return [f"plan lists {row['from']} -> {row['to']}"
            for row in report["gained"] + report["lost"]
            if (row["from"].split(" (host-")[0], row["to"].split(" (host-")[0]) not in known]


def check_plan(seed: str, with_host: bool) -> Case:
    """Two policies, mostly one and the same after some edits."""
    generator = Generator(seed)
    old = generator.policy()
    new = generator.changed(old) if generator.chance(0.7) else generator.policy()
    world = generator.world() if with_host else None
    level = Level([old, new], world)
    with Bench(world) as bench:
        names = [bench.write("old", old, seed + ":old"), bench.write("new", new, seed + ":new")]
        status, report = bench.netdctl("plan", "--against", *names)
    figures, failures = compare_plan(level, report,
                                     level.probes(random.Random(seed), PLAN_PROBES))
    if (status == 1) != report["changed"]:
        failures.append(f"plan: exit status {status}, changed: {report['changed']}")
    if (report["gained"] or report["lost"]) and not report["changed"]:
        failures.append("plan: flows change, but changed is false")
    figures["pairs"] += 1
    figures["pairs that change flows"] += bool(report["gained"] or report["lost"])
    return figures, failures


# ---- matrix ----

def cell_says(cell: Dict[str, Any], port: Port) -> str:
    """allow, audit, docker or deny."""
    names = {"allow": "allow", "audit": "audit", "docker_drops": "docker"}
    found = [word for name, word in names.items() if name in cell and holds(cell[name], port)]
    return "+".join(found) or "deny"


def check_matrix(seed: str, with_host: bool) -> Case:
    """One policy; every cell."""
    generator = Generator(seed)
    policy = generator.policy()
    world = generator.world() if with_host else None
    level = Level([policy], world)
    with Bench(world) as bench:
        name = bench.write("policy", policy, seed)
        _, report = bench.netdctl("matrix", "--policy", name)
    figures: Counter[str] = Counter(matrices=1)
    failures: List[str] = []
    cells = {(cell["from"], cell["to"]): cell for cell in report["cells"]}
    if len(cells) != len(report["cells"]):
        failures.append("matrix: a cell stands twice")
    for names, port in product(level.pairs(), level.probes(random.Random(seed), MATRIX_PROBES)):
        verdicts = [verdict for family in (4, 6)
                    for verdict in level.verdicts(0, names, family, port)]
        if not verdicts:
            continue  # it cannot be sent
        want, got = describe(verdicts), cell_says(cells.get(names, {}), port)
        figures["cells " + want] += 1
        if got != want:
            failures.append(f"matrix {names[0]} -> {names[1]} {port}: {got}, the oracle says "
                            f"{want}")
    return figures, failures
