# SPDX-License-Identifier: GPL-2.0-or-later
"""make demo: a three-tier app on a Docker engine of its own, before and after netd.

Every mark in the tables is a packet's fate, not a reading of rules.  What netd
promises is written down below (AFTER, OPENED); exit 1 if it does not hold.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

TESTS = Path(__file__).resolve().parent
BUILD = (TESTS.parent / os.environ.get("O", "build")).resolve()
os.environ.setdefault("NETD", str(BUILD / "netd"))
sys.path[:0] = [str(TESTS / "lab"), str(TESTS / "docker")]

# pylint: disable=wrong-import-position
from lab import OUTSIDE, Container, Lab, Place, Probe
from netd import POLICIES, Netd
from steps import Look, Steps

NETWORKS = {"frontend": ("172.31.1.", "fd00:31:1::"), "backend": ("172.31.2.", "fd00:31:2::"),
            "internal": ("172.31.3.", "fd00:31:3::")}
# Name: tier, last part of its addresses, served ports, published ports (host: container).
CONTAINERS = {
    "web": ("frontend", 10, ("443", "3000"), {443: 443, 3000: 3000}),
    "web-2": ("frontend", 11, ("443",), {}),
    "api": ("backend", 20, ("8080",), {8080: 8080}),
    "db": ("internal", 30, ("5432",), {}),
}
# Each is on the network of its tier, and on that of the tier it asks.
NEXT = {"frontend": "backend", "backend": "internal"}
SOURCES = ("web", "web-2", "api", "db", "neighbour", "localhost")
TARGETS = ("web:443", "web:3000", "api:8080", "db:5432", "host:22", "internet:443")
INTERNET = ("203.0.113.10", "2001:db8:ff::10")
HOST = ("192.0.2.1", "2001:db8:1::1")

# What policies/three-tier.yaml promises, IPv4 and IPv6.
AFTER = """
           web:443  web:3000  api:8080  db:5432  host:22  internet:443
web        .        .         46        --       --       --
web-2      --       --        46        --       --       --
api        --       --        .         46       --       4-
db         --       --        --        .        --       --
neighbour  46       --        --        --       46       .
localhost  46       46        46        46       46       46
"""
FORGOTTEN = ("neighbour", "web:3000")
NEW_RULE = "  - {from: internet, to: frontend, ports: [3000/tcp]}    # the new app, on trial\n"


LOOK = Look()
Cells = Dict["tuple[str, str]", str]


def parse(table: str) -> Cells:
    """AFTER as cells; "." where there is nothing to ask."""
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return {(row[0], column): mark for row in rows for column, mark in zip(head, row[1:])
            if mark != "."}


class App:
    """The three-tier app, and who can be asked from where."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.containers: Dict[str, Container] = {}
        for name, (ip4, ip6) in NETWORKS.items():
            lab.host.network(name, f"{ip4}0/24", f"{ip6}/64", internal=name == "internal")
        for name, (tier, last, ports, published) in CONTAINERS.items():
            ip4, ip6 = NETWORKS[tier]
            self.containers[name] = lab.host.run(
                name, tier, ip=f"{ip4}{last}", ip6=f"{ip6}{last}", labels={"tier": tier},
                publish=[f"{at}:{port}" for at, port in published.items()],
                cmd=["probe", "serve", *(f"tcp/{port}" for port in ports)])
            if tier in NEXT:
                ip4, ip6 = NETWORKS[NEXT[tier]]
                lab.host.docker("network", "connect", f"--ip={ip4}{last}", f"--ip6={ip6}{last}",
                                NEXT[tier], name)
        lab.host.serve("tcp/22")
        lab.outside.serve("tcp/443")

    def place(self, name: str) -> Place:
        """Where the packets of a row come from."""
        return {"neighbour": self.lab.outside, "localhost": self.lab.host}.get(name) or \
            self.containers[name]

    @staticmethod
    def addresses(source: str, target: str) -> Sequence[str]:
        """IPv4 and IPv6 address to ask, as somebody at @source would."""
        if target == "internet":
            return INTERNET
        local = ("127.0.0.1", "::1") if source == "localhost" else HOST
        if target == "host":
            return local
        tier, last, _, published = CONTAINERS[target]
        if source in ("neighbour", "localhost") and published:
            return local
        if source in CONTAINERS and CONTAINERS[source][0] == NEXT.get(tier):
            tier = NEXT[tier]  # the network they share
        return [f"{prefix}{last}" for prefix in NETWORKS[tier]]

    def row(self, source: str, columns: Sequence[str], timeout_ms: int) -> Cells:
        """All of one sender's probes, at once."""
        probes = {}
        for column in columns:
            target, port = column.split(":")
            probes[column] = [Probe("tcp", addr, int(port))
                              for addr in self.addresses(source, target)]
        asked = [probe for pair in probes.values() for probe in pair]
        results = self.place(source).probe_many(asked, timeout_ms)
        return {(source, column): "".join(digit if results[probe].state == "open" else "-"
                                          for digit, probe in zip("46", pair))
                for column, pair in probes.items()}

    def matrix(self, expected: Cells) -> Cells:
        """Every cell of @expected, measured; a missing answer is asked for once more, for long."""
        found: Cells = {}
        for source in SOURCES:
            found.update(self.row(source, [c for s, c in expected if s == source], 600))
        for source, column in expected:
            if any(want != "-" and got == "-" for want, got in
                   zip(expected[source, column], found[source, column])):
                found.update(self.row(source, [column], 3000))
        return found


