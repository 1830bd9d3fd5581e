# SPDX-License-Identifier: GPL-2.0-or-later
"""explain against the oracle: each way of each answer, and the answer as a whole."""
from __future__ import annotations

import ipaddress
from collections import Counter
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from generate import NOW, Generator
from model import (ICMP, End, Endpoint, Flow, Host, Member, Outside, Policy, Port, Verdict, World)
from oracle import Oracle, zone_of
from tool import Bench

Question = Tuple[str, str, Port]
QUESTIONS = 40
ZONES = ("internet", "lan", "dns", "hosts")


def families(port: Port) -> Tuple[int, ...]:
    """Over which a port's protocol is sent."""
    return tuple(f for f in (4, 6) if port.proto not in ICMP.values() or port.proto == ICMP[f])


def end_of(json: Dict[str, Any], world: Optional[World]) -> End:
    """An end of a way, as explain names it."""
    kind = json["kind"]
    if kind == "host":
        return Host(ipaddress.ip_address(json["address"])) if "address" in json else Host()
    if kind == "address":
        return Outside(ipaddress.ip_address(json["address"]))
    if kind == "tier" or world is None:
        return Member(json["tier"])
    return next(endpoint for endpoint in world.endpoints
                if endpoint.key == (json["container"], json["network"]))


def symbolic_oracle(policy: Policy, world: Optional[World], answer: Dict[str, Any]) -> Oracle:
    """Without a host: the resolvers are those that the answer names."""
    resolvers = [ipaddress.ip_address(way["to"]["address"]) for way in answer["ways"]
                 if way["to"].get("stands_for") == "dns"]
    oracle = Oracle(policy, None, NOW)
    oracle.world = World([], [], [], resolvers, members=world.members if world else [])
    return oracle


class Check:
    """One policy on one host, or on none."""

    def __init__(self, policy: Policy, world: Optional[World]) -> None:
        self.policy, self.world = policy, world
        self.oracle = Oracle(policy, world, NOW)
        self.figures: Counter[str] = Counter()
        self.failures: List[str] = []

    def answer(self, question: Question, answer: Dict[str, Any]) -> None:
        """Counts, or adds to the failures."""
        self.figures["triples"] += 1
        if "error" in answer:
            self._no_answer(question, answer["error"])
            return
        oracle = symbolic_oracle(self.policy, self.world, answer) if answer["symbolic"] \
            else self.oracle
        for way in answer["ways"]:
            self._way(question, way, oracle, answer["symbolic"])
        self._whole(question, answer, oracle)

    def _fail(self, question: Question, why: str) -> None:
        source, target, port = question
        self.failures.append(f"explain {source} {target} {port}: {why}")

    def _no_answer(self, question: Question, error: str) -> None:
        """Fine between a tier without containers and a container without a tier, and for hosts of
        a fleet that has none."""
        self.figures["answer none"] += 1
        if "hosts" in question[:2] and not self.oracle.members():
            return
        names = [name.partition(":")[::2] for name in question[:2]]
        tiers = [name for kind, name in names if kind == "tier"]
        tierless = [name for kind, name in names
                    if kind == "container" and not self._is_of_one_tier(name)]
        if not (tiers and tierless and not any(self._members(tier) for tier in tiers)):
            self._fail(question, f"no answer: {error}")

    def _is_of_one_tier(self, container: str) -> bool:
        assert self.world is not None
        tiers = {self.oracle.standing(endpoint).tier for endpoint in self.world.endpoints
                 if endpoint.container.name == container}
        return len(tiers) == 1 and None not in tiers

    def _members(self, tier: str) -> List[Endpoint]:
        assert self.world is not None
        return [endpoint for endpoint in self.world.endpoints if self._is(endpoint, "tier", tier)]

    def _way(self, question: Question, way: Dict[str, Any], oracle: Oracle,
             symbolic: bool) -> None:
        world = None if symbolic else self.world
        flow = Flow(end_of(way["from"], world), end_of(way["to"], world), way["family"],
                    question[2])
        want = oracle.verdict(flow)
        got = Verdict(way["allowed"], way["audited"], way["by"])
        self.figures["ways"] += 1
        self.figures[f"way {'audited' if want.audited else 'allowed' if want.allowed else 'denied'}"
                     f" by {want.by}"] += 1
        if got != want:
            self._fail(question, f"{way['from']} -> {way['to']} IPv{way['family']}: {got}, but the "
                                 f"oracle says {want} ({way['path']}: {way['reason']})")
        for end in (way["from"], way["to"]):
            self._stand_in(question, end)

    def _stand_in(self, question: Question, end: Dict[str, Any]) -> None:
        """An address that stands for a zone is of it, and in no prefix of the policy."""
        zone = end.get("stands_for")
        if zone == "hosts" and ipaddress.ip_address(end["address"]) not in self.oracle.members():
            self._fail(question, f"{end['address']} stands for hosts")
        if zone not in ("internet", "lan"):
            return
        address = ipaddress.ip_address(end["address"])
        if zone_of(address) != zone:
            self._fail(question, f"{address} stands for {zone}")

    # ---- the whole answer ----

    def _whole(self, question: Question, answer: Dict[str, Any], oracle: Oracle) -> None:
        """The verdict is the best of all ways there are, not only of those that are shown."""
        verdicts = list(self._all(question, answer, oracle))
        want = best(verdicts)
        self.figures["answer " + want] += 1
        if answer["verdict"] != want:
            self._fail(question, f"{answer['verdict']}, but of {len(verdicts)} ways the best is "
                                 f"{want}")

    def _all(self, question: Question, answer: Dict[str, Any],
             oracle: Oracle) -> Iterator[Verdict]:
        source, target, port = question
        for family in families(port):
            for one in self._ends(source, answer, "from", family):
                for other in self._ends(target, answer, "to", family):
                    if one != other or not isinstance(one, Endpoint):
                        yield from verdicts_of(oracle, Flow(one, other, family, port))

    def _ends(self, name: str, answer: Dict[str, Any], side: str, family: int) -> Iterable[End]:
        kind, _, rest = name.partition(":")
        if name == "host":
            return [Host()]
        if kind == "tier" and answer["symbolic"]:
            return [Member(rest)]
        if kind in ("tier", "container") and not answer["symbolic"]:
            return [e for e in self.oracle.world.endpoints if self._is(e, kind, rest)] \
                if self.oracle.world else []
        if name in ZONES or answer["symbolic"]:
            return unique(end_of(way[side], None) for way in answer["ways"]
                          if way["family"] == family)
        address = ipaddress.ip_address(name)
        return [Outside(address)] if address.version == family else []

    def _is(self, endpoint: Endpoint, kind: str, name: str) -> bool:
        if kind == "container":
            return endpoint.container.name == name
        tier = self.oracle.standing(endpoint).tier
        return tier is not None and tier.name == name


