# SPDX-License-Identifier: GPL-2.0-or-later
"""From a host that nobody knows to a policy that is enforced, without cutting anything: a three-tier
compose app with traffic on a booted host, netd from its packages, learn, stage, audit, enforce.

Step by step, each checked; whoever watches is told. test_packages.py and demo_adopt.py walk it."""
from __future__ import annotations

import json
import re
import sys
import unittest
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Protocol

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("lab", "system")]

# pylint: disable=wrong-import-position
from lab import Child, Lab
from machine import SystemHost
from place import run, wait_until

N_REQUESTS = 2000
INTERNET = "203.0.113.10"
POLICY = "/etc/netd/policy.d/first.yaml"
SUGGESTED = "/root/shop.yaml"

# A request to web is one to app, and that one to db: each page that comes back has gone all the way.
COMPOSE = """name: shop
services:
  web:
    image: netd-probe
    command: [busybox, httpd, -f, -p, "80", -h, /www]
    volumes: ["./web:/www:ro"]
    ports: ["8080:80"]
    networks: [front]
  app:
    image: netd-probe
    command: [busybox, httpd, -f, -p, "8080", -h, /www]
    volumes: ["./app:/www:ro"]
    networks: [front, back]
  db:
    image: netd-probe
    command: [probe, serve, tcp/5432]
    networks: [back]
  backup:                           # each night
    profiles: [jobs]
    image: netd-probe
    command: [sh, -c, "nc -w 5 db 5432 </dev/null"]
    networks: [back]
networks:
  front: {}
  back: {}
"""
# Beside it who watches: its own services, and the database of the shop.
MONITORING = """name: watch
services:
  scraper:
    image: netd-probe
    command: [sh, -c, "while :; do nc -w 2 exporter 9100 </dev/null; nc -w 2 db 5432 </dev/null; sleep 1; done"]
    networks: [watch, shop]
  exporter:
    image: netd-probe
    command: [probe, serve, tcp/9100]
    networks: [watch]
networks:
  watch: {}
  shop: {external: true, name: shop_back}
"""
# What somebody who knows both writes by hand.
BY_HAND = """version: 1
tiers:
  web:      {match: [{compose: {project: shop, service: web}}]}
  app:      {match: [{compose: {project: shop, service: app}}]}
  db:       {match: [{compose: {project: shop, service: db}}]}
  backup:   {match: [{compose: {project: shop, service: backup}}]}
  scraper:  {match: [{compose: {project: watch, service: scraper}}]}
  exporter: {match: [{compose: {project: watch, service: exporter}}]}
allow:
  - {from: internet, to: web, ports: [80/tcp]}
  - {from: web, to: app, ports: [8080/tcp]}
  - {from: app, to: db, ports: [5432/tcp]}
  - {from: backup, to: db, ports: [5432/tcp]}
  - {from: scraper, to: [exporter], ports: [9100/tcp]}
  - {from: scraper, to: [db], ports: [5432/tcp]}
"""
WEB = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
printf 'GET /cgi-bin/page HTTP/1.0\\r\\n\\r\\n' | exec nc -w 2 app 8080
"""
APP = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
exec nc -w 2 db 5432 </dev/null
"""
# Customers: one page after the other, until it is ended. Now and then, how many were asked for and lost.
CUSTOMERS = """
import signal, socket, sys
asked = lost = 0
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop:
    asked += 1
    try:
        with socket.create_connection((sys.argv[1], 8080), 2) as one:
            one.settimeout(5)
            one.sendall(b"GET /cgi-bin/page HTTP/1.0\\r\\n\\r\\n")
            page = b""
            while part := one.recv(4096):
                page += part
        lost += b"200 OK" not in page or b"hello" not in page
    except OSError:
        lost += 1
    if asked % 20 == 0 or stop:
        print(asked, lost, flush=True)
"""
# What an attacker tries first, from a container of nobody's.
SCAN = "while :; do for at in {targets}; do for port in 22 80 5432 8080; do " \
       "probe connect --timeout-ms 200 tcp $at $port; done; done; done"


class Audience(Protocol):
    """Whoever is told."""

    def step(self, text: str) -> None:
        """A new part begins."""

    def ran(self, command: str, output: str) -> None:
        """What was typed on the host, and what came."""

    def fact(self, text: str) -> None:
        """What was measured."""