def show(title: str, cells: Cells, promised: Cells) -> None:
    """A table; red: open against the policy."""
    width = max(len(column) for column in TARGETS) + 2
    head = "".join(f"{column:{width}}" for column in TARGETS)
    print(f"\n{LOOK.bold(title)}\n{'from':11}{head}".rstrip())
    for source in SOURCES:
        line = f"{source:11}"
        for column in TARGETS:
            got, want = cells.get((source, column), ""), promised.get((source, column), "")
            marks = "".join(LOOK.good(g) if g == w and g != "-" else LOOK.bad(g) if g != "-" else g
                            for g, w in zip(got, want))
            line += marks + " " * (width - len(got))
        print(line.rstrip())


def differences(cells: Cells, promised: Cells) -> List[str]:
    """Every cell that is not as promised."""
    return [f"{source} -> {column}: promised {want}, measured {cells[source, column]}"
            for (source, column), want in promised.items() if cells[source, column] != want]


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    text: str


class Story:
    """The demo from its beginning to its end."""

    def __init__(self, lab: Lab, app: App, steps: Steps) -> None:
        self.lab, self.app, self.steps = lab, app, steps
        self.promised = parse(AFTER)
        self.wrong: List[str] = []
        self.netd = Netd(lab.host, (POLICIES / "three-tier.yaml").read_text())

    def netdctl(self, *args: str) -> Answer:
        """Run netdctl as an admin on the host would, and show it."""
        self.steps.done()
        print(f"\n{LOOK.bold('# netdctl ' + ' '.join(args))}", flush=True)
        done = subprocess.run([str(BUILD / "netdctl"), "--socket", str(self.netd.socket), *args],
                              cwd=self.netd.folder, capture_output=True, text=True, timeout=30,
                              check=False)
        print((done.stdout + done.stderr).rstrip())
        return Answer(done.returncode, done.stdout)

    def expect(self, what: str, holds: bool) -> None:
        """Note a broken promise."""
        if not holds:
            self.wrong.append(what)

    def mark(self, cell: "tuple[str, str]") -> str:
        """One cell, measured now."""
        return self.app.matrix({cell: "46"})[cell]

    def before(self) -> Cells:
        """Plain Docker: the control."""
        self.steps.say("measuring who reaches whom on plain Docker")
        cells = self.app.matrix(self.promised)
        for cell in (FORGOTTEN, ("neighbour", "api:8080"), ("web", "host:22"), ("api", "web:443"),
                     ("db", "api:8080"), ("web-2", "web:443")):
            self.expect(f"control: {cell} is open without netd", cells[cell] == "46")
        return cells

    def after(self) -> Cells:
        """netd with the shipped policy."""
        self.steps.say("starting netd with policies/three-tier.yaml")
        self.netd.start().wait_synced()
        self.steps.say("measuring again")
        cells = self.app.matrix(self.promised)
        self.wrong += differences(cells, self.promised)
        return cells

    def open_port(self) -> Cells:
        """One more rule, looked at before it is applied."""
        policy = (POLICIES / "three-tier.yaml").read_text()
        assert policy.count("\nallow:\n") == 1
        (self.netd.folder / "shop.yaml").write_text(
            policy.replace("\nallow:\n", f"\nallow:\n{NEW_RULE}"))
        print("\nA rule is added to a copy of the policy, shop.yaml:\n" + NEW_RULE.rstrip())
        plan = self.netdctl("plan", "shop.yaml")
        self.expect("plan finds the change and names the port",
                    plan.code == 1 and "3000" in plan.text)
        self.expect("plan changes nothing", self.mark(FORGOTTEN) == "--")
        self.expect("apply succeeds", self.netdctl("apply", "shop.yaml").code == 0)
        self.netdctl("ports")
        self.steps.say("measuring once more")
        promised = {**self.promised, FORGOTTEN: "46"}
        cells = self.app.matrix(promised)
        self.wrong += differences(cells, promised)
        self.steps.done()
        return cells

    def tell(self) -> None:
        """All of it; the tables stand together at the end."""
        plain, guarded = self.before(), self.after()
        opened = self.open_port()
        self.expect("netd stops cleanly", self.netd.stop() == 0)
        print("\n4 and 6: reached over IPv4, over IPv6; -: not; "
              + LOOK.bad("red") + ": against the policy")
        show("Plain Docker", plain, self.promised)
        show("With netd and policies/three-tier.yaml", guarded, self.promised)
        print(f"\n{LOOK.bold('Port 3000 of web, published with -p 3000:3000')}")
        for title, cells in (("plain Docker", plain), ("with netd", guarded),
                             ("rule applied", opened)):
            print(f"{title:14} neighbour {cells[FORGOTTEN]}   "
                  f"localhost {cells['localhost', 'web:3000']}")