def unique(ends: Iterable[End]) -> List[End]:
    """Each once, in order."""
    return list(dict.fromkeys(ends))


def verdicts_of(oracle: Oracle, flow: Flow) -> Iterator[Verdict]:
    """Nothing, where an end has no address of that family."""
    if is_possible(oracle, flow):
        yield oracle.verdict(flow)


def is_possible(oracle: Oracle, flow: Flow) -> bool:
    """Both ends have an address of the family. A published port has one in front of it."""
    ends = [end for end in (flow.source, flow.target) if isinstance(end, Endpoint)]
    if all(end.address(flow.family) for end in ends):
        return True
    target = flow.target
    return (isinstance(flow.source, Outside) and not oracle.is_host(flow.source.address)
            and isinstance(oracle.place(flow.source, target), Outside)
            and isinstance(target, Endpoint) and target.network.managed and oracle.is_published(flow))


def best(verdicts: Iterable[Verdict]) -> str:
    """Of several ways: allow, audit or deny."""
    found: Set[str] = {"audit" if verdict.audited else "allow"
                       for verdict in verdicts if verdict.allowed}
    return "allow" if "allow" in found else "audit" if found else "deny"


def check_case(seed: str, with_host: bool) -> Tuple[Counter[str], List[str]]:
    """One policy and QUESTIONS questions."""
    generator = Generator(seed)
    policy = generator.policy()
    world = generator.world() if with_host else None
    check = Check(policy, world)
    questions = generator.questions(policy, world, QUESTIONS)
    with Bench(world) as bench:
        name = bench.write("policy", policy, seed)
        answers = bench.explain(name, questions)
        for question, answer in zip(questions, answers):
            check.answer(question, answer)
        asked = next(i for i, answer in enumerate(answers) if "error" not in answer)
        ask_netdctl(bench, questions[asked], answers[asked], check)
    return check.figures, check.failures


def ask_netdctl(bench: Bench, question: Question, answer: Dict[str, Any], check: Check) -> None:
    """One of the questions to the real tool: it answers as the driver does."""
    source, target, port = question
    status, report = bench.netdctl("explain", "--policy", "policy", source, target, str(port))
    for way in report["ways"]:
        way.pop("hops")
    if report != answer:
        check.failures.append(f"explain {source} {target} {port}: driver and netdctl differ")
    if (status == 0) != (report["verdict"] != "deny"):
        check.failures.append(f"explain {source} {target} {port}: exit status {status}")
    check.figures["asked of netdctl"] += 1