class Nobody:
    """Nobody watches a test."""

    def step(self, text: str) -> None:
        """Nothing is said."""

    def ran(self, command: str, output: str) -> None:
        """Nothing is said."""

    def fact(self, text: str) -> None:
        """Nothing is said."""


class Answer(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    text: str


class Adoption:
    """The whole way, on a host that has not booted yet."""

    def __init__(self, lab: Lab, host: SystemHost, packages: Path, audience: Audience = Nobody()) -> None:
        """@packages: the folder with netd_*.deb and netdctl_*.deb."""
        self.test = unittest.TestCase()
        self.lab, self.host, self.packages, self.audience = lab, host, packages, audience
        self.addresses: Dict[str, str] = {}
        self.report = ""

    def walk(self) -> None:
        """All of it, in this order."""
        self.boot()
        for step in (self.without_netd, self.install, self.learn, self.suggest, self.stage, self.audit,
                     self.enforce, self.never_seen, self.scanner):
            step()
        asked, lost = self.customers_until(0)
        self.test.assertEqual(lost, 0)
        self.audience.fact(f"{asked:,} requests in all, {lost} lost")

    # Looking and doing

    def type(self, command: str, status: int = 0) -> str:
        """On the host, as an admin; what it prints."""
        answer = self.try_to(command)
        self.audience.ran(command, answer.text)
        self.test.assertEqual(answer.status, status, f"{command}\n{answer.text}")
        return answer.text

    def try_to(self, command: str) -> Answer:
        """On the host, however it ends."""
        said = self.host.exec("sh", "-c", f"{{ {command}\n}} 2>&1; s=$?; echo; echo $s", timeout=120)
        text, _, status = said.rpartition("\n")
        return Answer(int(status), text.strip("\n"))

    def json(self, *args: str) -> Any:
        """The report of a verb."""
        report = self.host.netdctl(*args)
        self.test.assertIsNotNone(report, args)
        return report

    def flows(self, *args: str) -> List[Any]:
        """Those of `netdctl flows`."""
        lines = self.host.exec("netdctl", "--format", "json", "flows", *args).splitlines()
        return [json.loads(line) for line in lines[1:]]

    def customers_until(self, asked: int) -> "tuple[int, int]":
        """How many pages were asked for, once it is so many, and how many of them were lost."""

        def count() -> "tuple[int, int]":
            done, lost = map(int, self.customers.lines[-1].split())
            return done, lost

        wait_until(f"{asked} requests", lambda: self.customers.lines and count()[0] >= asked, 300)
        return count()

    def customers_go_on(self) -> None:
        """Some more pages, and none lost of all so far."""
        asked, lost = self.customers_until(self.customers_until(0)[0] + 100)
        self.test.assertEqual(lost, 0, f"of {asked}")
        self.audience.fact(f"{asked:,} requests so far, {lost} lost")

    def backup(self) -> None:
        """The job of each night, whose container is gone when it has ended."""
        self.host.exec("docker", "compose", "--project-directory=/root/shop", "--profile=jobs", "run",
                       "--rm", "backup", timeout=120)

    # The steps

    def boot(self) -> None:
        """A host in production."""
        host = self.host
        self.audience.step("a host with systemd, Docker and a compose app of three tiers; its customers")
        host.boot()
        host.import_image()
        compose = Path(run([str(ROOT / "tests/compose/install"), "2.26"], timeout=600).strip()).resolve()
        plugins = "/usr/local/lib/docker/cli-plugins"
        host.outside.netns_exec(["sh", "-euc", 'mkdir -p "$1$2" "$1$(dirname "$3")"; cp -r "$3" "$1$3"; '
                                 'ln -s "$3/docker-compose" "$1$2/docker-compose"', "sh", str(host.root),
                                 plugins, str(compose.parent)])
        for path, text in (("shop/compose.yaml", COMPOSE), ("shop/web/cgi-bin/page", WEB),
                           ("shop/app/cgi-bin/page", APP), ("watch/compose.yaml", MONITORING)):
            host.write(f"/root/{path}", text)
        host.exec("chmod", "-R", "a+rX,u+x", "/root/shop")
        for project in ("shop", "watch"):
            host.exec("docker", "compose", f"--project-directory=/root/{project}", "up", "--detach",
                      timeout=180)
        for name in ("web", "app", "db"):
            networks = json.loads(host.exec("docker", "inspect", "--format={{json .NetworkSettings.Networks}}",
                                            f"shop-{name}-1"))
            self.addresses[name] = networks.get("shop_back", networks.get("shop_front"))["IPAddress"]
        self.lab.host.serve("tcp/443")
        self.customers: Child = self.lab.host.spawn(
            [sys.executable, "-I", "-S", "-u", "-c", CUSTOMERS, "192.0.2.1"])
        self.customers_go_on()

    def without_netd(self) -> None:
        """The controls: what will be denied passes."""
        host = self.host
        self.audience.step("controls: without netd all of this passes")
        self.test.assertEqual(host.ask("shop-app-1", INTERNET, 443), "open")
        self.audience.fact(f"app reaches {INTERNET}, which it never does in its work")
        said = host.exec("docker", "run", "--rm", "--network=shop_back", "netd-probe", "probe", "connect",
                         "--timeout-ms", "700", "tcp", self.addresses["db"], "5432")
        self.test.assertTrue(said.startswith("open"), said)
        self.audience.fact("a container of nobody's reaches db")

    def install(self) -> None:
        """The service runs, waits for a policy, and cuts nothing."""
        host = self.host
        self.audience.step("install")
        host.exec("mkdir", "/packages")
        for name in ("netd", "netdctl"):
            path, = self.packages.glob(f"{name}_*.deb")
            host.outside.netns_exec(["cp", str(path), f"{host.root}/packages/{name}.deb"])
        self.try_to("apt-get -y -q install --no-install-recommends /packages/netd.deb /packages/netdctl.deb")
        self.type("systemctl is-active netd")
        self.test.assertIn("waits", self.type("netdctl status", status=1))
        self.customers_go_on()
        self.type("cp /usr/share/doc/netd/examples/first.yaml /etc/netd/policy.d/")
        wait_until("the first policy", lambda: self.json("status")["mode"] == "audit")
        self.customers_go_on()

    def learn(self) -> None:
        """What talks to what, a nightly job among it."""
        self.audience.step("see what talks to what")
        self.backup()
        wait_until("the flows", lambda: {("outside", "web"), ("web", "app"), ("app", "db"),
                                         ("backup", "db"), ("scraper", "exporter"),
                                         ("scraper", "db")} <= self.pairs())
        self.type("netdctl flows")

    def pairs(self) -> "set[tuple[str, str]]":
        """Who was seen to talk to whom, by service."""

        def service(end: Dict[str, Any]) -> str:
            found = re.match(r"(?:shop|watch)-(\w+)-", end.get("container", ""))
            return found[1] if found else end.get("container", end["kind"])

        return {(service(flow["from"]), service(flow["to"])) for flow in self.flows()}

    def suggest(self) -> None:
        """A policy that compiles, passes its own tests, and allows all that was seen."""
        self.audience.step("get a policy that says it")
        self.type(f"netdctl suggest > {SUGGESTED}")
        self.audience.ran(f"cat {SUGGESTED}", self.host.exec("cat", SUGGESTED))
        suggestion = self.json("suggest")
        self.test.assertEqual((suggestion["flows_allowed"], suggestion["left_out"]), (suggestion["flows"], []))
        self.type(f"netdctl validate {SUGGESTED}")
        self.type(f"netdctl test {SUGGESTED}")
        self.not_wider_than_by_hand()
        self.audience.fact(f"{suggestion['flows_allowed']} of {suggestion['flows']} different flows "
                           "would be allowed")

    def not_wider_than_by_hand(self) -> None:
        """Nor narrower: the plan from the one to the other has nothing in it."""
        self.host.write("/root/by-hand.yaml", BY_HAND)
        self.host.exec("sh", "-c", "netdctl inventory > /root/host.json")
        plan = json.loads(self.host.exec("netdctl", "--format", "json", "plan", "--against", "/root/by-hand.yaml",
                                         "--inventory", "/root/host.json", SUGGESTED, check=False))
        self.test.assertEqual((plan["gained"], plan["exposures"]["opened"]), ([], []))
        lost = {(flow["from"], flow["to"]) for flow in plan["lost"]}
        self.test.assertEqual(lost, set(), plan["lost"])

    def stage(self) -> None:
        """Beside the policy in force; it would deny nothing of what is seen."""
        self.audience.step("stage it: what would it deny?")
        self.type(f"netdctl stage {SUGGESTED}")
        self.customers_go_on()
        self.backup()
        said = self.type("netdctl stage")
        self.test.assertIn("would be denied: none", said)

    def audit(self) -> None:
        """In force, and nothing is dropped: what would be is logged."""
        self.audience.step("audit: in force, but nothing is dropped yet")
        self.type(f"{{ cat {SUGGESTED}; echo; echo 'mode: audit'; }} > {POLICY}")
        wait_until("the tiers", lambda: {row.get("tier") for row in self.json("endpoints")["endpoints"]}
                   >= {"web", "app", "db", "scraper", "exporter"})
        audited = self.audited()
        self.customers_go_on()
        self.backup()
        self.test.assertEqual(self.audited(), audited)
        self.audience.fact("nothing would be denied")

    def audited(self) -> List[int]:
        """Packets that the policy would deny. (What the kernel of a container says before it is admitted is
        none of the policy's.)"""
        counts = self.json("status")["audited"]
        return [counts.get(reason, 0) for reason in ("no-rule", "rule", "unmatched", "conflict")]

    def enforce(self) -> None:
        """N_REQUESTS were answered until here; and go on to be."""
        asked, lost = self.customers_until(N_REQUESTS)
        self.test.assertEqual(lost, 0, f"of {asked}")
        self.audience.fact(f"{asked:,} requests up to here, {lost} lost")
        self.audience.step("enforce")
        self.type(f"netdctl stage {SUGGESTED}")
        said = self.type("netdctl stage")
        self.test.assertIn("would be denied: none", said)
        self.type(said.strip().splitlines()[-1].strip())  # netdctl stage --apply --expect ... --confirm 60s
        self.type("netdctl confirm")
        self.type(f"cp {SUGGESTED} {POLICY}")
        self.test.assertEqual(self.json("status")["mode"], "enforce")
        self.customers_go_on()

    def never_seen(self) -> None:
        """What nobody ever did is denied, and said; one command makes it a rule."""
        host = self.host
        self.audience.step(f"app tries what it never did: {INTERNET}")
        self.test.assertEqual(host.ask("shop-app-1", INTERNET, 443), "timeout")
        wait_until("the denial", lambda: [flow for flow in self.flows("--verdict", "denied")
                                          if flow["port"] == "443/tcp"])
        self.type("netdctl flows --verdict denied")
        said = self.type("netdctl suggest --denied", status=1)
        found = re.search(r"^ *(\d+)\b.*443/tcp", said, re.M)
        assert found is not None, said
        self.type(f"netdctl allow {found[1]}")
        self.test.assertEqual(host.ask("shop-app-1", INTERNET, 443), "open")

    def scanner(self) -> None:
        """A container that somebody plants is denied, and told of wherever one looks: by its name, in the
        metrics (which have none of containers) by what it is to the policy."""
        host = self.host
        self.audience.step("somebody plants a scanner beside the database")
        scan = SCAN.format(targets=f"{self.addresses['db']} {self.addresses['app']} 192.0.2.1 {INTERNET}")
        host.exec("docker", "run", "--detach", "--name=scanner", "--network=shop_back", "netd-probe", "sh",
                  "-c", scan)
        # It does not get beyond its first question, who has these addresses.
        wait_until("its denials", lambda: {"db", "app"} <= {flow["to"].get("tier") for flow in
                                                            self.flows("--container", "scanner")})
        self.test.assertEqual({flow["verdict"] for flow in self.flows("--container", "scanner")}, {"denied"})
        self.test.assertIn(host.ask("scanner", self.addresses["db"], 5432), ("timeout", "unreachable"))
        self.type("netdctl flows --container scanner")
        host.exec("systemctl", "start", "netd-metrics.socket")
        self.test.assertRegex(self.metrics(), r'netd_logged_packets_total\{verdict="denied",'
                                         r'reason="unmatched",from="unmatched",to="db"\} [1-9]')
        self.report = self.type("netdctl report > /root/report.html") or host.exec("cat", "/root/report.html")
        self.test.assertIn("scanner", self.report)
        self.customers_go_on()

    def metrics(self) -> str:
        """As Prometheus reads them."""
        get = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9924/metrics').read().decode())"
        text = run(["nsenter", "-t", str(self.host.leader), "-n", "--", sys.executable, "-c", get])
        shown = [line for line in text.splitlines() if 'from="unmatched"' in line]
        self.audience.ran("curl -s http://127.0.0.1:9924/metrics | grep unmatched", "\n".join(shown))
        return text