def report(story: Story, begin: float) -> int:
    """The last lines; the exit code."""
    took = f"{time.monotonic() - begin:.0f} s"
    if story.wrong:
        print(LOOK.bad(f"\nnot as promised ({took}):"))
        print("\n".join(f"  {line}" for line in story.wrong))
        return 1
    print(LOOK.good(f"\nas promised, all {len(story.promised)} cells ({took})"))
    return 0


def keep() -> None:
    """Wait, with everything still there."""
    shell = "sudo python3 tests/lab/lab.py"
    print("\nThe lab stays up. In another terminal:\n"
          f"  {shell} host      a shell on the Docker host (docker, nft, ip)\n"
          f"  {shell} outside   a shell on the neighbour\n"
          "Ctrl-C here takes it down.", flush=True)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:  # SIGTERM too: the lab makes it one
        print()


def main() -> int:
    """Build, tell, clean up."""
    if sys.argv[1:] not in ([], ["--keep"]):
        print("usage: demo [--keep]", file=sys.stderr)
        return 2
    steps = Steps()
    steps.say("starting a Docker engine and a neighbour in namespaces of their own")
    with Lab(neighbours=(OUTSIDE,)) as lab:
        steps.say("starting a three-tier app")
        story = Story(lab, App(lab), steps)
        story.tell()
        code = report(story, steps.begin)
        if sys.argv[1:] == ["--keep"]:
            story.netd.start()
            keep()
        steps.say("cleaning up")
    steps.done()
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except unittest.SkipTest as reason:
        sys.exit(f"demo: {reason}")
    except KeyboardInterrupt:
        sys.exit(130)
